// Tenancy in Hono: a middleware that gives each request its tenant, and guards for the routes that need one. The types say
// only what is used of Hono, so that they fit any version of it.
import * as guards from '../features/resolution/guard.ts'
import { type NodeMessage, NodeRequest } from '../features/resolution/node-request.ts'
import {
  type RequestTenancy,
  requestTenancies,
  type TenancyHost,
  type TenancyOptions,
} from '../features/resolution/request-tenancy.ts'
import type { Resolution, TenancyRequest } from '../features/resolution/resolution.ts'
import type { Permission } from '../tenants/access.ts'

/** What `tenancy()` sets: `new Hono<{ Variables: TenancyVariables }>()`. */
export interface TenancyVariables {
  tenancy: Resolution
}

/** What is used of Hono's Context. */
export interface HonoContext {
  readonly req: { readonly raw: Request }
  readonly env: unknown
}

/** A middleware of Hono. */
export type HonoMiddleware = (c: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>

const held = Symbol('the tenancy of a request')

/**
 * Resolves the tenant of each request, runs everything that comes after it inside that tenant, and sets the variable
 * `tenancy`. It refuses nobody: a request without a tenant goes on outside of every scope, where queries throw.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { requireTenant, tenancy, type TenancyVariables } from 'tenantry/hono'
 *
 * const app = new Hono<{ Variables: TenancyVariables }>()
 * app.use(tenancy(tenantry))
 * app.get('/invoices', requireTenant(), async (c) => c.json((await tenantry.pool.query('select * from invoices')).rows))
 * ```
 */
export function tenancy(tenantry: TenancyHost, options: TenancyOptions = {}): HonoMiddleware {
  const open = requestTenancies(tenantry, options)
  return (c, next) => {
    const node = nodeBindings(c)
    const enter = (opened: RequestTenancy) => {
      const variables = variablesOf(c)
      variables.set('tenancy', opened.resolution)
      variables.set(held, opened)
      const done = opened.run(nextOf(next))
      if (!opened.isBound) return done
      if (node === undefined) return done.finally(() => opened.end())
      node.outgoing.once('close', () => opened.end())
      return done
    }
    const opened = open(node === undefined ? webRequest(c.req.raw) : nodeRequest(node, c))
    return 'then' in opened ? opened.then(enter) : enter(opened)
  }
}

/**
 * Lets requests on that are bound to a tenant: 404, 403, 409, 401 or 503 as problem details for others. With `loginUrl`
 * browsers that are not signed in are sent there.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { requireTenant } from 'tenantry/hono'
 *
 * new Hono().use('/app/*', requireTenant({ loginUrl: '/login' }))
 * ```
 */
export const requireTenant = (options?: guards.GuardOptions) => middlewareOf(guards.tenantGuard(options))

/** Lets members of the tenant on; others get 403. */
export const requireMember = (options?: guards.GuardOptions) => middlewareOf(guards.memberGuard(options))

/** Lets members on whose role is one of these; others get 403. */
export const requireRole = (...roles: readonly string[]) => middlewareOf(guards.roleGuard(roles))

/** Lets members and keys on that have all of these permissions; others get 403. */
export const requirePermission = (...permissions: readonly Permission[]) =>
  middlewareOf(guards.permissionGuard(permissions))

function middlewareOf(guard: guards.Guard): HonoMiddleware {
  return (c, next) => {
    const opened = variablesOf(c).get(held)
    const answer = guard(opened)
    if (answer === undefined) return opened === undefined ? Promise.resolve(undefined) : opened.run(nextOf(next))
    const { status, headers, body } = answer
    return Promise.resolve(new Response(body === '' ? null : body, { status, headers }))
  }
}

/** What `next` resolves to is nothing, of which the compiler knows two kinds. */
const nextOf = (next: () => Promise<void>) => next as () => Promise<undefined>

interface Variables {
  set(key: typeof held | 'tenancy', value: unknown): void
  get(key: typeof held): RequestTenancy | undefined
}

/** Hono keeps them in a Map; its types know only the keys that the application has declared. */
const variablesOf = (c: HonoContext) => c as unknown as Variables

/** What @hono/node-server hands over beside the request. */
interface NodeBindings {
  readonly incoming: NodeMessage & { readonly url?: string | undefined }
  readonly outgoing: { once(event: 'close', listener: () => void): unknown }
}

function nodeBindings({ env }: HonoContext): NodeBindings | undefined {
  const bindings = env as Partial<NodeBindings> | undefined
  return bindings?.incoming && bindings.outgoing ? (bindings as NodeBindings) : undefined
}

const nodeRequest = ({ incoming }: NodeBindings, c: HonoContext): TenancyRequest =>
  new NodeRequest(incoming, incoming.url ?? '/', c)

/** A request of another runtime, which shows neither the peer nor how often a header was sent. */
function webRequest(raw: Request): TenancyRequest {
  const { pathname, search } = new URL(raw.url)
  return {
    ...{ method: raw.method, target: pathname + search, remoteAddress: undefined, raw },
    header: (name) => raw.headers.get(name) ?? undefined,
    hasTwoHosts: raw.headers.get('host')?.includes(',') ?? false,
  }
}
