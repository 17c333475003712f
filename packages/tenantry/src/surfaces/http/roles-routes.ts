// Roles of a tenant: the built-in ones and its own.
import type { Context } from 'hono'
import type { Role, Roles } from '../../features/members/member.ts'
import { actingFor } from './acting.ts'
import type { App, Env } from './app.ts'
import { CreateRoleSchema, ListRolesQuery, RolePageSchema, RoleSchema, UpdateRoleSchema } from './contract/members.ts'
import { endpoint } from './endpoint.ts'
import { bodyOf, paramOf, queryOf, tenantOf } from './input.ts'
import { type Listing, pageOfAll } from './list-page.ts'

const ALL = '/api/tenants/{tenant}/roles'
const ONE = `${ALL}/{role}` as const
const role = { tag: 'Members', answer: RoleSchema }

const nameOf = (c: Context<Env>) => paramOf(c, 'role')

/** How the roles of a tenant are listed. */
export const roleListing: Listing<Role> = { key: ({ name }) => name, words: (each) => [each.name, each.description] }

export function rolesRoutes(app: App, roles: Roles): void {
  const list = { tag: 'Members', summary: 'List the roles of a tenant, built-in ones first', query: ListRolesQuery }
  endpoint(app, { ...list, on: `GET ${ALL}`, id: 'listRoles', answer: RolePageSchema }, async (c) => {
    const query = queryOf(c, ListRolesQuery)
    return pageOfAll(await roles.list(tenantOf(c)), query, roleListing)
  })
  const create = { ...role, summary: 'Make a role of the tenant’s own', body: CreateRoleSchema, status: 201 as const }
  endpoint(app, { ...create, on: `POST ${ALL}`, id: 'createRole' }, async (c) =>
    roles.create(tenantOf(c), await bodyOf(c, CreateRoleSchema), actingFor(c)),
  )
  endpoint(app, { ...role, on: `GET ${ONE}`, id: 'getRole', summary: 'Read a role' }, (c) =>
    roles.get(tenantOf(c), nameOf(c)),
  )
  const update = { ...role, summary: 'Change a role of the tenant’s own, for all who have it', body: UpdateRoleSchema }
  endpoint(app, { ...update, on: `PATCH ${ONE}`, id: 'updateRole' }, async (c) => {
    const change = await bodyOf(c, UpdateRoleSchema)
    return roles.update(...([tenantOf(c), nameOf(c), change, actingFor(c)] as const))
  })
  endpoint(app, { ...role, on: `DELETE ${ONE}`, id: 'deleteRole', summary: 'Remove a role that nobody has' }, (c) =>
    roles.delete(tenantOf(c), nameOf(c), actingFor(c)),
  )
}
