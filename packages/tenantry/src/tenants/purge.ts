// Removing a deleted tenant for good: a journalled operation whose steps only ever remove, so it resumes where it
// stopped and is never undone. Steps: participants, schema, shared rows, then proof and tombstone.
import type { Sql } from '../engine/sql/database.ts'
import { TenantryError } from '../kernel/errors.ts'
import { quoteIdentifier } from '../kernel/identifiers.ts'
import { recordFact } from './events.ts'
import {
  advanceOperation,
  closeOperation,
  type Operation,
  openOperation,
  readOperation,
  rewindOperation,
} from './journal.ts'
import { decideOrThrow, refuseWhileRunning } from './lifecycle.ts'
import { inTenantTransaction } from './lock.ts'
import type { TenantsOptions } from './options.ts'
import { onlyRow, publicTenant, type TenantRecord, type TenantRow, tenantColumns, toTenant } from './record.ts'
import { tenantKey } from './reference.ts'
import { dropSchema } from './schema.ts'
import { deleteSharedRows, remainingSharedRows } from './shared-rows.ts'
import type { Tenant, TenantRef } from './tenant.ts'

// Each dropped table, its indexes and TOAST take locks; with the default max_locks_per_transaction a few thousand fit.
const TABLES_PER_TRANSACTION = 100

export interface PurgeRequest {
  readonly actor: string
  /** The slug, typed out; null where the closed restore window speaks for itself. */
  readonly confirm: string | null
}

/**
 * Purges a deleted tenant and returns its tombstone; a tombstone is returned as it is.
 * Throws CONFIRMATION_REQUIRED, TENANT_STATUS_CONFLICT, TENANT_BUSY, and PURGE_INCOMPLETE naming what is left.
 */
export async function purgeTenant(options: TenantsOptions, ref: TenantRef, request: PurgeRequest): Promise<Tenant> {
  const begun = await inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
    if (decideOrThrow('purge', tenant) === 'repeat') return publicTenant(tenant)
    if (request.confirm === null) refuseBeforeDue(tenant, options.clock.now())
    else refuseUnconfirmed(tenant, request.confirm)
    const open = await refuseWhileRunning(tx, tenant, ['purge'])
    const operation = open ?? (await openOperation(tx, tenant.id, { verb: 'purge', actor: request.actor }))
    await options.onStep?.('purge:begin:before-commit')
    return operation
  })
  if ('slug' in begun) return begun
  await options.onStep?.('purge:begin:after-commit')
  return finishPurge(options, begun)
}

/** Throws CONFIRMATION_REQUIRED unless the slug was typed out. */
export function refuseUnconfirmed(tenant: Tenant, confirm: string): void {
  if (confirm === tenant.slug) return
  throw new TenantryError('CONFIRMATION_REQUIRED', `Purging ${tenant.slug} needs its slug as "confirm".`, {
    field: 'confirm',
  })
}

// It may have been restored and deleted anew since it was listed.
function refuseBeforeDue(tenant: Tenant, now: number): void {
  if (tenant.purgeAfter !== null && Date.parse(tenant.purgeAfter) <= now) return
  throw new TenantryError('TENANT_STATUS_CONFLICT', `The restore window of ${tenant.slug} is still open.`)
}

/** Goes on with an open purge. Throws PURGE_INCOMPLETE; the journal stays open then, and purging again goes on. */
export async function finishPurge(options: TenantsOptions, opened: Operation): Promise<Tenant> {
  try {
    // What failed its proof starts over: every step is idempotent, and what was in the way may be gone by now.
    await rewindOperation(options.database, opened, steps.length)
    for (;;) {
      const tombstone = await takeStep(options, opened)
      if (tombstone !== undefined) return tombstone
    }
  } catch (error) {
    if (error instanceof TenantryError) throw error
    throw new TenantryError('PURGE_INCOMPLETE', 'The purge stopped before its end; the cause says why.', {
      cause: error,
    })
  }
}

interface Step {
  readonly tx: Sql
  readonly tenant: TenantRecord
  readonly operation: Operation
}

