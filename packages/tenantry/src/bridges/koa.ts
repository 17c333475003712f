// Tenancy in Koa: a middleware that gives each request its tenant, and guards for the routes that need one.
import type { Context, Middleware, Next } from 'koa'
import * as guards from '../features/resolution/guard.ts'
import { NodeRequest } from '../features/resolution/node-request.ts'
import {
  type RequestTenancy,
  requestTenancies,
  type TenancyHost,
  type TenancyOptions,
} from '../features/resolution/request-tenancy.ts'
import type { Resolution } from '../features/resolution/resolution.ts'
import type { Permission } from '../tenants/access.ts'

declare module 'koa' {
  interface DefaultState {
    /** What became of the request's tenant; set by `tenancy()`. */
    tenancy: Resolution
  }
}

const held = Symbol('the tenancy of a request')

interface Holder {
  [held]?: RequestTenancy
}

/**
 * Resolves the tenant of each request, runs everything that comes after it inside that tenant until the response is over, and
 * sets `ctx.state.tenancy`. It refuses nobody: a request without a tenant goes on outside of every scope, where queries throw.
 *
 * @example
 * ```ts
 * import Koa from 'koa'
 * import { requireTenant, tenancy } from 'tenantry/koa'
 *
 * const app = new Koa()
 * app.use(tenancy(tenantry))
 * app.use(requireTenant())
 * app.use(async (ctx) => {
 *   ctx.body = (await tenantry.pool.query('select * from invoices')).rows
 * })
 * ```
 */
export function tenancy(tenantry: TenancyHost, options: TenancyOptions = {}): Middleware {
  const open = requestTenancies(tenantry, options)
  return (ctx, next) => {
    const enter = (opened: RequestTenancy) => {
      const state: { tenancy?: Resolution } & Holder = ctx.state
      state.tenancy = opened.resolution
      state[held] = opened
      if (opened.isBound) ctx.res.once('close', () => opened.end())
      return opened.run(next)
    }
    const opened = open(new NodeRequest(ctx.req, ctx.originalUrl, ctx))
    return 'then' in opened ? opened.then(enter) : enter(opened)
  }
}

/**
 * Lets requests on that are bound to a tenant: 404, 403, 409, 401 or 503 as problem details for others. With `loginUrl`
 * browsers that are not signed in are sent there.
 *
 * @example
 * ```ts
 * import Koa from 'koa'
 * import { requireTenant } from 'tenantry/koa'
 *
 * new Koa().use(requireTenant({ loginUrl: '/login' }))
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

function middlewareOf(guard: guards.Guard): Middleware {
  return (ctx: Context, next: Next) => {
    const opened = (ctx.state as Holder)[held]
    const answer = guard(opened)
    if (answer === undefined) return opened?.run(next)
    ctx.status = answer.status
    ctx.body = answer.body
    ctx.set(answer.headers)
    return undefined
  }
}
