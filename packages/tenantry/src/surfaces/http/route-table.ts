// Which route asks for which right. Fail-closed: a route that is not in this table is denied, even where a handler is
// registered for it.

import type { permissions } from '../../tenants/access.ts'

type ControlPermission = (typeof permissions)[number]

/**
 * What a caller needs: nothing; the admin key or an operator's open elevation; a permission in the tenant that the path
 * names (a member's role, a key of that tenant, or a service key); a permission for the instance (a service key); or to
 * be a user, for what is the user's own (or a service key with the permission). The admin key and elevations open all.
 */
export type Scope =
  | 'public'
  | 'admin'
  | `tenant ${ControlPermission}`
  | `instance ${ControlPermission}`
  | `user ${ControlPermission}`

export const routeTable: Readonly<Record<string, Scope>> = {
  'GET /health': 'public',
  'GET /ready': 'public',
  'GET /openapi.json': 'public',
  'GET /docs': 'public',
  'GET /docs/rapidoc.js': 'public',
  'GET /api/current': 'public',
  'POST /api/tenants': 'instance tenants:write',
  'GET /api/tenants': 'instance tenants:read',
  'GET /api/tenants/:tenant': 'tenant tenants:read',
  'PATCH /api/tenants/:tenant': 'instance tenants:write',
  'DELETE /api/tenants/:tenant': 'instance tenants:write',
  'POST /api/tenants/:tenant/provision': 'instance tenants:write',
  'POST /api/tenants/:tenant/suspend': 'instance tenants:write',
  'POST /api/tenants/:tenant/activate': 'instance tenants:write',
  'POST /api/tenants/:tenant/deactivate': 'instance tenants:write',
  'POST /api/tenants/:tenant/restore': 'instance tenants:write',
  'POST /api/tenants/:tenant/purge': 'admin',
  'POST /api/tenants/:tenant/mode': 'instance tenants:write',
  'GET /api/tenants/:tenant/support': 'tenant support:read',
  'POST /api/tenants/:tenant/support': 'admin',
  'POST /api/tenants/:tenant/support/:id/end': 'tenant support:write',
  'GET /api/tenants/:tenant/members': 'tenant members:read',
  'POST /api/tenants/:tenant/members': 'tenant members:write',
  'GET /api/tenants/:tenant/members/:userId': 'tenant members:read',
  'PATCH /api/tenants/:tenant/members/:userId': 'tenant members:write',
  'DELETE /api/tenants/:tenant/members/:userId': 'tenant members:write',
  'POST /api/tenants/:tenant/members/:userId/suspend': 'tenant members:write',
  'POST /api/tenants/:tenant/members/:userId/activate': 'tenant members:write',
  'POST /api/tenants/:tenant/members/:userId/accept': 'user members:write',
  'POST /api/tenants/:tenant/ownership': 'tenant members:write',
  'POST /api/tenants/:tenant/bootstrap-owner': 'instance members:write',
  'GET /api/tenants/:tenant/roles': 'tenant roles:read',
  'POST /api/tenants/:tenant/roles': 'tenant roles:write',
  'GET /api/tenants/:tenant/roles/:role': 'tenant roles:read',
  'PATCH /api/tenants/:tenant/roles/:role': 'tenant roles:write',
  'DELETE /api/tenants/:tenant/roles/:role': 'tenant roles:write',
  'GET /api/tenants/:tenant/invitations': 'tenant invitations:read',
  'POST /api/tenants/:tenant/invitations': 'tenant invitations:write',
  'GET /api/tenants/:tenant/invitations/:invitation': 'tenant invitations:read',
  'POST /api/tenants/:tenant/invitations/:invitation/resend': 'tenant invitations:write',
  'POST /api/tenants/:tenant/invitations/:invitation/revoke': 'tenant invitations:write',
  'POST /api/invitations/accept': 'user invitations:write',
  'GET /api/users/:userId/tenants': 'user members:read',
  'GET /api/users/:userId/organizations': 'user organizations:read',
  'GET /api/organizations': 'instance organizations:read',
  'POST /api/organizations': 'instance organizations:write',
  'GET /api/organizations/:organization': 'instance organizations:read',
  'PATCH /api/organizations/:organization': 'instance organizations:write',
  'DELETE /api/organizations/:organization': 'instance organizations:write',
  'GET /api/organizations/:organization/members': 'instance organizations:read',
  'POST /api/organizations/:organization/members': 'instance organizations:write',
  'DELETE /api/organizations/:organization/members/:userId': 'instance organizations:write',
  'GET /api/organizations/:organization/tenants': 'instance organizations:read',
  'POST /api/organizations/:organization/tenants': 'instance organizations:write',
  'DELETE /api/organizations/:organization/tenants/:tenant': 'instance organizations:write',
  'GET /api/organizations/:organization/users': 'instance organizations:read',
  'GET /api/organizations/:organization/teams': 'instance teams:read',
  'POST /api/organizations/:organization/teams': 'instance teams:write',
  'GET /api/organizations/:organization/teams/:team': 'instance teams:read',
  'DELETE /api/organizations/:organization/teams/:team': 'instance teams:write',
  'GET /api/organizations/:organization/teams/:team/members': 'instance teams:read',
  'POST /api/organizations/:organization/teams/:team/members': 'instance teams:write',
  'DELETE /api/organizations/:organization/teams/:team/members/:userId': 'instance teams:write',
  'GET /api/organizations/:organization/teams/:team/roles': 'instance teams:read',
  'POST /api/organizations/:organization/teams/:team/roles': 'instance teams:write',
  'GET /api/tenants/:tenant/credentials': 'tenant credentials:read',
  'POST /api/tenants/:tenant/credentials': 'tenant credentials:write',
  'POST /api/tenants/:tenant/credentials/:username/rotate': 'tenant credentials:write',
  'POST /api/tenants/:tenant/credentials/:username/revoke': 'tenant credentials:write',
  'DELETE /api/tenants/:tenant/credentials/:username': 'tenant credentials:write',
  'GET /api/tenants/:tenant/keys': 'tenant keys:read',
  'POST /api/tenants/:tenant/keys': 'tenant keys:write',
  'GET /api/tenants/:tenant/keys/:id': 'tenant keys:read',
  'POST /api/tenants/:tenant/keys/:id/rotate': 'tenant keys:write',
  'POST /api/tenants/:tenant/keys/:id/revoke': 'tenant keys:write',
  'GET /api/keys': 'admin',
  'POST /api/keys': 'admin',
  'GET /api/keys/:id': 'admin',
  'POST /api/keys/:id/rotate': 'admin',
  'POST /api/keys/:id/revoke': 'admin',
  'GET /api/operators': 'admin',
  'PUT /api/operators/:userId': 'admin',
  'DELETE /api/operators/:userId': 'admin',
  // Of users the operator alone, and no key but the admin's: operators-routes.ts.
  'POST /api/operators/:userId/elevations': 'user support:write',
  'GET /api/elevations': 'admin',
  'POST /api/elevations/:id/release': 'admin',
  'GET /api/migrations': 'instance migrations:read',
  'POST /api/migrations/up': 'instance migrations:write',
  'POST /api/migrations/retry': 'instance migrations:write',
  'GET /api/migrations/drift': 'instance migrations:read',
  'GET /api/migrations/runs': 'instance migrations:read',
  'GET /api/migrations/runs/:id': 'instance migrations:read',
  'POST /api/migrations/runs/:id/stop': 'instance migrations:write',
  'GET /api/migrations/events': 'instance migrations:read',
  'GET /api/changes': 'instance migrations:read',
  'GET /api/changes/:change': 'instance migrations:read',
  // These two bring SQL of the caller's, which the owner of the tables runs.
  'POST /api/changes': 'admin',
  'POST /api/changes/backfill': 'admin',
  'POST /api/changes/:change/backfill': 'instance migrations:write',
  'POST /api/changes/:change/validate': 'instance migrations:write',
  'POST /api/changes/:change/switch': 'instance migrations:write',
  // Drops a column.
  'POST /api/changes/:change/contract': 'admin',
  'POST /api/fleet/query': 'instance fleet:read',
  'GET /api/stats': 'instance stats:read',
  // Names every tenant, and counting them anew reads all their tables: more than figures.
  'GET /api/stats/tenants': 'instance fleet:read',
  'POST /api/stats/refresh': 'instance fleet:read',
  'GET /api/events': 'instance events:read',
  'GET /api/verify': 'instance verify:read',
  'POST /api/verify': 'instance verify:write',
}

