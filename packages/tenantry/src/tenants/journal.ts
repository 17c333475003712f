// The journal of operations that take more than one transaction. Each step runs under the tenant's row lock and
// advances the journal in the same transaction, so whoever comes next, in this process or another, goes on there.
import type { Sql } from '../engine/sql/database.ts'
import { newId } from '../kernel/ids.ts'

export type JournalVerb = 'create' | 'provision' | 'purge'

export interface Operation {
  readonly id: string
  readonly tenantId: string
  readonly verb: JournalVerb
  /** How many steps are done. */
  readonly step: number
  readonly state: 'running' | 'done' | 'failed' | 'undone'
  readonly detail: OperationDetail
  readonly errorCode: string | null
}

export interface OperationDetail {
  readonly actor: string
  /** True from when this operation made the tenant's schema: only then may undoing it drop one. */
  readonly madeSchema?: boolean
}

const columns = `id, tenant_id as "tenantId", verb, step, state, detail, error_code as "errorCode"`

/** Opens an operation; its first step has yet to run. */
export async function openOperation(
  tx: Sql,
  tenantId: string,
  start: { readonly verb: JournalVerb; readonly actor: string },
): Promise<Operation> {
  const { rows } = await tx.query<Operation>(
    `insert into tenantry.operation (id, tenant_id, verb, detail) values ($1, $2, $3, $4) returning ${columns}`,
    [newId(), tenantId, start.verb, JSON.stringify({ actor: start.actor } satisfies OperationDetail)],
  )
  const operation = rows[0]
  if (operation === undefined) throw new Error('the journal did not return what it inserted')
  return operation
}

/** The tenant's open operation. Read it only with the tenant's row locked. */
export async function runningOperation(tx: Sql, tenantId: string): Promise<Operation | undefined> {
  const { rows } = await tx.query<Operation>(
    `select ${columns} from tenantry.operation where tenant_id = $1 and state = 'running'`,
    [tenantId],
  )
  return rows[0]
}

export async function readOperation(tx: Sql, id: string): Promise<Operation | undefined> {
  const { rows } = await tx.query<Operation>(`select ${columns} from tenantry.operation where id = $1`, [id])
  return rows[0]
}

/** Everything that is open, oldest first. */
export async function openOperations(sql: Sql): Promise<readonly Operation[]> {
  const { rows } = await sql.query<Operation>(
    `select ${columns} from tenantry.operation where state = 'running' order by id`,
  )
  return rows
}

/** Notes that a step is done, and what later steps must know of it. */
export async function advanceOperation(
  tx: Sql,
  operation: Operation,
  detail: Partial<OperationDetail> = {},
): Promise<void> {
  await tx.query(
    `update tenantry.operation set step = $2, detail = detail || $3::jsonb, updated_at = now() where id = $1`,
    [operation.id, operation.step + 1, JSON.stringify(detail)],
  )
}

/** Closes the operation. */
export async function closeOperation(
  tx: Sql,
  operation: Operation,
  end: { readonly state: 'done' | 'undone'; readonly errorCode?: string },
): Promise<void> {
  await tx.query(
    `update tenantry.operation set state = $2, error_code = $3, step = step + 1, updated_at = now() where id = $1`,
    [operation.id, end.state, end.errorCode ?? null],
  )
}

/** Takes an open operation that has come to the given step back to its first. */
export async function rewindOperation(sql: Sql, operation: Operation, step: number): Promise<void> {
  await sql.query(
    `update tenantry.operation set step = 0, updated_at = now() where id = $1 and state = 'running' and step = $2`,
    [operation.id, step],
  )
}

/**
 * Lets this commit return before it is on disk; for a step that is followed by another one before anybody is answered.
 * Commits reach the disk in order, so the last step's makes them all durable, and a crash of the server before it
 * loses a tail of the steps, from where the journal goes on. Saves a wait for the disk per step.
 */
export async function deferDurability(tx: Sql): Promise<void> {
  await tx.query('set local synchronous_commit = off')
}
