// Organizations and teams as commands reach them: over HTTP, or in the database itself.
import type {
  ListQuery,
  OrganizationMember,
  Organizations,
  OrganizationTenant,
  Team,
  TeamMember,
  TeamRole,
  Teams,
} from '../../features/organizations/organization.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Page } from '../../tenants/tenant.ts'
import { pageOfAll } from '../http/list-page.ts'
import { teamMemberListing, teamRoleListing } from '../http/team-listings.ts'
import type { Api } from './http-target.ts'

/** The operations on organizations that every target has. */
export interface TargetOrganizations
  extends Pick<
    Organizations,
    'create' | 'get' | 'list' | 'update' | 'delete' | 'setMember' | 'members' | 'tenants' | 'users' | 'organizationsOf'
  > {
  addTenant(
    ref: string,
    input: { readonly tenant: string; readonly memberRole?: string | null },
  ): Promise<OrganizationTenant>
  removeTenant(ref: string, tenant: string): Promise<OrganizationTenant>
  removeMember(ref: string, userId: string): Promise<OrganizationMember>
}

/** The operations on teams that every target has. Members and roles are pages, as over HTTP. */
export interface TargetTeams extends Pick<Teams, 'create' | 'get' | 'list'> {
  delete(ref: string, team: string): Promise<Team>
  members(ref: string, team: string, query: ListQuery): Promise<Page<TeamMember>>
  addMember(ref: string, team: string, userId: string): Promise<TeamMember>
  removeMember(ref: string, team: string, userId: string): Promise<TeamMember>
  roles(ref: string, team: string, query: ListQuery): Promise<Page<TeamRole>>
  setRole(
    ref: string,
    team: string,
    given: { readonly tenant: string; readonly role: string | null },
  ): Promise<Page<TeamRole>>
}

/** A path of encoded words, none of which leads elsewhere. Throws INVALID_INPUT for `.` and `..`, which would. */
function path(...words: readonly string[]): string {
  if (words.some((word) => word === '.' || word === '..')) {
    throw new TenantryError('INVALID_INPUT', '"." and ".." name nothing.', { fix: 'Give a slug or an id.' })
  }
  return ['api', ...words.map(encodeURIComponent)].join('/')
}

function withQuery(at: string, query: ListQuery = {}): string {
  const given = Object.entries(query)
  const params = new URLSearchParams()
  for (const [name, value] of given) params.set(name, String(value))
  return given.length === 0 ? at : `${at}?${params.toString()}`
}

export function organizationsOver(api: Api): TargetOrganizations {
  const one = (ref: string, ...below: readonly string[]) => path('organizations', ref, ...below)
  return {
    create: (input) => api(path('organizations'), { method: 'POST', body: input }),
    get: (ref) => api(one(ref)),
    list: (query) => api(withQuery(path('organizations'), query)),
    update: (ref, change) => api(one(ref), { method: 'PATCH', body: change }),
    delete: (ref) => api(one(ref), { method: 'DELETE' }),
    members: (ref, query) => api(withQuery(one(ref, 'members'), query)),
    setMember: (ref, input) => api(one(ref, 'members'), { method: 'POST', body: input }),
    removeMember: (ref, userId) => api(one(ref, 'members', userId), { method: 'DELETE' }),
    tenants: (ref, query) => api(withQuery(one(ref, 'tenants'), query)),
    addTenant: (ref, input) => api(one(ref, 'tenants'), { method: 'POST', body: input }),
    removeTenant: (ref, tenant) => api(one(ref, 'tenants', tenant), { method: 'DELETE' }),
    users: (ref, query) => api(withQuery(one(ref, 'users'), query)),
    organizationsOf: (userId, query) => api(withQuery(path('users', userId, 'organizations'), query)),
  }
}

export function teamsOver(api: Api): TargetTeams {
  const all = (ref: string, ...below: readonly string[]) => path('organizations', ref, 'teams', ...below)
  return {
    create: (ref, input) => api(all(ref), { method: 'POST', body: input }),
    get: (ref, team) => api(all(ref, team)),
    list: (ref, query) => api(withQuery(all(ref), query)),
    delete: (ref, team) => api(all(ref, team), { method: 'DELETE' }),
    members: (ref, team, query) => api(withQuery(all(ref, team, 'members'), query)),
    addMember: (ref, team, userId) => api(all(ref, team, 'members'), { method: 'POST', body: { userId } }),
    removeMember: (ref, team, userId) => api(all(ref, team, 'members', userId), { method: 'DELETE' }),
    roles: (ref, team, query) => api(withQuery(all(ref, team, 'roles'), query)),
    setRole: (ref, team, given) => api(all(ref, team, 'roles'), { method: 'POST', body: given }),
  }
}

export function organizationsActingAs(actor: string, organizations: Organizations): TargetOrganizations {
  return {
    create: (input) => organizations.create(input, { actor }),
    get: (ref) => organizations.get(ref),
    list: (query) => organizations.list(query),
    update: (ref, change) => organizations.update(ref, change, { actor }),
    delete: (ref) => organizations.delete(ref, { actor }),
    members: (ref, query) => organizations.members(ref, query),
    setMember: (ref, input) => organizations.setMember(ref, input, { actor }),
    removeMember: (ref, userId) => organizations.removeMember(ref, userId, { actor }),
    tenants: (ref, query) => organizations.tenants(ref, query),
    addTenant: (ref, input) => organizations.addTenant(ref, input, { actor }),
    removeTenant: (ref, tenant) => organizations.removeTenant(ref, tenant, { actor }),
    users: (ref, query) => organizations.users(ref, query),
    organizationsOf: (userId, query) => organizations.organizationsOf(userId, query),
  }
}

const WHOLE = { limit: 100 }

export function teamsActingAs(actor: string, teams: Teams): TargetTeams {
  return {
    create: (ref, input) => teams.create(ref, input, { actor }),
    get: (ref, team) => teams.get(ref, team),
    list: (ref, query) => teams.list(ref, query),
    delete: (ref, team) => teams.delete(ref, team, { actor }),
    members: async (ref, team, query) => pageOfAll(await teams.members(ref, team), query, teamMemberListing),
    addMember: (ref, team, userId) => teams.addMember(ref, team, { userId, actor }),
    removeMember: (ref, team, userId) => teams.removeMember(ref, team, { userId, actor }),
    roles: async (ref, team, query) => pageOfAll(await teams.roles(ref, team), query, teamRoleListing),
    setRole: async (ref, team, given) =>
      pageOfAll(await teams.setRole(ref, team, { ...given, actor }), WHOLE, teamRoleListing),
  }
}
