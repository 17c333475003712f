// The verbs of a tenant's life, each as POST. Repeating one that has taken effect is 200.
import type { Context } from 'hono'
import type { z } from 'zod'
import type { ActOptions, Tenants } from '../../tenants/tenants.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import type { App, Env } from './app.ts'
import { NothingSchema, ProvisionResultSchema, PurgeSchema, SetModeSchema, SuspendSchema } from './contract.ts'
import { bodyOf, tenantOf } from './input.ts'
import { bodyFailures, failures, json, mount, secured, tenantAnswer, tenantParams, type Route } from './route.ts'
import { answerTenant } from './tenants-routes.ts'

const actor = (c: Context<Env>): ActOptions => ({ actor: c.get('actor') })

export function lifecycleRoutes(app: App, tenants: Tenants): void {
  mountProvision(app, tenants)
  mountSuspend(app, tenants)
  mountPlainVerb(app, 'activate', (ref, options) => tenants.activate(ref, options))
  mountPlainVerb(app, 'deactivate', (ref, options) => tenants.deactivate(ref, options))
  mountPlainVerb(app, 'restore', (ref, options) => tenants.restore(ref, options))
  mountPurge(app, tenants)
  mountMode(app, tenants)
}

function mountProvision(app: App, tenants: Tenants): void {
  const responses = {
    200: { description: 'Ready to enter; idempotent.', content: json(ProvisionResultSchema) },
    ...failures(...bodyFailures, 404, 409, 410),
  }
  mount(app, { ...verb('provision', NothingSchema), responses }, async (c) => {
    await bodyOf(c, NothingSchema, { optional: true })
    return c.json(await tenants.provision(tenantOf(c), actor(c)))
  })
}

function mountSuspend(app: App, tenants: Tenants): void {
  mount(app, verb('suspend', SuspendSchema), async (c) => {
    const { reason } = await bodyOf(c, SuspendSchema, { optional: true })
    const options = { ...actor(c), ...(reason === undefined ? {} : { reason }) }
    return answerTenant(c, await tenants.suspend(tenantOf(c), options))
  })
}

function mountPlainVerb(app: App, name: string, act: (ref: string, options: ActOptions) => Promise<Tenant>): void {
  mount(app, verb(name, NothingSchema), async (c) => {
    await bodyOf(c, NothingSchema, { optional: true })
    return answerTenant(c, await act(tenantOf(c), actor(c)))
  })
}

function mountPurge(app: App, tenants: Tenants): void {
  mount(app, verb('purge', PurgeSchema, true), async (c) => {
    // A missing confirmation has a code of its own, which the registry throws.
    const { confirm = '' } = await bodyOf(c, PurgeSchema.partial(), { optional: true })
    return answerTenant(c, await tenants.purge(tenantOf(c), { ...actor(c), confirm }))
  })
}

function mountMode(app: App, tenants: Tenants): void {
  const route = { ...verb('mode', SetModeSchema, true), operationId: 'setTenantMode', summary: MODE_SUMMARY }
  mount(app, route, async (c) => {
    const input = await bodyOf(c, SetModeSchema)
    return answerTenant(c, await tenants.setMode(tenantOf(c), input, actor(c)))
  })
}

const MODE_SUMMARY = 'Close a tenant for writes, or altogether, for all but named users; or open it again'

function verb(name: string, body: z.ZodType, required = false): Route {
  return {
    method: 'post',
    path: `/api/tenants/{tenant}/${name}`,
    operationId: `${name}Tenant`,
    summary: `${name.charAt(0).toUpperCase()}${name.slice(1)} a tenant`,
    tags: ['Lifecycle'],
    security: secured,
    request: { params: tenantParams, body: { required, content: json(body) } },
    responses: { 200: tenantAnswer('The tenant as it is now.'), ...failures(...bodyFailures, 404, 409, 410) },
  }
}
