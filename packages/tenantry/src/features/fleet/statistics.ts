// What each tenant is like in numbers, as they were last counted.
import type { CentralDatabase } from '../../engine/sql/database.ts'
import type { TenantFilter } from '../../tenants/for-each.ts'
import type { Isolation, TenantStatus } from '../../tenants/tenant.ts'

export interface TenantStatistics {
  readonly tenantId: string
  readonly slug: string
  readonly status: TenantStatus
  readonly plan: string | null
  readonly isolation: Isolation
  /** Revoked ones are not counted. */
  readonly members: number
  readonly activeMembers: number
  readonly organizations: number
  readonly keys: number
  /** Counted in shared tables; PostgreSQL's estimate in a schema of the tenant's own. */
  readonly rows: number
  /** Bytes, indexes included; of a shared table the tenant's share, by its rows. */
  readonly sizeBytes: number
  readonly lastActivityAt: string
  readonly createdAt: string
}

export interface FleetStatistics {
  /** When the numbers were counted; null where they never were. */
  readonly refreshedAt: string | null
  /** How long ago that was by the database's clock, milliseconds. */
  readonly ageMs: number | null
  /** By slug. Without tenants that were made since. */
  readonly items: readonly TenantStatistics[]
}

interface Row {
  readonly [column: string]: unknown
  readonly refreshed_at: Date
  readonly last_activity_at: Date
  readonly created_at: Date
  readonly age_ms: number
}

const select = `
select t.id, t.slug, t.status, t.plan, t.isolation, t.created_at, s.members, s.active_members, s.organizations, s.keys,
       s.row_count::float8 as rows, s.size_bytes::float8 as size, s.last_activity_at, s.refreshed_at,
       (extract(epoch from clock_timestamp() - s.refreshed_at) * 1000)::float8 as age_ms
  from tenantry.tenant_stats s join tenantry.tenant t on t.id = s.tenant_id
 where t.status <> 'purged' and ($1::text is null or t.plan = $1) and ($2::text is null or t.isolation = $2)
 order by t.slug collate "C"`

export async function readStatistics(database: CentralDatabase, filter: TenantFilter = {}): Promise<FleetStatistics> {
  const { rows } = await database.query<Row>(select, [filter.plan, filter.isolation])
  const [first] = rows
  return {
    refreshedAt: first?.refreshed_at.toISOString() ?? null,
    ageMs: first === undefined ? null : Math.max(0, Math.round(first.age_ms)),
    items: rows.map(toStatistics),
  }
}

/** Counts everything anew; returns how many tenants there are numbers of. */
export async function refreshStatistics(database: CentralDatabase): Promise<number> {
  const { rows } = await database.query<{ tenants: number }>('select tenantry.refresh_statistics() as tenants')
  return rows[0]?.tenants ?? 0
}

function toStatistics(row: Row): TenantStatistics {
  const { id, slug, status, plan, isolation, members, organizations, keys, rows, size } = row
  // The columns of the statement above, by their types in the control plane.
  return {
    ...({ tenantId: id, slug, status, plan, isolation, members, organizations, keys, rows } as TenantStatistics),
    activeMembers: row['active_members'] as number,
    sizeBytes: size as number,
    lastActivityAt: row.last_activity_at.toISOString(),
    createdAt: row.created_at.toISOString(),
  }
}
