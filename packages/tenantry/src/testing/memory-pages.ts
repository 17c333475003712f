// Lists and figures over tenants and events in memory, after the rules of the registry. Pure.
import {
  checkFilter,
  checkLimit,
  checkStatus,
  readEventCursor,
  readTenantCursor,
  tenantCursor,
} from '../tenants/paging.ts'
import { statsOf } from '../tenants/registry.ts'
import type { ListTenants, Page, Tenant, TenantStats } from '../tenants/tenant.ts'
import type { ListEvents, TenantEvent } from '../tenants/tenants.ts'

/** A page of tenants, newest first. */
export function tenantPage(tenants: readonly Tenant[], options: ListTenants): Page<Tenant> {
  const limit = checkLimit(options.limit)
  const status = checkStatus(options.status)
  const search = checkFilter('search', options.search)?.toLowerCase() ?? null
  const plan = checkFilter('plan', options.plan)
  const before = readTenantCursor(options.cursor)
  const isListed = (tenant: Tenant) =>
    (status === null ? tenant.status !== 'deleted' && tenant.status !== 'purged' : tenant.status === status) &&
    (search === null || [tenant.slug, tenant.name].some((text) => text.toLowerCase().includes(search))) &&
    (plan === null || tenant.plan === plan)
  const matching = tenants.filter(isListed)
  const following = matching.filter(({ id }) => before === null || id < before).sort((a, b) => (a.id < b.id ? 1 : -1))
  const items = following.slice(0, limit)
  const last = items.at(-1)
  const nextCursor = following.length > limit && last !== undefined ? tenantCursor(last) : null
  return { items, nextCursor, total: matching.length }
}

/** A page of events, oldest first. */
export function eventPage(
  events: readonly TenantEvent[],
  options: ListEvents,
  tenantId: string | undefined,
): Page<TenantEvent> {
  const limit = checkLimit(options.limit)
  const after = Number(readEventCursor(options.cursor))
  const type = checkFilter('type', options.type)
  const matching = events.filter(
    (event) => (tenantId === undefined || event.tenantId === tenantId) && (type === null || event.type === type),
  )
  const following = matching.filter(({ seq }) => Number(seq) > after)
  const items = following.slice(0, limit)
  return { items, nextCursor: following.length > limit ? (items.at(-1)?.seq ?? null) : null, total: matching.length }
}

export function statistics(tenants: readonly Tenant[]): TenantStats {
  return statsOf(tenants.map((tenant) => ({ ...tenant, unprovisioned: tenant.provisionedAt === null, count: 1 })))
}
