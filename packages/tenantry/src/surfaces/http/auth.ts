// Lets a request through to its handler, or not: the scope comes from the route table, the caller from a Bearer token.
import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import { TenantryError } from '../../kernel/errors.ts'
import { actorOf } from './acting.ts'
import type { Env } from './app.ts'
import { createAuthenticator } from './authenticate.ts'
import { authorise } from './authorise.ts'
import type { ControlPlane, HandlerOptions } from './control-plane.ts'
import { allowedMethods, scopeOf } from './route-table.ts'

/** Guards every route of the app; must be its first middleware but the request id's. */
export function guard(controlPlane: ControlPlane, options: HandlerOptions): MiddlewareHandler<Env> {
  const { ephemeralKeys = [], users = controlPlane.users } = options
  const authenticator = createAuthenticator({ controlPlane, ephemeralKeys, users })
  return async (c, next) => {
    const scope = scopeOf(matchedRoutes(c))
    if (scope === 'public') return next()
    const allowed = allowedMethods(c.req.path)
    if (c.req.method === 'OPTIONS' && allowed.length > 0) {
      return c.body(null, 204, { allow: allowed.join(', ') })
    }
    if (scope === undefined && !isApiPath(c.req.path)) refuse(c, allowed)
    const principal = await authenticator.authenticate(c)
    if (scope === undefined) refuse(c, allowed)
    c.set('principal', principal)
    c.set('actor', actorOf(principal))
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD'
    c.set('tenantId', await authorise(controlPlane, principal, { scope, tenant: tenantInPath(c), isRead }))
    return next()
  }
}

/**
 * The tenant that the path names, as the router itself took it out of the path for the handlers that are about to run;
 * undefined where none of them names one. Two that differ are nobody's.
 */
function tenantInPath(c: Context<Env>): string | undefined {
  const current = c.req.routeIndex
  const named = matchedRoutes(c).map((_route, index) => {
    c.req.routeIndex = index
    return c.req.param('tenant')
  })
  c.req.routeIndex = current
  const distinct = new Set(named.filter((tenant) => tenant !== undefined))
  if (distinct.size > 1) throw new TenantryError('ROUTE_NOT_FOUND', 'There is no such route.')
  return [...distinct][0]
}

function refuse(c: Context<Env>, allowed: readonly string[]): never {
  if (allowed.length > 0 && !allowed.includes(c.req.method)) {
    c.header('allow', allowed.join(', '))
    throw new TenantryError('METHOD_NOT_ALLOWED', 'This route does not have that method.')
  }
  throw new TenantryError('ROUTE_NOT_FOUND', 'There is no such route.')
}

function isApiPath(path: string): boolean {
  return path === '/api' || path.startsWith('/api/')
}