/** The ways to say who one is, as the OpenAPI document names them. */
type SecurityScheme = 'adminKey' | 'elevation' | 'apiKey' | 'userToken'

const central: readonly SecurityScheme[] = ['adminKey', 'elevation']

/** Which of them a scope may be satisfied with. */
export function securityOf(scope: Exclude<Scope, 'public'>): readonly SecurityScheme[] {
  if (scope === 'admin') return central
  return scope.startsWith('instance ') ? [...central, 'apiKey'] : [...central, 'apiKey', 'userToken']
}

/** Writes whose answer holds a secret that is shown once: nothing of it is kept for an Idempotency-Key. */
const secretRoutes: ReadonlySet<string> = new Set([
  'POST /api/tenants/:tenant/credentials',
  'POST /api/tenants/:tenant/credentials/:username/rotate',
  'POST /api/tenants/:tenant/invitations',
  'POST /api/tenants/:tenant/invitations/:invitation/resend',
  'POST /api/tenants/:tenant/keys',
  'POST /api/tenants/:tenant/keys/:id/rotate',
  'POST /api/keys',
  'POST /api/keys/:id/rotate',
  'POST /api/operators/:userId/elevations',
])

/** Whether what the router matched answers with a secret. */
export function answersSecret(matched: readonly MatchedRoute[]): boolean {
  return matched.some(({ method, path }) => secretRoutes.has(`${method} ${path}`))
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
  const distinct = [...new Set(scopes)].filter((scope) => scope !== 'public')
  // Two rights at once are nobody's but the admin's.
  return distinct.length > 1 ? 'admin' : (distinct[0] ?? 'public')
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
