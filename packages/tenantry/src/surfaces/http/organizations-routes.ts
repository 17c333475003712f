// Organizations: groups of tenants, who belongs to them, and all users across their tenants.
import type { Context } from 'hono'
import type { Organizations } from '../../features/organizations/organization.ts'
import type { App, Env } from './app.ts'
import {
  AddOrganizationTenantSchema,
  CreateOrganizationSchema,
  ListQuery,
  OrganizationMemberPageSchema,
  OrganizationMemberSchema,
  OrganizationPageSchema,
  OrganizationSchema,
  OrganizationTenantPageSchema,
  OrganizationTenantSchema,
  OrganizationUserPageSchema,
  SetOrganizationMemberSchema,
  UpdateOrganizationSchema,
} from './contract/organizations.ts'
import { endpoint } from './endpoint.ts'
import { bodyOf, paramOf, queryOf, tenantOf } from './input.ts'
import { ownUserOf } from './members-routes.ts'

const ALL = '/api/organizations'
const ONE = `${ALL}/{organization}` as const
const tag = 'Organizations'
const organization = { tag, answer: OrganizationSchema }
const list = { tag, query: ListQuery }

/** The organization that the path names. */
export const organizationOf = (c: Context<Env>) => paramOf(c, 'organization')
/** For the audit log. */
export const actor = (c: Context<Env>) => ({ actor: c.get('actor') })

export function organizationsRoutes(app: App, organizations: Organizations): void {
  collection(app, organizations)
  one(app, organizations)
  members(app, organizations)
  tenants(app, organizations)
  users(app, organizations)
}

function collection(app: App, organizations: Organizations): void {
  const all = { ...list, summary: 'List organizations', answer: OrganizationPageSchema }
  endpoint(app, { ...all, on: `GET ${ALL}`, id: 'listOrganizations' }, (c) => organizations.list(queryOf(c, ListQuery)))
  const create = { ...organization, summary: 'Make an organization', body: CreateOrganizationSchema }
  endpoint(app, { ...create, on: `POST ${ALL}`, id: 'createOrganization', status: 201 }, async (c) =>
    organizations.create(await bodyOf(c, CreateOrganizationSchema), actor(c)),
  )
}

function one(app: App, organizations: Organizations): void {
  endpoint(app, { ...organization, on: `GET ${ONE}`, id: 'getOrganization', summary: 'Read an organization' }, (c) =>
    organizations.get(organizationOf(c)),
  )
  const update = { ...organization, summary: 'Change name or metadata of an organization' }
  const updated = { ...update, body: UpdateOrganizationSchema, id: 'updateOrganization' }
  endpoint(app, { ...updated, on: `PATCH ${ONE}` }, async (c) =>
    organizations.update(organizationOf(c), await bodyOf(c, UpdateOrganizationSchema), actor(c)),
  )
  const remove = { ...organization, summary: 'Remove an organization that owns no tenants' }
  endpoint(app, { ...remove, on: `DELETE ${ONE}`, id: 'deleteOrganization' }, (c) =>
    organizations.delete(organizationOf(c), actor(c)),
  )
}

function members(app: App, organizations: Organizations): void {
  const all = { ...list, summary: 'List the members of an organization', answer: OrganizationMemberPageSchema }
  endpoint(app, { ...all, on: `GET ${ONE}/members`, id: 'listOrganizationMembers' }, (c) =>
    organizations.members(organizationOf(c), queryOf(c, ListQuery)),
  )
  const set = { tag, summary: 'Add a member of an organization, or change the role', answer: OrganizationMemberSchema }
  const given = { ...set, body: SetOrganizationMemberSchema, id: 'setOrganizationMember' }
  endpoint(app, { ...given, on: `POST ${ONE}/members` }, async (c) =>
    organizations.setMember(organizationOf(c), await bodyOf(c, SetOrganizationMemberSchema), actor(c)),
  )
  const remove = { tag, summary: 'Take a member out of an organization', answer: OrganizationMemberSchema }
  endpoint(app, { ...remove, on: `DELETE ${ONE}/members/{userId}`, id: 'removeOrganizationMember' }, (c) =>
    organizations.removeMember(organizationOf(c), paramOf(c, 'userId'), actor(c)),
  )
}

function tenants(app: App, organizations: Organizations): void {
  const all = { ...list, summary: 'List the tenants of an organization', answer: OrganizationTenantPageSchema }
  endpoint(app, { ...all, on: `GET ${ONE}/tenants`, id: 'listOrganizationTenants' }, (c) =>
    organizations.tenants(organizationOf(c), queryOf(c, ListQuery)),
  )
  const add = { tag, summary: 'Put a tenant into an organization', answer: OrganizationTenantSchema }
  const given = { ...add, body: AddOrganizationTenantSchema, id: 'addOrganizationTenant' }
  endpoint(app, { ...given, on: `POST ${ONE}/tenants` }, async (c) =>
    organizations.addTenant(organizationOf(c), await bodyOf(c, AddOrganizationTenantSchema), actor(c)),
  )
  const remove = { tag, summary: 'Take a tenant out of an organization', answer: OrganizationTenantSchema }
  endpoint(app, { ...remove, on: `DELETE ${ONE}/tenants/{tenant}`, id: 'removeOrganizationTenant' }, (c) =>
    organizations.removeTenant(organizationOf(c), tenantOf(c), actor(c)),
  )
}

function users(app: App, organizations: Organizations): void {
  const summary = 'List all users across the tenants of an organization'
  const all = { ...list, summary, answer: OrganizationUserPageSchema, id: 'listOrganizationUsers' }
  endpoint(app, { ...all, on: `GET ${ONE}/users` }, (c) =>
    organizations.users(organizationOf(c), queryOf(c, ListQuery)),
  )
  const theirs = { ...list, summary: 'List the organizations that a user belongs to', answer: OrganizationPageSchema }
  endpoint(app, { ...theirs, on: 'GET /api/users/{userId}/organizations', id: 'listOrganizationsOfUser' }, (c) =>
    organizations.organizationsOf(ownUserOf(c), queryOf(c, ListQuery)),
  )
}
