// Counts over all tenants.
import type { Tenants } from '../../tenants/tenants.ts'
import type { App } from './app.ts'
import { StatsSchema } from './contract.ts'
import { failures, json, mount, secured, type Route } from './route.ts'

export function statsRoutes(app: App, tenants: Tenants): void {
  const route: Route = {
    method: 'get',
    path: '/api/stats',
    operationId: 'getStats',
    summary: 'Count tenants by status, plan and isolation',
    tags: ['Operations'],
    security: secured,
    responses: { 200: { description: 'The counts.', content: json(StatsSchema) }, ...failures(401) },
  }
  mount(app, route, async (c) => c.json(await tenants.stats()))
}
