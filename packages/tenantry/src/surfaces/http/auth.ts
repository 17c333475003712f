// Lets a request through to its handler, or not: the scope comes from the route table, the caller from a Bearer key.
import { timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import { type AdminKeys, hashKey, keyPrefix } from '../../features/keys/admin-keys.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Env } from './app.ts'
import { allowedMethods, scopeOf } from './route-table.ts'

const BEARER = /^Bearer +([!-~]{1,512})$/i

/** Guards every route of the app; must be its first middleware but the request id's. */
export function guard(keys: Pick<AdminKeys, 'verify'>, ephemeralKeys: readonly string[]): MiddlewareHandler<Env> {
  const ephemeral = ephemeralKeys.map(hashKey)
  return async (c, next) => {
    const scope = scopeOf(matchedRoutes(c))
    if (scope === 'public') return next()
    const allowed = allowedMethods(c.req.path)
    if (c.req.method === 'OPTIONS' && allowed.length > 0) {
      return c.body(null, 204, { allow: allowed.join(', ') })
    }
    if (scope !== undefined || isApiPath(c.req.path)) c.set('actor', await authenticate(c, keys, ephemeral))
    if (scope === undefined) refuse(c, allowed)
    return next()
  }
}

/** Who asks, for the audit log; UNAUTHENTICATED where nobody is known. */
async function authenticate(
  c: Context<Env>,
  keys: Pick<AdminKeys, 'verify'>,
  ephemeral: readonly Buffer[],
): Promise<string> {
  const header = c.req.header('authorization')
  const presented = BEARER.exec(header ?? '')?.[1]
  if (presented === undefined) {
    c.header('www-authenticate', 'Bearer realm="tenantry"')
    const what = header === undefined ? 'The request carries no key.' : 'The Authorization header is not Bearer <key>.'
    throw new TenantryError('UNAUTHENTICATED', what)
  }
  const hash = hashKey(presented)
  // Looks at all of them, so that the time does not tell which one matched.
  if (ephemeral.filter((known) => timingSafeEqual(known, hash)).length > 0) return 'cli'
  if (await keys.verify(presented)) return `http:${keyPrefix(presented)}`
  c.header('www-authenticate', 'Bearer realm="tenantry", error="invalid_token"')
  throw new TenantryError('UNAUTHENTICATED', 'The key is not known, or was replaced.')
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
