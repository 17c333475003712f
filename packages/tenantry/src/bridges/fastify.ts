// Tenancy in Fastify 5: a plugin that gives each request its tenant, and guards as hooks for the routes that need one.
import type { FastifyPluginCallback, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
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

const held = Symbol('the tenancy of a request')

declare module 'fastify' {
  interface FastifyRequest {
    /** What became of the request's tenant; set by `tenancy()`. */
    tenancy: Resolution
  }
}

interface Holder {
  [held]: RequestTenancy | undefined
}

/**
 * A plugin that resolves the tenant of each request, runs the rest of it inside that tenant until the response is over, and
 * sets `request.tenancy`. It refuses nobody: a request without a tenant goes on outside of every scope, where queries throw.
 *
 * @example
 * ```ts
 * import Fastify from 'fastify'
 * import { requireTenant, tenancy } from 'tenantry/fastify'
 *
 * const app = Fastify()
 * app.register(tenancy(tenantry))
 * app.get('/invoices', { onRequest: requireTenant() }, async () => {
 *   return (await tenantry.pool.query('select * from invoices')).rows
 * })
 * ```
 */
export function tenancy(tenantry: TenancyHost, options: TenancyOptions = {}): FastifyPluginCallback {
  const open = requestTenancies(tenantry, options)
  const plugin: FastifyPluginCallback = (instance, _options, registered) => {
    instance.decorateRequest('tenancy')
    instance.decorateRequest(held)
    instance.addHook('onRequest', (request, reply, done) => {
      const enter = (opened: RequestTenancy) => {
        request.tenancy = opened.resolution
        holderOf(request)[held] = opened
        if (opened.isBound) reply.raw.once('close', () => opened.end())
        opened.run(done)
      }
      const opened = open(new NodeRequest(request.raw, request.originalUrl, request))
      if ('then' in opened) void opened.then(enter)
      else enter(opened)
    })
    registered()
  }
  // For the instance that registers it, and not only for what the plugin itself adds.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}

/**
 * A hook that lets requests on that are bound to a tenant: 404, 403, 409, 401 or 503 as problem details for others. With
 * `loginUrl` browsers that are not signed in are sent there.
 *
 * @example
 * ```ts
 * import Fastify from 'fastify'
 * import { requireTenant } from 'tenantry/fastify'
 *
 * Fastify().addHook('onRequest', requireTenant({ loginUrl: '/login' }))
 * ```
 */
export const requireTenant = (options?: guards.GuardOptions) => hookOf(guards.tenantGuard(options))

/** Lets members of the tenant on; others get 403. */
export const requireMember = (options?: guards.GuardOptions) => hookOf(guards.memberGuard(options))

/** Lets members on whose role is one of these; others get 403. */
export const requireRole = (...roles: readonly string[]) => hookOf(guards.roleGuard(roles))

/** Lets members and keys on that have all of these permissions; others get 403. */
export const requirePermission = (...permissions: readonly Permission[]) => hookOf(guards.permissionGuard(permissions))

function hookOf(guard: guards.Guard): onRequestHookHandler {
  return (request, reply, done) => {
    const opened = holderOf(request)[held]
    const answer = guard(opened)
    if (answer !== undefined) send(reply, answer)
    else if (opened !== undefined) opened.run(done)
  }
}

/** Fastify's types know decorators by name only. */
const holderOf = (request: FastifyRequest) => request as unknown as Holder

function send(reply: FastifyReply, { status, headers, body }: guards.GuardAnswer): void {
  reply.code(status).headers(headers).send(body)
}
