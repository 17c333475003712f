// Counts over all tenants, and what each was like in numbers when they were last counted.
import type { App } from './app.ts'
import type { ControlPlane } from './control-plane.ts'
import { NothingSchema, StatsSchema } from './contract.ts'
import { RefreshedSchema, TenantStatisticsPageSchema, TenantStatisticsQuery } from './contract/fleet.ts'
import { endpoint } from './endpoint.ts'
import { bodyOf, queryOf } from './input.ts'
import { failures, json, mount, secured, type Route } from './route.ts'
import { statisticsPage } from './statistics-page.ts'

const tag = 'Operations'

export function statsRoutes(app: App, { tenants, fleet }: Pick<ControlPlane, 'tenants' | 'fleet'>): void {
  const route: Route = {
    method: 'get',
    path: '/api/stats',
    operationId: 'getStats',
    summary: 'Count tenants by status, plan and isolation',
    tags: [tag],
    security: secured,
    responses: { 200: { description: 'The counts.', content: json(StatsSchema) }, ...failures(401) },
  }
  mount(app, route, async (c) => c.json(await tenants.stats()))
  mountStatistics(app, fleet)
}

function mountStatistics(app: App, fleet: ControlPlane['fleet']): void {
  const list = { id: 'listTenantStatistics', tag, summary: 'What each tenant is like in numbers, as last counted' }
  const answer = { query: TenantStatisticsQuery, answer: TenantStatisticsPageSchema }
  endpoint(app, { on: 'GET /api/stats/tenants', ...list, ...answer }, async (c) => {
    const { plan, isolation, ...query } = queryOf(c, TenantStatisticsQuery)
    const filter = { ...(plan !== undefined && { plan }), ...(isolation !== undefined && { isolation }) }
    return statisticsPage(await fleet.statistics({ filter }), query)
  })
  const refresh = { id: 'refreshStatistics', tag, summary: 'Count what each tenant is like anew' }
  const body = { body: NothingSchema, isBodyOptional: true, answer: RefreshedSchema }
  endpoint(app, { on: 'POST /api/stats/refresh', ...refresh, ...body }, async (c) => {
    await bodyOf(c, NothingSchema, { optional: true })
    return { tenants: await fleet.refreshStatistics() }
  })
}