/** One transaction of the walk: the tombstone when it was the last one. */
async function takeStep(options: TenantsOptions, { id, tenantId }: Operation): Promise<Tenant | undefined> {
  const before = await readOperation(options.database, id)
  // Rows go in batches with commits of their own; only the note that they are gone needs the tenant's lock.
  if (before?.step === 2) await deleteSharedRows(options.database, tenantId, options.roles.central)
  let point = ''
  const tombstone = await inTenantTransaction(options, { column: 'id', value: tenantId }, async (tx, tenant) => {
    const operation = await readOperation(tx, id)
    if (operation?.state !== 'running') return publicTenant(tenant)
    if (operation.step !== before?.step) return undefined
    point = `purge:${operation.step}`
    const result = await (steps[operation.step] ?? bury)(options, { tx, tenant, operation })
    await options.onStep?.(`${point}:before-commit`)
    return result
  })
  if (point !== '') await options.onStep?.(`${point}:after-commit`)
  return tombstone
}

type PurgeStep = (options: TenantsOptions, step: Step) => Promise<Tenant | undefined>

const steps: readonly PurgeStep[] = [purgeParticipants, dropArchivedTables, noteSharedRows]

async function purgeParticipants(options: TenantsOptions, { tx, tenant, operation }: Step): Promise<undefined> {
  for (const participant of options.participants.toReversed()) await participant.purge?.(tx, tenant)
  await advanceOperation(tx, operation)
}

/** Drops up to a hundred tables; the journal advances with the schema itself, once it is small enough. */
async function dropArchivedTables(_options: TenantsOptions, { tx, tenant, operation }: Step): Promise<undefined> {
  const schema = tenant.archivedSchema
  if (schema === null) return advanceOperation(tx, operation).then(() => undefined)
  const { rows } = await tx.query<{ name: string }>(
    `select format('%I.%I', $1::text, relname) as name from pg_class
      where relnamespace = to_regnamespace($2) and relkind in ('r', 'p') and not relispartition limit $3`,
    [schema, quoteIdentifier(schema), TABLES_PER_TRANSACTION],
  )
  if (rows.length > 0) await tx.query(`drop table ${rows.map((row) => row.name).join(', ')} cascade`)
  if (rows.length === TABLES_PER_TRANSACTION) return
  await dropSchema(tx, schema)
  await advanceOperation(tx, operation)
}

async function noteSharedRows(_options: TenantsOptions, { tx, operation }: Step): Promise<undefined> {
  await advanceOperation(tx, operation)
}

/** Proves that nothing is left, then leaves the tombstone: no name, no settings, and the slug free again. */
async function bury(options: TenantsOptions, { tx, tenant, operation }: Step): Promise<Tenant> {
  const left = await leftovers(options, tx, tenant)
  if (left.length > 0) {
    throw new TenantryError('PURGE_INCOMPLETE', `Still there after purging ${tenant.slug}: ${left.join(', ')}.`)
  }
  const at = new Date(options.clock.now())
  const { rows } = await tx.query<TenantRow>(entomb, [tenant.id, at, tenant.id.replaceAll('-', '')])
  const tombstone = toTenant(onlyRow(rows))
  const { actor } = operation.detail
  await recordFact(tx, { event: 'tenant.purged', action: 'tenant.purge', tenant: tombstone, actor, at })
  await closeOperation(tx, operation, { state: 'done' })
  return tombstone
}

const entomb = `
update tenantry.tenant
   set status = 'purged', purged_at = $2, updated_at = $2, version = version + 1, name = 'purged',
       slug = 'purged-' || $3, schema_name = 'purged_' || $3, settings = '{}', metadata = '{}', owner_user_id = null,
       suspend_reason = null, mode = 'normal', mode_reason = null, mode_operators = '{}', status_before = null, archived_schema = null, purge_after = null
 where id = $1
returning ${tenantColumns}`

async function leftovers(options: TenantsOptions, tx: Sql, tenant: TenantRecord): Promise<readonly string[]> {
  const { rows } = await tx.query<{ name: string }>('select nspname as name from pg_namespace where nspname = $1', [
    tenant.archivedSchema,
  ])
  const found = [
    ...rows.map((row) => `schema ${row.name}`),
    ...(await remainingSharedRows(tx, tenant.id, options.roles.central)),
  ]
  for (const participant of options.participants) found.push(...((await participant.leftovers?.(tx, tenant)) ?? []))
  return found
}
