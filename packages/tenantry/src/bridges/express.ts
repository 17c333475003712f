// Tenancy in Express 5: a middleware that gives each request its tenant, and guards for the routes that need one.
import type { Request, RequestHandler, Response } from 'express'
import type { Permission } from '../tenants/access.ts'
import * as guards from '../features/resolution/guard.ts'
import { NodeRequest } from '../features/resolution/node-request.ts'
import {
  type RequestTenancy,
  requestTenancies,
  type TenancyHost,
  type TenancyOptions,
} from '../features/resolution/request-tenancy.ts'
import type { Resolution } from '../features/resolution/resolution.ts'

declare module 'express-serve-static-core' {
  interface Request {
    /** What became of the request's tenant; set by `tenancy()`. */
    tenancy: Resolution
  }
}

const held = Symbol('the tenancy of a request')

interface Holder {
  [held]?: RequestTenancy
}

/**
 * Resolves the tenant of each request, runs everything that is mounted after it inside that tenant until the response is over,
 * and sets `req.tenancy`. It refuses nobody: a request without a tenant goes on outside of every scope, where queries throw.
 *
 * @example
 * ```ts
 * import express from 'express'
 * import { requireTenant, tenancy } from 'tenantry/express'
 *
 * const app = express()
 * app.use(tenancy(tenantry))
 * app.get('/invoices', requireTenant(), async (_request, response) => {
 *   response.json((await tenantry.pool.query('select * from invoices')).rows)
 * })
 * ```
 */
export function tenancy(tenantry: TenancyHost, options: TenancyOptions = {}): RequestHandler {
  const open = requestTenancies(tenantry, options)
  return (request, response, next) => {
    const enter = (opened: RequestTenancy) => {
      request.tenancy = opened.resolution
      ;(request as Holder)[held] = opened
      if (opened.isBound) response.once('close', () => opened.end())
      opened.run(next)
    }
    const opened = open(new NodeRequest(request, request.originalUrl))
    if ('then' in opened) void opened.then(enter)
    else enter(opened)
  }
}

/**
 * Lets requests on that are bound to a tenant: 404, 403, 409, 401 or 503 as problem details for others. With `loginUrl`
 * browsers that are not signed in are sent there.
 *
 * @example
 * ```ts
 * import express from 'express'
 * import { requireTenant } from 'tenantry/express'
 *
 * express().use('/app', requireTenant({ loginUrl: '/login' }))
 * ```
 */
export const requireTenant = (options?: guards.GuardOptions): RequestHandler => handlerOf(guards.tenantGuard(options))

/** Lets members of the tenant on; others get 403. */
export const requireMember = (options?: guards.GuardOptions): RequestHandler => handlerOf(guards.memberGuard(options))

/** Lets members on whose role is one of these; others get 403. */
export const requireRole = (...roles: readonly string[]): RequestHandler => handlerOf(guards.roleGuard(roles))

/** Lets members and keys on that have all of these permissions; others get 403. */
export const requirePermission = (...permissions: readonly Permission[]): RequestHandler =>
  handlerOf(guards.permissionGuard(permissions))

function handlerOf(guard: guards.Guard): RequestHandler {
  return (request: Request & Holder, response, next) => {
    const opened = request[held]
    const answer = guard(opened)
    if (answer !== undefined) send(response, answer)
    // Body parsers of other makers may have lost the scope on the way.
    else if (opened !== undefined) opened.run(next)
  }
}

function send(response: Response, { status, headers, body }: guards.GuardAnswer): void {
  response.status(status).set(headers).end(body)
}
