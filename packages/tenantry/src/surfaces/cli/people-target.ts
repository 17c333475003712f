// Members, roles and invitations of either target: over the HTTP API, and of an instance that this process has opened.
import type {
  AcceptedInvitation,
  CreateInvitation,
  Invitation,
  Invitations,
  ListInvitations,
  NewInvitation,
} from '../../features/invitations/invitation.ts'
import type {
  AddMember,
  CreateRole,
  ListMembers,
  Member,
  Members,
  Role,
  Roles,
  TransferOwnership,
  UpdateMember,
  UpdateRole,
  UserTenant,
} from '../../features/members/member.ts'
import type { VerifiedUser } from '../../tenants/access.ts'
import type { Page } from '../../tenants/tenant.ts'
import type { Api } from './http-target.ts'
import { queryText } from './query-text.ts'

export interface PageQuery {
  readonly limit?: number
  readonly cursor?: string
}

/** The operations on members that every target has; a tenant is named by slug or id. */
export interface TargetMembers {
  list(tenant: string, query: ListMembers): Promise<Page<Member>>
  get(tenant: string, userId: string): Promise<Member>
  add(tenant: string, input: AddMember): Promise<Member>
  invite(tenant: string, input: AddMember): Promise<Member>
  accept(tenant: string, userId: string): Promise<Member>
  update(tenant: string, userId: string, change: UpdateMember): Promise<Member>
  suspend(tenant: string, userId: string): Promise<Member>
  activate(tenant: string, userId: string): Promise<Member>
  revoke(tenant: string, userId: string): Promise<Member>
  transferOwnership(tenant: string, input: TransferOwnership): Promise<Member>
  bootstrapOwner(tenant: string, input: Omit<AddMember, 'role'>): Promise<Member>
  tenantsOf(userId: string, query: PageQuery): Promise<Page<UserTenant>>
}

/** The operations on roles that every target has. */
export interface TargetRoles {
  /** All of them, on one page. */
  list(tenant: string): Promise<Page<Role>>
  create(tenant: string, input: CreateRole): Promise<Role>
  update(tenant: string, name: string, change: UpdateRole): Promise<Role>
  delete(tenant: string, name: string): Promise<Role>
}

/** The operations on invitations that every target has. */
export interface TargetInvitations {
  list(tenant: string, query: ListInvitations): Promise<Page<Invitation>>
  get(tenant: string, id: string): Promise<Invitation>
  create(tenant: string, input: CreateInvitation): Promise<NewInvitation>
  resend(tenant: string, id: string): Promise<NewInvitation>
  revoke(tenant: string, id: string): Promise<Invitation>
  accept(token: string, user: VerifiedUser): Promise<AcceptedInvitation>
}

/** The part of a target that is about people. */
export interface PeopleTarget {
  readonly members: TargetMembers
  readonly roles: TargetRoles
  readonly invitations: TargetInvitations
}

export function peopleOver(api: Api): PeopleTarget {
  return { members: membersOver(api), roles: rolesOver(api), invitations: invitationsOver(api) }
}

function membersOver(api: Api): TargetMembers {
  const all = (tenant: string) => `${pathOf(tenant)}/members`
  const one = (tenant: string, userId: string) => `${all(tenant)}/${encodeURIComponent(userId)}`
  const act = (tenant: string, userId: string, verb: string): Promise<Member> =>
    api(`${one(tenant, userId)}/${verb}`, { method: 'POST', body: {} })
  return {
    list: (tenant, query) => api(`${all(tenant)}${queryText(query)}`),
    get: (tenant, userId) => api(one(tenant, userId)),
    add: (tenant, input) => api(all(tenant), { method: 'POST', body: input }),
    invite: (tenant, input) => api(all(tenant), { method: 'POST', body: { ...input, state: 'invited' } }),
    accept: (tenant, userId) => act(tenant, userId, 'accept'),
    update: (tenant, userId, change) => api(one(tenant, userId), { method: 'PATCH', body: change }),
    suspend: (tenant, userId) => act(tenant, userId, 'suspend'),
    activate: (tenant, userId) => act(tenant, userId, 'activate'),
    revoke: (tenant, userId) => api(one(tenant, userId), { method: 'DELETE' }),
    transferOwnership: (tenant, input) => api(`${pathOf(tenant)}/ownership`, { method: 'POST', body: input }),
    bootstrapOwner: (tenant, input) => api(`${pathOf(tenant)}/bootstrap-owner`, { method: 'POST', body: input }),
    tenantsOf: (userId, query) => api(`api/users/${encodeURIComponent(userId)}/tenants${queryText(query)}`),
  }
}

