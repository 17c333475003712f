// The verbs on members: what each asks for, what bounds it, and what it writes.
import { isDeepStrictEqual } from 'node:util'
import { TenantryError } from '../../kernel/errors.ts'
import { readAuthority, readRole, refuseOutranked, refuseUncovered } from '../../tenants/authority.ts'
import type { AddMember, Member, UpdateMember } from './member.ts'
import { type Act, record, refuseSelfRaise, refuseSenior } from './member-act.ts'
import { decideMember, type MemberVerb, memberStartsFrom, stateAfter } from './member-states.ts'
import { findMember, saveMember } from './member-store.ts'
import { isActiveOwner, refuseLastOwner, settleOwner } from './ownership.ts'

export type CheckedAdd = AddMember & { readonly role: string }

/** A member of any state. Throws MEMBER_NOT_FOUND. */
export async function requireMember({ tx, tenant }: Act, userId: string): Promise<Member> {
  const member = await findMember(tx, tenant.id, userId)
  if (member !== undefined) return member
  throw new TenantryError('MEMBER_NOT_FOUND', `The tenant ${tenant.slug} has no member of this user id.`)
}

/** Makes a user a member, or asks them to be one. Throws MEMBER_EXISTS, MEMBER_STATE_CONFLICT, RANK_TOO_LOW. */
export async function addMember(act: Act, verb: 'add' | 'invite', input: CheckedAdd): Promise<Member> {
  const { tx, tenant } = act
  const before = await findMember(tx, tenant.id, input.userId)
  const decision = decideMember(verb, before?.state ?? null)
  if (decision === 'repeat' && before !== undefined && isSame(before, input)) return before
  if (decision !== 'change') throw existing(verb, before)
  const role = await readRole(tx, tenant.id, input.role)
  if (before?.state === 'invited') {
    await refuseSenior(act, before)
    refuseSelfRaise(act, input.userId, { from: await readRole(tx, tenant.id, before.role), to: role })
  }
  refuseOutranked(act.authority, role)
  const at = act.at.toISOString()
  const after = await saveMember(tx, {
    ...{ tenantId: tenant.id, userId: input.userId, role: input.role, updatedAt: at },
    ...{ ...aboutOf(input, before), invitedBy: act.userId ?? null, ...stateAfter(verb, before ?? null, at) },
  })
  if (isActiveOwner(after)) await settleOwner(act)
  await record(act, `member.${verb}`, detailOf(after))
  return after
}

/** What is known of a user beside their role: what was given, else what was known before. */
export function aboutOf(
  { email, metadata }: Pick<AddMember, 'email' | 'metadata'>,
  before: Member | undefined,
): Pick<Member, 'email' | 'metadata'> {
  return { email: email ?? before?.email ?? null, metadata: metadata ?? before?.metadata ?? {} }
}

function isSame(member: Member, input: CheckedAdd): boolean {
  const { role, email = member.email, metadata = member.metadata } = input
  return role === member.role && email === member.email && isDeepStrictEqual(metadata, member.metadata)
}

function existing(verb: MemberVerb, member: Member | undefined): TenantryError {
  if (member?.state === 'suspended') return stateConflict(verb, member)
  return new TenantryError('MEMBER_EXISTS', `The user is ${member?.state ?? 'unknown'} in the tenant already.`)
}

function stateConflict(verb: MemberVerb, { state }: Member): TenantryError {
  const from = memberStartsFrom(verb).join(' or ')
  return new TenantryError('MEMBER_STATE_CONFLICT', `Cannot ${verb} a member who is ${state}; it starts from ${from}.`)
}

/**
 * Takes up an invitation. Whoever invited must still be able to give the role: an invitation reaches no further than who
 * sent it. Throws MEMBER_NOT_FOUND, MEMBER_STATE_CONFLICT, RANK_TOO_LOW.
 */
