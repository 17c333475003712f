// Reading the registry: one tenant, pages of tenants, figures. Always the database; the cached registry is for
// requests.
import type { Sql } from '../engine/sql/database.ts'
import { TenantryError } from '../kernel/errors.ts'
import { type EventQuery, readEvents } from './events.ts'
import { checkFilter, checkLimit, checkStatus, readEventCursor, readTenantCursor, tenantCursor } from './paging.ts'
import { type TenantRow, tenantColumns, toTenant } from './record.ts'
import { tenantKey, tenantNotFound } from './reference.ts'
import {
  type ListTenants,
  type Page,
  type Tenant,
  type TenantRef,
  type TenantStats,
  type TenantStatus,
  tenantStatuses,
} from './tenant.ts'
import type { ListEvents, TenantEvent } from './tenants.ts'

/** The tenant of a reference, purged ones left out. */
export async function findTenant(sql: Sql, ref: TenantRef): Promise<Tenant | undefined> {
  const key = keyOrNothing(ref)
  if (key === undefined) return undefined
  const { rows } = await sql.query<TenantRow>(
    `select ${tenantColumns} from tenantry.tenant where ${key.column} = $1 and status <> 'purged'`,
    [key.value],
  )
  return rows[0] && toTenant(rows[0])
}

/** The tenant of a reference. Throws TENANT_NOT_FOUND, for purged ones too. */
export async function getTenant(sql: Sql, ref: TenantRef): Promise<Tenant> {
  const key = tenantKey(ref)
  const tenant = await findTenant(sql, ref)
  if (tenant === undefined) throw tenantNotFound(key)
  return tenant
}

function keyOrNothing(ref: TenantRef) {
  try {
    return tenantKey(ref)
  } catch (error) {
    if (error instanceof TenantryError && error.code === 'TENANT_NOT_FOUND') return undefined
    throw error
  }
}

const matching = `(case when $1::text is null then status not in ('deleted', 'purged') else status = $1 end)
  and ($2::text is null or position(lower($2) in lower(slug)) > 0 or position(lower($2) in lower(name)) > 0)
  and ($3::text is null or plan = $3)`

/** A page of tenants, newest first. Throws INVALID_INPUT for a limit, cursor or status that is none. */
export async function listTenants(sql: Sql, options: ListTenants): Promise<Page<Tenant>> {
  const limit = checkLimit(options.limit)
  const filter = [checkStatus(options.status), checkFilter('search', options.search), checkFilter('plan', options.plan)]
  const { rows } = await sql.query<TenantRow>(
    `select ${tenantColumns} from tenantry.tenant
      where ${matching} and ($4::uuid is null or id < $4) order by id desc limit $5`,
    [...filter, readTenantCursor(options.cursor), limit + 1],
  )
  const { rows: counted } = await sql.query<{ total: number }>(
    `select count(*)::integer as total from tenantry.tenant where ${matching}`,
    filter,
  )
  const items = rows.slice(0, limit).map(toTenant)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > limit && last !== undefined ? tenantCursor(last) : null,
    total: counted[0]?.total ?? 0,
  }
}

/** How many tenants share these facts. */
export interface StatsRow {
  readonly status: TenantStatus
  readonly plan: string | null
  readonly isolation: string
  readonly unprovisioned: boolean
  readonly count: number
}

/** Figures over the registry. Tombstones count in `byStatus` alone. */
export async function tenantStats(sql: Sql): Promise<TenantStats> {
  const { rows } = await sql.query<StatsRow>(
    `select status, plan, isolation, provisioned_at is null as unprovisioned, count(*)::integer as count
       from tenantry.tenant group by 1, 2, 3, 4`,
  )
  return statsOf(rows)
}

/** The figures of counted tenants. */
export function statsOf(rows: readonly StatsRow[]): TenantStats {
  const living = rows.filter((row) => row.status !== 'purged')
  const noStatus = Object.fromEntries(tenantStatuses.map((status) => [status, 0])) as Record<TenantStatus, number>
  return {
    total: sum(living),
    byStatus: { ...noStatus, ...sumBy(rows, (row) => row.status) },
    byPlan: sumBy(living, (row) => row.plan ?? 'none'),
    byIsolation: sumBy(living, (row) => row.isolation),
    unprovisioned: sum(living.filter((row) => row.unprovisioned)),
  }
}

function sum(rows: readonly StatsRow[]): number {
  return rows.reduce((total, row) => total + row.count, 0)
}

function sumBy(rows: readonly StatsRow[], keyOf: (row: StatsRow) => string): Record<string, number> {
  const keys = [...new Set(rows.map(keyOf))]
  return Object.fromEntries(keys.map((key) => [key, sum(rows.filter((row) => keyOf(row) === key))]))
}

/** A page of events, oldest first. Throws INVALID_INPUT for a limit or cursor that is none, TENANT_NOT_FOUND. */
export async function listEvents(sql: Sql, options: ListEvents): Promise<Page<TenantEvent>> {
  const query: EventQuery = {
    limit: checkLimit(options.limit),
    after: readEventCursor(options.cursor),
    tenantId: options.tenant === undefined ? null : await tenantIdOf(sql, options.tenant),
    type: checkFilter('type', options.type),
  }
  return readEvents(sql, query)
}

/** An id is taken as it is: events outlive their tenant. */
async function tenantIdOf(sql: Sql, ref: TenantRef): Promise<string> {
  const key = tenantKey(ref)
  return key.column === 'id' ? key.value : (await getTenant(sql, ref)).id
}
