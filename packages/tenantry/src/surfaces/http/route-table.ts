// Which route asks for which right. Fail-closed: a route that is not in this table is denied, even where a handler is
// registered for it.

/** What a caller needs: nothing, or the admin key. */
export type Scope = 'public' | 'admin'

export const routeTable: Readonly<Record<string, Scope>> = {
  'GET /health': 'public',
  'GET /ready': 'public',
  'GET /openapi.json': 'public',
  'POST /api/tenants': 'admin',
  'GET /api/tenants': 'admin',
  'GET /api/tenants/:tenant': 'admin',
  'PATCH /api/tenants/:tenant': 'admin',
  'DELETE /api/tenants/:tenant': 'admin',
  'POST /api/tenants/:tenant/provision': 'admin',
  'POST /api/tenants/:tenant/suspend': 'admin',
  'POST /api/tenants/:tenant/activate': 'admin',
  'POST /api/tenants/:tenant/deactivate': 'admin',
  'POST /api/tenants/:tenant/restore': 'admin',
  'POST /api/tenants/:tenant/purge': 'admin',
  'GET /api/tenants/:tenant/credentials': 'admin',
  'POST /api/tenants/:tenant/credentials': 'admin',
  'POST /api/tenants/:tenant/credentials/:username/rotate': 'admin',
  'POST /api/tenants/:tenant/credentials/:username/revoke': 'admin',
  'DELETE /api/tenants/:tenant/credentials/:username': 'admin',
  'GET /api/stats': 'admin',
  'GET /api/events': 'admin',
  'GET /api/verify': 'admin',
  'POST /api/verify': 'admin',
}

/** A route as the router matched it. */
export interface MatchedRoute {
  readonly method: string
  readonly path: string
}

/**
 * The scope of what the router is about to run, or undefined where any of it is not in the table. It judges the
 * router's own match, not the path again, so no spelling of a path can be read in two ways.
 */
export function scopeOf(matched: readonly MatchedRoute[]): Scope | undefined {
  const handlers = matched.filter((route) => !(route.method === 'ALL' && route.path === '/*'))
  const scopes = handlers.map((route) => scopeInTable(`${route.method} ${route.path}`))
  if (scopes.length === 0 || scopes.includes(undefined)) return undefined
  return scopes.includes('admin') ? 'admin' : 'public'
}

/** The methods that the table has for a path; for the Allow header only. */
export function allowedMethods(path: string): readonly string[] {
  const methods = Object.keys(routeTable)
    .map((route) => route.split(' '))
    .filter(([, pattern = '']) =>
      new RegExp(`^${pattern.replaceAll(/:\w+/g, '[^/]+').replaceAll('.', '\\.')}$`).test(path),
    )
    .map(([method = '']) => method)
  if (methods.length === 0) return []
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS']
}

function scopeInTable(route: string): Scope | undefined {
  return Object.hasOwn(routeTable, route) ? routeTable[route] : undefined
}
