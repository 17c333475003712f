// A column that takes another one's place while two versions of an application run: its words, and their check.
import { TenantryError } from '../../kernel/errors.ts'
import type { ErrorCode } from '../../kernel/error-codes.ts'
import type { ActOptions } from '../../tenants/tenants.ts'

export interface NewColumn {
  readonly name: string
  /** As in CREATE TABLE, without constraints: `bigint`, `numeric(10, 2)`. */
  readonly type: string
  /** Whether it is NOT NULL from `validate` on. Default: false. */
  readonly notNull?: boolean
  /** A foreign key it carries from `validate` on. */
  readonly references?: {
    readonly table: string
    readonly column: string
    /** Both tables' tenant column, for tables that tenants share: the key is (tenant column, column) then. */
    readonly tenantColumn?: string
  }
}

export interface ColumnChange {
  /** Names the change for ever, and its trigger: up to 40 small letters, digits and `_`. */
  readonly name: string
  readonly table: string
  /** Of a table that tenants share; default `public`. Not for tenant schemas, whose migrations are in their schema. */
  readonly schema?: string
  /** Whether tenants share the table, or each has its own. Default: `shared`. */
  readonly set?: 'shared' | 'tenant'
  /** The column that goes. */
  readonly from: string
  /** The column that comes. */
  readonly to: NewColumn
  /** SQL that makes the new value from the columns of a row: `(total * 100)::bigint`. */
  readonly forward: string
  /** SQL that makes the old value from the columns of a row: `total_cents / 100.0`. */
  readonly back: string
}

export type ChangePhase = 'expanded' | 'backfilled' | 'validated' | 'switched' | 'contracted'

export interface ChangeFailure {
  /** Null for a table that tenants share. */
  readonly tenantId: string | null
  readonly code: ErrorCode
  readonly sqlState: string | null
}

export interface ChangeStatus {
  readonly name: string
  readonly phase: ChangePhase
  /** Tables to fill: one for each tenant that has its own, and for each partition. */
  readonly targets: number
  readonly done: number
  /** Rows that were filled; those an application wrote since `expand` filled themselves. */
  readonly filled: number
  readonly failures: readonly ChangeFailure[]
}

export interface ChangeOptions extends ActOptions {
  /** How long a statement waits for a lock, milliseconds. Default: 2,000. */
  readonly lockTimeoutMs?: number
  /** How often what did not get its lock is tried again, with growing pauses. Default: 5. */
  readonly lockRetries?: number
}

export interface BackfillOptions extends Omit<ChangeOptions, 'lockTimeoutMs'> {
  /** How long a batch should take, milliseconds; its size follows. Default: 100. */
  readonly batchMs?: number
  /** Milliseconds between batches. Default: 0. */
  readonly pauseMs?: number
  /** Stops after the batch that is under way; what is done stays done. */
  readonly signal?: AbortSignal
  /** Hears of the backfill after each batch. */
  readonly onProgress?: (status: BackfillProgress) => void
}

export type BackfillProgress = Pick<ChangeStatus, 'targets' | 'done' | 'filled'>

/** `tenantry.changes`: each verb can be repeated, and goes on where it stopped. */
export interface Changes {
  /**
   * Adds the new column to a shared table, with the trigger that keeps both columns in step. Tenant schemas get theirs in
   * a migration: see `expandColumn`. Throws INVALID_INPUT, TABLE_NOT_FOUND, LOCK_NOT_TAKEN.
   *
   * @example
   * ```ts
   * await tenantry.changes.expand({
   *   ...{ name: 'total_in_cents', table: 'invoice', from: 'total', to: { name: 'total_cents', type: 'bigint', notNull: true } },
   *   ...{ forward: '(total * 100)::bigint', back: 'total_cents / 100.0' },
   * })
   * await tenantry.changes.backfill('total_in_cents', { pauseMs: 20 })
   * ```
   */
  expand(change: ColumnChange, options?: ChangeOptions): Promise<ChangeStatus>
  /**
   * Fills the new column of the rows that were there before: in batches, each a transaction that also notes how far it
   * came. Takes the change itself where it was expanded by a migration. A tenant whose rows cannot be filled is in
   * `failures`. Throws INVALID_INPUT, CHANGE_OUT_OF_ORDER.
   */
  backfill(change: string | ColumnChange, options?: BackfillOptions): Promise<ChangeStatus>
  /** NOT NULL and foreign key, each proven before it binds. Throws CHANGE_UNPROVEN, CHANGE_OUT_OF_ORDER, LOCK_NOT_TAKEN. */
  validate(name: string, options?: ChangeOptions): Promise<ChangeStatus>
  /** Proves that both columns say the same, and makes the old one optional. Throws as `validate`. */
  switch(name: string, options?: ChangeOptions): Promise<ChangeStatus>
  /** Drops trigger and old column; no version may use it any more. Throws as `validate`. */
  contract(name: string, options?: ChangeOptions): Promise<ChangeStatus>
  /** Throws INVALID_INPUT for a change that there is not. */
  status(name: string): Promise<ChangeStatus>
  /** All changes there were, by name. */
  list(): Promise<readonly ChangeStatus[]>
}

const NAME = /^[a-z][a-z0-9_]{0,39}$/
/** Quotes the trigger function's body; no expression may end it early. */
export const BODY_QUOTE = '$tenantry_sync$'

/** Throws INVALID_INPUT for what cannot be a change. */
export function checkChange(change: ColumnChange): ColumnChange {
  // It may have been read from a file.
  if (!isRecord(change)) throw invalid('change', 'must be an object')
  if (!isRecord(change.to)) throw invalid('to', 'must be an object')
  if (typeof change.name !== 'string' || !NAME.test(change.name)) {
    throw invalid('name', 'must be up to 40 small letters, digits and underscores, a letter first')
  }
  checkTexts(change)
  const { set = 'shared' } = change
  if (!['shared', 'tenant'].includes(set)) throw invalid('set', 'must be shared or tenant')
  if (!['undefined', 'boolean'].includes(typeof change.to.notNull)) throw invalid('to.notNull', 'must be true or false')
  if (change.from === change.to.name) throw invalid('to', 'must name another column than "from"')
  if (change.set === 'tenant' && change.schema !== undefined) {
    throw invalid('schema', 'is for tables that tenants share')
  }
  return change
}

function checkTexts({ table, schema, from, to, forward, back }: ColumnChange): void {
  const { references } = to
  if (references !== undefined && !isRecord(references)) throw invalid('to.references', 'must be an object')
  const optional = {
    ...(schema !== undefined && { schema }),
    ...(references?.tenantColumn !== undefined && { 'to.references.tenantColumn': references.tenantColumn }),
  }
  const key = references && { 'to.references.table': references.table, 'to.references.column': references.column }
  const needed = { table, from, 'to.name': to.name, 'to.type': to.type, forward, back }
  for (const [field, value] of Object.entries({ ...needed, ...key, ...optional })) {
    if (typeof value !== 'string' || value.trim() === '') throw invalid(field, 'must not be empty')
    if (value.includes('\0') || value.includes(BODY_QUOTE)) throw invalid(field, 'contains what SQL text cannot')
  }
}

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

function invalid(field: string, why: string): TenantryError {
  return new TenantryError('INVALID_INPUT', `"${field}" of a change ${why}.`, { field })
}
