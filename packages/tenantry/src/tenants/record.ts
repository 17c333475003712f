// A row of the registry table as the lifecycle sees it, and its mapping to the public tenant.
import type { Isolation, JsonObject, Tenant, TenantMode, TenantStatus } from './tenant.ts'

/** The tenant and the facts that only the lifecycle needs. */
export interface TenantRecord extends Tenant {
  readonly statusBefore: TenantStatus | null
  readonly archivedSchema: string | null
  readonly restoredAt: string | null
}

export interface TenantRow {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly status: TenantStatus
  readonly isolation: Isolation
  readonly schema_name: string
  readonly mode: TenantMode
  readonly mode_reason: string | null
  readonly mode_since: Date | null
  readonly mode_operators: readonly string[]
  readonly plan: string | null
  readonly owner_user_id: string | null
  readonly settings: JsonObject
  readonly metadata: JsonObject
  readonly provisioned_at: Date | null
  readonly suspended_at: Date | null
  readonly suspend_reason: string | null
  readonly deleted_at: Date | null
  readonly restored_at: Date | null
  readonly status_before: TenantStatus | null
  readonly archived_schema: string | null
  readonly purge_after: Date | null
  readonly purged_at: Date | null
  readonly created_at: Date
  readonly updated_at: Date
  readonly version: number
}

/** The columns of a TenantRow, for select and returning. */
export const tenantColumns = `id, slug, name, status, isolation, schema_name, mode, mode_reason, mode_since, mode_operators,
  plan, owner_user_id, settings, metadata, provisioned_at, suspended_at, suspend_reason, deleted_at, restored_at, status_before, archived_schema, purge_after,
  purged_at, created_at, updated_at, version`

const time = (value: Date | null): string | null => value?.toISOString() ?? null

export function toTenant(row: TenantRow): Tenant {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    status: row.status,
    isolation: row.isolation,
    schemaName: row.schema_name,
    mode: row.mode,
    modeReason: row.mode_reason,
    modeSince: time(row.mode_since),
    modeOperators: row.mode_operators,
    plan: row.plan,
    ownerUserId: row.owner_user_id,
    settings: row.settings,
    metadata: row.metadata,
    provisionedAt: time(row.provisioned_at),
    suspendedAt: time(row.suspended_at),
    suspendReason: row.suspend_reason,
    deletedAt: time(row.deleted_at),
    purgeAfter: time(row.purge_after),
    purgedAt: time(row.purged_at),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    version: row.version,
  }
}

export function toRecord(row: TenantRow): TenantRecord {
  return {
    ...toTenant(row),
    statusBefore: row.status_before,
    archivedSchema: row.archived_schema,
    restoredAt: time(row.restored_at),
  }
}

/** The record without what only the lifecycle needs. */
export function publicTenant(record: TenantRecord): Tenant {
  return {
    id: record.id,
    slug: record.slug,
    name: record.name,
    status: record.status,
    isolation: record.isolation,
    schemaName: record.schemaName,
    mode: record.mode,
    modeReason: record.modeReason,
    modeSince: record.modeSince,
    modeOperators: record.modeOperators,
    plan: record.plan,
    ownerUserId: record.ownerUserId,
    settings: record.settings,
    metadata: record.metadata,
    provisionedAt: record.provisionedAt,
    suspendedAt: record.suspendedAt,
    suspendReason: record.suspendReason,
    deletedAt: record.deletedAt,
    purgeAfter: record.purgeAfter,
    purgedAt: record.purgedAt,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    version: record.version,
  }
}

/** The one row of a statement that cannot miss, because this transaction holds it. */
export function onlyRow(rows: readonly TenantRow[]): TenantRow {
  const row = rows[0]
  if (row === undefined) throw new Error('a row that this transaction holds was not returned')
  return row
}
