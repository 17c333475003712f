// Tenancy in Next.js: wrappers for route handlers, for server components and actions, and for API routes of the Pages Router.
// The types say only what is used of Next, so that they fit any version of it.
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

/** A guard of `route`, `page` and `api`, made by `requireTenant` and its like. */
export type NextGuard = guards.Guard

/** What is used of the headers that `await headers()` of `next/headers` gives. */
export interface NextHeaders {
  get(name: string): string | null
}

/** What is used of NextApiRequest. */
export interface NextApiMessage extends NodeMessage {
  readonly url?: string | undefined
}

/** What is used of NextApiResponse. */
export interface NextApiReply {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
  once(event: 'close', listener: () => void): unknown
}

/** What `tenancy()` makes. */
export interface NextTenancy {
  /**
   * Wraps a route handler of the App Router: it runs inside the tenant of its request, or outside of every scope where there
   * is none. What a guard refuses is answered as problem details, and the handler is not called.
   */
  readonly route: <R extends Request, C>(
    handler: (request: R, context: C) => Response | Promise<Response>,
    ...guards: readonly NextGuard[]
  ) => (request: R, context: C) => Promise<Response>
  /**
   * Runs a part of a server component, or a server action, inside the tenant that these headers name. It always asks
   * `requireTenant()` first. There is no answer to send, so it throws what the guards refuse: TENANT_NOT_RESOLVED,
   * NOT_A_MEMBER, PERMISSION_DENIED and the like. Next does not say there which path was asked for: the resolver
   * `path` finds nothing, and no path is public.
   *
   * @example
   * ```ts
   * import { requireRole, tenancy } from 'tenantry/next'
   *
   * declare function headers(): Promise<Headers> // of next/headers
   * const { page } = tenancy(tenantry)
   *
   * export async function rename(name: string) {
   *   'use server'
   *   const change = () => tenantry.pool.query('update shops set name = $1', [name])
   *   await page(await headers(), change, requireRole('owner'))
   * }
   * ```
   */
  readonly page: <T>(
    headers: NextHeaders,
    callback: (resolution: Resolution) => T | Promise<T>,
    ...guards: readonly NextGuard[]
  ) => Promise<T>
  /** Wraps an API route of the Pages Router, as `route` does, until its response is over. */
  readonly api: <Q extends NextApiMessage, S extends NextApiReply>(
    handler: (request: Q, response: S) => unknown,
    ...guards: readonly NextGuard[]
  ) => (request: Q, response: S) => Promise<void>
}

const resolutions = new WeakMap<object, Resolution>()

/** What became of the tenant of a request, in a handler of `route` or `api`; undefined anywhere else. */
export const tenancyOf = (request: object): Resolution | undefined => resolutions.get(request)

/**
 * Makes the wrappers for one instance. They refuse nobody by themselves, except `page`: a request without a tenant goes on
 * outside of every scope, where queries throw. Not for middleware (`proxy.ts`), which keeps no connections.
 *
 * @example
 * ```ts
 * import { requireTenant, tenancy } from 'tenantry/next'
 *
 * const { route } = tenancy(tenantry)
 *
 * // app/invoices/route.ts
 * export const GET = route(async () => {
 *   const { rows } = await tenantry.pool.query('select * from invoices')
 *   return new Response(JSON.stringify(rows), { headers: { 'content-type': 'application/json' } })
 * }, requireTenant())
 * ```
 */
export function tenancy(tenantry: TenancyHost, options: TenancyOptions = {}): NextTenancy {
  const open = requestTenancies(tenantry, options)
  return {
    route: (handler, ...asked) => {
      return async (request, context) => {
        const opened = await open(webRequest(request))
        resolutions.set(request, opened.resolution)
        const refused = refusalOf(asked, opened)
        if (refused !== undefined) return responseOf(refused)
        return during(opened, () => handler(request, context))
      }
    },
    page: async (headers, callback, ...asked) => {
      const opened = await open(headersOnly(headers))
      const refused = refusalOf([requireTenant(), ...asked], opened)
      if (refused !== undefined) throw refused.error
      return during(opened, () => callback(opened.resolution))
    },
    api: (handler, ...asked) => {
      return async (request, response) => {
        const opened = await open(new NodeRequest(request, request.url ?? '/'))
        resolutions.set(request, opened.resolution)
        const refused = refusalOf(asked, opened)
        if (refused !== undefined) return send(response, refused)
        if (opened.isBound) response.once('close', () => opened.end())
        await opened.run(() => handler(request, response))
      }
    },
  }
}

/** Lets requests on that are bound to a tenant: 404, 403, 409, 401 or 503 for others. */
export const requireTenant = (options?: guards.GuardOptions): NextGuard => guards.tenantGuard(options)

/** Lets members of the tenant on; others get 403. */
export const requireMember = (options?: guards.GuardOptions): NextGuard => guards.memberGuard(options)

/** Lets members on whose role is one of these; others get 403. */
export const requireRole = (...roles: readonly string[]): NextGuard => guards.roleGuard(roles)

/** Lets members and keys on that have all of these permissions; others get 403. */
export const requirePermission = (...permissions: readonly Permission[]): NextGuard =>
  guards.permissionGuard(permissions)

function refusalOf(asked: readonly NextGuard[], opened: RequestTenancy): guards.GuardAnswer | undefined {
  for (const guard of asked) {
    const answer = guard(opened)
    if (answer !== undefined) return answer
  }
  return undefined
}

/** Next does not show when the response is over, so the request is when its handler is. */
async function during<T>(opened: RequestTenancy, handler: () => T | Promise<T>): Promise<T> {
  try {
    return await opened.run(handler)
  } finally {
    opened.end()
  }
}

function responseOf({ status, headers, body }: guards.GuardAnswer): Response {
  return new Response(body === '' ? null : body, { status, headers })
}

function send(response: NextApiReply, { status, headers, body }: guards.GuardAnswer): void {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(body)
}

/** It shows neither the peer, nor how often a header was sent. */
function webRequest(raw: Request): TenancyRequest {
  const { pathname, search } = new URL(raw.url)
  return { ...fieldsOf(raw.headers), method: raw.method, target: pathname + search, raw }
}

/** The target is the form that has no path, which no resolver reads and no list of public paths holds. */
function headersOnly(headers: NextHeaders): TenancyRequest {
  return { ...fieldsOf(headers), method: 'GET', target: '*', raw: headers }
}

const fieldsOf = (headers: NextHeaders) => ({
  header: (name: string) => headers.get(name) ?? undefined,
  hasTwoHosts: headers.get('host')?.includes(',') ?? false,
  remoteAddress: undefined,
})
