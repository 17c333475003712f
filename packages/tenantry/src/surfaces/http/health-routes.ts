// Whether this process works, and whether it should be sent requests.
import { TenantryError } from '../../kernel/errors.ts'
import type { App } from './app.ts'
import { HealthSchema, ReadySchema } from './contract.ts'
import type { ControlPlane } from './control-plane.ts'
import { failures, json, mount, internalFailure, type Route } from './route.ts'

const tags = ['Operations']

export function healthRoutes(app: App, controlPlane: ControlPlane, isDraining: () => boolean): void {
  mountHealth(app, controlPlane)
  mountReady(app, controlPlane, isDraining)
}

function mountHealth(app: App, controlPlane: ControlPlane): void {
  const route: Route = {
    method: 'get',
    path: '/health',
    operationId: 'getHealth',
    summary: 'The state of each part and the worst of them',
    tags,
    responses: {
      200: { description: 'Up, or degraded.', content: json(HealthSchema) },
      ...internalFailure,
      503: { description: 'Down.', content: json(HealthSchema) },
    },
  }
  mount(app, route, async (c) => {
    const report = await controlPlane.health()
    c.header('cache-control', 'no-store')
    return c.json(report, report.status === 'down' ? 503 : 200)
  })
}

function mountReady(app: App, controlPlane: ControlPlane, isDraining: () => boolean): void {
  const route: Route = {
    method: 'get',
    path: '/ready',
    operationId: 'getReady',
    summary: 'Whether to send requests here',
    tags,
    responses: { 200: { description: 'Ready.', content: json(ReadySchema) }, ...failures() },
  }
  mount(app, route, async (c) => {
    if (isDraining()) throw new TenantryError('SHUTTING_DOWN', 'The server is stopping.')
    const { status } = await controlPlane.health()
    if (status === 'down') throw new TenantryError('DATABASE_UNAVAILABLE', 'A part that every request needs is down.')
    c.header('cache-control', 'no-store')
    return c.json({ status: 'ready' })
  })
}