function rolesOver(api: Api): TargetRoles {
  const all = (tenant: string) => `${pathOf(tenant)}/roles`
  const one = (tenant: string, name: string) => `${all(tenant)}/${encodeURIComponent(name)}`
  return {
    async list(tenant) {
      const items: Role[] = []
      let cursor: string | null = null
      do {
        const query: object = { limit: 100, ...(cursor !== null && { cursor }) }
        const page: Page<Role> = await api(`${all(tenant)}${queryText(query)}`)
        items.push(...page.items)
        cursor = page.nextCursor
      } while (cursor !== null)
      return { items, nextCursor: null, total: items.length }
    },
    create: (tenant, input) => api(all(tenant), { method: 'POST', body: input }),
    update: (tenant, name, change) => api(one(tenant, name), { method: 'PATCH', body: change }),
    delete: (tenant, name) => api(one(tenant, name), { method: 'DELETE' }),
  }
}

function invitationsOver(api: Api): TargetInvitations {
  const all = (tenant: string) => `${pathOf(tenant)}/invitations`
  const one = (tenant: string, id: string) => `${all(tenant)}/${encodeURIComponent(id)}`
  return {
    list: (tenant, query) => api(`${all(tenant)}${queryText(query)}`),
    get: (tenant, id) => api(one(tenant, id)),
    create: (tenant, input) => api(all(tenant), { method: 'POST', body: input }),
    resend: (tenant, id) => api(`${one(tenant, id)}/resend`, { method: 'POST', body: {} }),
    revoke: (tenant, id) => api(`${one(tenant, id)}/revoke`, { method: 'POST', body: {} }),
    accept: (token, user) => api('api/invitations/accept', { method: 'POST', body: { token, ...user } }),
  }
}

function pathOf(tenant: string): string {
  return `api/tenants/${encodeURIComponent(tenant)}`
}

/** What of an instance is about people. */
export interface People {
  readonly members: Members
  readonly roles: Roles
  readonly invitations: Invitations
}

/** The people of an opened instance, with every change in the audit log under this actor. */
export function peopleActingAs(actor: string, people: People): PeopleTarget {
  return {
    members: membersActingAs(actor, people.members),
    roles: rolesActingAs(actor, people.roles),
    invitations: invitationsActingAs(actor, people.invitations),
  }
}

function membersActingAs(actor: string, members: Members): TargetMembers {
  return {
    list: (tenant, query) => members.list(tenant, query),
    get: (tenant, userId) => members.get(tenant, userId),
    add: (tenant, input) => members.add(tenant, input, { actor }),
    invite: (tenant, input) => members.invite(tenant, input, { actor }),
    accept: (tenant, userId) => members.accept(tenant, userId, { actor }),
    update: (tenant, userId, change) => members.update(...([tenant, userId, change, { actor }] as const)),
    suspend: (tenant, userId) => members.suspend(tenant, userId, { actor }),
    activate: (tenant, userId) => members.activate(tenant, userId, { actor }),
    revoke: (tenant, userId) => members.revoke(tenant, userId, { actor }),
    transferOwnership: (tenant, input) => members.transferOwnership(tenant, input, { actor }),
    bootstrapOwner: (tenant, input) => members.bootstrapOwner(tenant, input, { actor }),
    tenantsOf: (userId, query) => members.tenantsOf(userId, query),
  }
}

function rolesActingAs(actor: string, roles: Roles): TargetRoles {
  return {
    list: async (tenant) => {
      const items = await roles.list(tenant)
      return { items, nextCursor: null, total: items.length }
    },
    create: (tenant, input) => roles.create(tenant, input, { actor }),
    update: (tenant, name, change) => roles.update(...([tenant, name, change, { actor }] as const)),
    delete: (tenant, name) => roles.delete(tenant, name, { actor }),
  }
}

function invitationsActingAs(actor: string, invitations: Invitations): TargetInvitations {
  return {
    list: (tenant, query) => invitations.list(tenant, query),
    get: (tenant, id) => invitations.get(tenant, id),
    create: (tenant, input) => invitations.create(tenant, input, { actor }),
    resend: (tenant, id) => invitations.resend(tenant, id, { actor }),
    revoke: (tenant, id) => invitations.revoke(tenant, id, { actor }),
    accept: (token, user) => invitations.accept(token, user, { actor }),
  }
}
