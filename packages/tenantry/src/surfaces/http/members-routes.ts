// Members of a tenant: who belongs to it, in which role and state, and who owns it.
import type { Context } from 'hono'
import type { Members } from '../../features/members/member.ts'
import { isTenantryError, TenantryError } from '../../kernel/errors.ts'
import { tenantKey, tenantNotFound } from '../../tenants/reference.ts'
import { actingFor, callingUser } from './acting.ts'
import type { App, Env } from './app.ts'
import { NothingSchema } from './contract.ts'
import {
  AddMemberSchema,
  BootstrapOwnerSchema,
  ListMembersQuery,
  ListUserTenantsQuery,
  MemberPageSchema,
  MemberSchema,
  TransferOwnershipSchema,
  UpdateMemberSchema,
  UserTenantPageSchema,
} from './contract/members.ts'
import { endpoint } from './endpoint.ts'
import { bodyOf, paramOf, queryOf, tenantOf } from './input.ts'

const ALL = '/api/tenants/{tenant}/members'
const ONE = `${ALL}/{userId}` as const
const tag = 'Members'
const member = { tag, answer: MemberSchema }
const verb = { ...member, body: NothingSchema, isBodyOptional: true }

const userOf = (c: Context<Env>) => paramOf(c, 'userId')

export function membersRoutes(app: App, members: Members): void {
  collection(app, members)
  one(app, members)
  states(app, members)
  owners(app, members)
  users(app, members)
}

function collection(app: App, members: Members): void {
  const list = { tag, summary: 'List the members of a tenant', query: ListMembersQuery, answer: MemberPageSchema }
  endpoint(app, { ...list, on: `GET ${ALL}`, id: 'listMembers' }, (c) =>
    members.list(tenantOf(c), queryOf(c, ListMembersQuery)),
  )
  const add = { ...member, summary: 'Add a user to a tenant, or ask one to join', body: AddMemberSchema }
  endpoint(app, { ...add, on: `POST ${ALL}`, id: 'addMember', status: 201 }, async (c) => {
    const { state = 'active', ...input } = await bodyOf(c, AddMemberSchema)
    const acting = actingFor(c)
    return state === 'active' ? members.add(tenantOf(c), input, acting) : members.invite(tenantOf(c), input, acting)
  })
}

function one(app: App, members: Members): void {
  endpoint(app, { ...member, on: `GET ${ONE}`, id: 'getMember', summary: 'Read a member' }, (c) =>
    members.get(tenantOf(c), userOf(c)),
  )
  const update = { ...member, summary: 'Change role, e-mail address or metadata of a member', body: UpdateMemberSchema }
  endpoint(app, { ...update, on: `PATCH ${ONE}`, id: 'updateMember' }, async (c) =>
    members.update(tenantOf(c), userOf(c), ...([await bodyOf(c, UpdateMemberSchema), actingFor(c)] as const)),
  )
  const remove = { ...member, summary: 'Take a member out of a tenant; they may be added again' }
  endpoint(app, { ...remove, on: `DELETE ${ONE}`, id: 'revokeMember' }, (c) =>
    members.revoke(tenantOf(c), userOf(c), actingFor(c)),
  )
}

function states(app: App, members: Members): void {
  const suspend = { ...verb, summary: 'Keep a member out until they are activated again' }
  endpoint(app, { ...suspend, on: `POST ${ONE}/suspend`, id: 'suspendMember' }, async (c) => {
    await bodyOf(c, NothingSchema, { optional: true })
    return members.suspend(tenantOf(c), userOf(c), actingFor(c))
  })
  const activate = { ...verb, summary: 'Let a suspended member in again' }
  endpoint(app, { ...activate, on: `POST ${ONE}/activate`, id: 'activateMember' }, async (c) => {
    await bodyOf(c, NothingSchema, { optional: true })
    return members.activate(tenantOf(c), userOf(c), actingFor(c))
  })
  const accept = { ...verb, summary: 'Join a tenant as a user who was asked to; a user does so for themselves only' }
  endpoint(app, { ...accept, on: `POST ${ONE}/accept`, id: 'acceptMember' }, async (c) => {
    await bodyOf(c, NothingSchema, { optional: true })
    const userId = ownUserOf(c)
    if (callingUser(c) !== undefined) await refuseStranger(c, members, userId)
    return members.accept(tenantOf(c), userId, { actor: c.get('actor') })
  })
}

function owners(app: App, members: Members): void {
  const transfer = {
    ...member,
    summary: 'Make another member owner, and the owner admin',
    body: TransferOwnershipSchema,
  }
  endpoint(app, { ...transfer, on: 'POST /api/tenants/{tenant}/ownership', id: 'transferOwnership' }, async (c) =>
    members.transferOwnership(tenantOf(c), await bodyOf(c, TransferOwnershipSchema), actingFor(c)),
  )
  const first = {
    ...member,
    summary: 'Make a user the first owner of a tenant that has none',
    body: BootstrapOwnerSchema,
  }
  const on = 'POST /api/tenants/{tenant}/bootstrap-owner'
  endpoint(app, { ...first, on, id: 'bootstrapOwner', status: 201 }, async (c) =>
    members.bootstrapOwner(tenantOf(c), await bodyOf(c, BootstrapOwnerSchema), { actor: c.get('actor') }),
  )
}

function users(app: App, members: Members): void {
  const list = { tag, summary: 'List the tenants that a user may enter', query: ListUserTenantsQuery }
  const given = { ...list, answer: UserTenantPageSchema, id: 'listTenantsOfUser' }
  endpoint(app, { ...given, on: 'GET /api/users/{userId}/tenants' }, (c) =>
    members.tenantsOf(ownUserOf(c), queryOf(c, ListUserTenantsQuery)),
  )
}

/** Of a tenant that never asked them, a user learns no more than of one that does not exist. */
async function refuseStranger(c: Context<Env>, members: Members, userId: string): Promise<void> {
  const ref = tenantOf(c)
  await members.get(ref, userId).catch((error: unknown) => {
    throw isTenantryError(error, 'MEMBER_NOT_FOUND') ? tenantNotFound(tenantKey(ref)) : error
  })
}

/** The user of the path. A user who asks may name themselves only; whoever vouches for users may name any. */
export function ownUserOf(c: Context<Env>): string {
  const user = callingUser(c)
  if (user === undefined || user.userId === userOf(c)) return userOf(c)
  throw new TenantryError('FORBIDDEN', 'A user may name only themselves here.', {
    fix: 'Put the user id of the token into the path.',
  })
}
