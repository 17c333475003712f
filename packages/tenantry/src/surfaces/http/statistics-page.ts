// A page of what each tenant is like, as HTTP and the command line show it.
import type { FleetStatistics, TenantStatistics } from '../../features/fleet/statistics.ts'
import type { Page } from '../../tenants/tenant.ts'
import { pageOfAll, type PageQuery } from './list-page.ts'

/** With when it was counted, and how long ago. */
export interface StatisticsPage extends Page<TenantStatistics>, Pick<FleetStatistics, 'refreshedAt' | 'ageMs'> {}

export function statisticsPage({ items, refreshedAt, ageMs }: FleetStatistics, query: PageQuery): StatisticsPage {
  const page = pageOfAll(items, query, { key: ({ tenantId }) => tenantId, words: ({ slug }) => [slug] })
  return { ...page, refreshedAt, ageMs }
}
