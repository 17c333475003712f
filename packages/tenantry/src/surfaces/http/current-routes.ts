// Who a request resolves to: for whoever sets resolution up, and for pages that show where one is signed in.
import type { Resolution } from '../../features/resolution/resolution.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import type { Tenants } from '../../tenants/tenants.ts'
import type { App } from './app.ts'
import { CurrentSchema } from './contract/current.ts'
import type { ControlPlane } from './control-plane.ts'
import { failures, json, mount, type Route } from './route.ts'
import { tenancyRequestOf } from './tenancy-request.ts'

export function currentRoutes(app: App, { resolve, tenants }: ControlPlane): void {
  const route: Route = {
    method: 'get',
    path: '/api/current',
    operationId: 'getCurrent',
    summary: 'Who this request resolves to',
    tags: ['Operations'],
    responses: {
      200: { description: 'The tenant that was bound, or why none was.', content: json(CurrentSchema) },
      ...failures(),
    },
  }
  mount(app, route, async (c) => {
    if (resolve === undefined) throw new TenantryError('ROUTE_NOT_FOUND', 'This control plane resolves no requests.')
    const resolution = await resolve(tenancyRequestOf(c))
    c.header('cache-control', 'no-store')
    return c.json(await view(resolution, tenants))
  })
}

/** Names nothing but what was bound: of a tenant that was refused, the caller learns no more than it sent. */
async function view({ tenant, caller, membership, ...result }: Resolution, tenants: Tenants) {
  return {
    tenant: tenant === undefined ? null : shown(await tenants.get({ id: tenant.id })),
    resolver: result.resolver ?? null,
    trust: result.trust ?? null,
    caller: caller.kind === 'user' ? { kind: caller.kind, userId: caller.user.userId } : { kind: caller.kind },
    role: membership?.role ?? null,
    refusal: codeOf(result.refusal),
    credentialRefusal: codeOf(result.credentialRefusal),
  }
}

const shown = ({ id, slug, name, status }: Tenant) => ({ id, slug, name, status })
const codeOf = (error: TenantryError | undefined) => (error === undefined ? null : { code: error.code })
