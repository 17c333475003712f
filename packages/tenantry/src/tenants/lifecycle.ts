// The verbs that move a tenant from one status to another, each of them one transaction under the tenant's row lock.
import type { Sql } from '../engine/sql/database.ts'
import { TenantryError } from '../kernel/errors.ts'
import { recordFact } from './events.ts'
import { type JournalVerb, type Operation, runningOperation } from './journal.ts'
import { inTenantTransaction } from './lock.ts'
import type { TenantsOptions } from './options.ts'
import { onlyRow, publicTenant, type TenantRecord, type TenantRow, tenantColumns, toTenant } from './record.ts'
import { tenantKey } from './reference.ts'
import { archiveName, renameSchema } from './schema.ts'
import { decide, type StatusVerb, startsFrom } from './status.ts'
import { activated, deactivated, deleted, restored, suspended } from './status-effects.ts'
import type { Tenant, TenantRef, TenantStatus } from './tenant.ts'
import { refuseOtherVersion } from './version.ts'

export interface StatusChange {
  readonly actor: string
  readonly reason?: string | null
  /** The version that was read; a change from another one is refused, a repetition is not. */
  readonly ifVersion?: number | undefined
}

export const eventOfVerb = {
  suspend: 'tenant.suspended',
  activate: 'tenant.activated',
  deactivate: 'tenant.deactivated',
  delete: 'tenant.deleted',
  restore: 'tenant.restored',
} as const

/**
 * Moves a tenant to the status that the verb leads to; a repetition returns it unchanged.
 * Throws TENANT_NOT_FOUND, TENANT_STATUS_CONFLICT, TENANT_BUSY, PRECONDITION_FAILED, and SCHEMA_EXISTS where a restored schema's name is taken.
 */
export async function changeStatus(
  options: TenantsOptions,
  ref: TenantRef,
  change: StatusChange & { readonly verb: keyof typeof eventOfVerb },
): Promise<Tenant> {
  const { verb, actor, reason = null } = change
  const changed = await inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
    if (decideOrThrow(verb, tenant) === 'repeat') return publicTenant(tenant)
    refuseOtherVersion(tenant, change.ifVersion)
    await refuseWhileRunning(tx, tenant)
    const at = new Date(options.clock.now())
    const after = await statusEffects[verb](options, { tx, tenant, at, reason })
    const saved = await saveStatus(tx, after, at)
    for (const participant of options.participants) await participant.statusChanged?.(tx, saved)
    await recordFact(tx, { event: eventOfVerb[verb], action: `tenant.${verb}`, tenant, actor, at, reason })
    return saved
  })
  // Repeating a verb mends what a process that stopped here left undone.
  for (const participant of options.participants) await participant.afterStatusChange?.(changed)
  return changed
}

/** `change` or `repeat`. Throws TENANT_STATUS_CONFLICT naming the verb and the status. */
export function decideOrThrow(verb: StatusVerb, tenant: TenantRecord): 'change' | 'repeat' {
  const decision = decide(verb, { status: tenant.status, restored: tenant.restoredAt !== null })
  if (decision !== 'refuse') return decision
  throw statusConflict(verb, tenant, startsFrom(verb))
}

export function statusConflict(verb: string, tenant: Tenant, from: readonly TenantStatus[]): TenantryError {
  return new TenantryError(
    'TENANT_STATUS_CONFLICT',
    `Cannot ${verb} the tenant ${tenant.slug}: it is ${tenant.status}; ${verb} starts from ${from.join(' or ')}.`,
  )
}

/** Throws TENANT_BUSY while a journalled operation of the tenant is open, one that may be continued excepted. */
export async function refuseWhileRunning(
  tx: Sql,
  tenant: TenantRecord,
  continuable: readonly JournalVerb[] = [],
): Promise<Operation | undefined> {
  const operation = await runningOperation(tx, tenant.id)
  if (operation === undefined || continuable.includes(operation.verb)) return operation
  throw new TenantryError(
    'TENANT_BUSY',
    `The operation ${operation.verb} of the tenant ${tenant.slug} is not finished.`,
  )
}

interface StatusStep {
  readonly tx: Sql
  readonly tenant: TenantRecord
  readonly at: Date
  readonly reason: string | null
}

type StatusEffect = (options: TenantsOptions, step: StatusStep) => Promise<TenantRecord>

const statusEffects: Readonly<Record<keyof typeof eventOfVerb, StatusEffect>> = {
  suspend: async (_options, { tenant, at, reason }) => suspended(tenant, at, reason),
  activate: async (_options, { tenant }) => activated(tenant),
  deactivate: async (_options, { tenant }) => deactivated(tenant),
  delete: archive,
  restore: unarchive,
}

async function archive(options: TenantsOptions, { tx, tenant, at }: StatusStep): Promise<TenantRecord> {
  for (const participant of options.participants.toReversed()) await participant.archive?.(tx, tenant)
  const hasSchema = tenant.isolation === 'schema' && tenant.provisionedAt !== null
  const archivedSchema = hasSchema ? archiveName(tenant, at) : null
  if (archivedSchema !== null) await renameSchema(tx, tenant.schemaName, archivedSchema)
  return { ...deleted(tenant, at, options.defaults.purgeAfterDays), archivedSchema }
}

async function unarchive(options: TenantsOptions, { tx, tenant, at }: StatusStep): Promise<TenantRecord> {
  if (tenant.archivedSchema !== null) await renameSchema(tx, tenant.archivedSchema, tenant.schemaName)
  const after = restored(tenant, at)
  for (const participant of options.participants) await participant.restore?.(tx, after)
  return after
}

async function saveStatus(tx: Sql, tenant: TenantRecord, at: Date): Promise<Tenant> {
  const { rows } = await tx.query<TenantRow>(
    `update tenantry.tenant
        set status = $2, suspended_at = $3, suspend_reason = $4, deleted_at = $5, purge_after = $6, restored_at = $7,
            status_before = $8, archived_schema = $9, updated_at = $10, version = version + 1
      where id = $1 returning ${tenantColumns}`,
    [
      tenant.id,
      tenant.status,
      tenant.suspendedAt,
      tenant.suspendReason,
      tenant.deletedAt,
      tenant.purgeAfter,
      tenant.restoredAt,
      tenant.statusBefore,
      tenant.archivedSchema,
      at,
    ],
  )
  return toTenant(onlyRow(rows))
}