export async function acceptMember(act: Act, userId: string): Promise<Member> {
  const before = await requireMember(act, userId)
  const decision = decideMember('accept', before.state)
  if (decision === 'repeat') return before
  if (decision === 'refuse') throw stateConflict('accept', before)
  if (before.invitedBy !== null) await refuseWeakInviter(act, before.role, before.invitedBy)
  return write(act, { verb: 'accept', before })
}

async function refuseWeakInviter({ tx, tenant }: Act, role: string, inviter: string): Promise<void> {
  const authority = await readAuthority(tx, tenant.id, { userId: inviter }).catch((error: unknown) => {
    const isOut = error instanceof TenantryError && ['NOT_A_MEMBER', 'PERMISSION_DENIED'].includes(error.code)
    if (!isOut) throw error
    throw new TenantryError('RANK_TOO_LOW', 'Whoever invited may not do so any more.')
  })
  refuseOutranked(authority, await readRole(tx, tenant.id, role))
}

/** Changes role, e-mail address or metadata. Throws MEMBER_STATE_CONFLICT, RANK_TOO_LOW, LAST_OWNER, ROLE_NOT_FOUND. */
export async function updateMember(act: Act, userId: string, change: UpdateMember): Promise<Member> {
  const before = await requireMember(act, userId)
  if (decideMember('update', before.state) === 'refuse') throw stateConflict('update', before)
  await refuseSenior(act, before)
  const after = { ...before, ...change }
  if (isDeepStrictEqual(after, before)) return before
  if (after.role !== before.role) await refuseRoleChange(act, before, after.role)
  return write(act, { verb: 'update', before, change })
}

async function refuseRoleChange(act: Act, before: Member, role: string): Promise<void> {
  const { tx, tenant, authority } = act
  const to = await readRole(tx, tenant.id, role)
  refuseOutranked(authority, to)
  refuseSelfRaise(act, before.userId, { from: await readRole(tx, tenant.id, before.role), to })
  await refuseLastOwner(act, before, { role, state: before.state })
}

/** Moves a member to another state. Throws MEMBER_STATE_CONFLICT, RANK_TOO_LOW, LAST_OWNER. */
export async function moveMember(act: Act, verb: 'suspend' | 'activate', userId: string): Promise<Member> {
  const before = await requireMember(act, userId)
  const decision = decideMember(verb, before.state)
  if (decision === 'repeat') return before
  if (decision === 'refuse') throw stateConflict(verb, before)
  await refuseSenior(act, before)
  return write(act, { verb, before })
}

/** Takes a member out, or lets one leave, who needs no permission for that. Throws LAST_OWNER, RANK_TOO_LOW, … */
export async function revokeMember(given: Act, userId: string): Promise<Member> {
  const before = await requireMember(given, userId)
  const isOwn = given.userId === userId
  // Who has only been asked is no member yet, and may still say no.
  const declines = isOwn && before.state === 'invited'
  const authority = declines ? undefined : await readAuthority(given.tx, given.tenant.id, given.onBehalfOf)
  const act = { ...given, authority }
  if (!isOwn) refuseUncovered(authority, 'members:write')
  const decision = decideMember('revoke', before.state)
  if (decision === 'repeat') return before
  if (!isOwn) await refuseSenior(act, before)
  return write(act, { verb: 'revoke', before })
}

interface Step {
  readonly verb: MemberVerb
  readonly before: Member
  readonly change?: UpdateMember
}

async function write(act: Act, { verb, before, change = {} }: Step): Promise<Member> {
  const at = act.at.toISOString()
  const next = { ...before, ...change, ...stateAfter(verb, before, at), updatedAt: at }
  await refuseLastOwner(act, before, next)
  const after = await saveMember(act.tx, next)
  if (isActiveOwner(before) !== isActiveOwner(after)) await settleOwner(act)
  const previousRole = before.role === after.role ? {} : { previousRole: before.role }
  await record(act, `member.${verb}`, { ...detailOf(after), ...previousRole })
  return after
}

export function detailOf({ userId, role, state }: Member): Readonly<Record<string, unknown>> {
  return { userId, role, state }
}
