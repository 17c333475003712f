// Reads over many tenants at once, as lines of JSON.
import { TenantryError } from '../../kernel/errors.ts'
import type { App } from './app.ts'
import type { ControlPlane } from './control-plane.ts'
import { FleetLineSchema, FleetQuerySchema } from './contract/fleet.ts'
import { fleetLines } from './fleet-lines.ts'
import { bodyOf } from './input.ts'
import { bodyFailures, failures, json, mount, type Route, secured } from './route.ts'

export function fleetRoutes(app: App, { fleet, logger }: Pick<ControlPlane, 'fleet' | 'logger'>): void {
  const route: Route = {
    method: 'post',
    path: '/api/fleet/query',
    operationId: 'queryFleet',
    summary: 'Read from all active tenants with one statement, for a reason that is recorded',
    description: 'One JSON object a line: rows, and at the end who answered and who failed, or what went wrong.',
    tags: ['Fleet'],
    security: secured,
    request: { body: { required: true, content: json(FleetQuerySchema) } },
    responses: {
      200: { description: 'The rows, as they come.', content: { 'application/x-ndjson': { schema: FleetLineSchema } } },
      ...failures(...bodyFailures),
    },
  }
  mount(app, route, async (c) => {
    const { reason = '', sql, ...given } = await bodyOf(c, FleetQuerySchema)
    const options = { ...given, actor: c.get('actor'), signal: c.req.raw.signal }
    const rows = fleet.query(reason, sql, options)
    const stream = await fleetLines(rows, (error) => {
      const code = error instanceof TenantryError ? error.code : 'INTERNAL'
      logger.error('a fleet read failed', { requestId: c.get('requestId'), code })
    })
    return c.body(stream, 200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  })
}
