// How a tenant comes to its owners: by name, when it is made or changed; by the first one to ask; by a hand-over.
import { TenantryError } from '../../kernel/errors.ts'
import { readRole, refuseOutranked } from '../../tenants/authority.ts'
import { aboutOf, detailOf, requireMember } from './change-member.ts'
import type { AddMember, Member, TransferOwnership } from './member.ts'
import { type Act, record, refuseSelfRaise } from './member-act.ts'
import { stateAfter } from './member-states.ts'
import { findMember, saveMember } from './member-store.ts'
import { activeOwners, isActiveOwner, settleOwner } from './ownership.ts'

type NewOwner = Omit<AddMember, 'role'>

/** Makes a user an active owner, whatever they were. Throws MEMBER_STATE_CONFLICT for a suspended member. */
export async function makeOwner(act: Act, action: string, input: NewOwner): Promise<Member> {
  const { tx, tenant } = act
  const before = await findMember(tx, tenant.id, input.userId)
  if (before !== undefined && isActiveOwner(before)) return before
  if (before?.state === 'suspended') {
    throw new TenantryError('MEMBER_STATE_CONFLICT', 'A suspended member cannot become the owner; activate it first.')
  }
  const at = act.at.toISOString()
  const joins = before?.state !== 'active'
  const after = await saveMember(tx, {
    ...{ tenantId: tenant.id, userId: input.userId, role: 'owner', updatedAt: at },
    ...{
      ...aboutOf(input, before),
      invitedBy: before?.invitedBy ?? null,
      ...stateAfter(joins ? 'add' : 'update', before ?? null, at),
    },
  })
  await record(act, action, detailOf(after))
  return after
}

/** The first owner of a tenant that has none; again for the same user changes nothing. Throws OWNER_EXISTS. */
export async function bootstrapOwner(act: Act, input: NewOwner): Promise<Member> {
  const owners = await activeOwners(act.tx, act.tenant.id)
  if (owners.length > 0 && !owners.includes(input.userId)) {
    throw new TenantryError('OWNER_EXISTS', `The tenant ${act.tenant.slug} has an owner.`)
  }
  const owner = await makeOwner(act, 'member.bootstrap_owner', input)
  await settleOwner(act, input.userId)
  return owner
}

/** Makes `to` owner and `from` admin. Throws MEMBER_NOT_FOUND, MEMBER_STATE_CONFLICT, RANK_TOO_LOW. */
export async function transferOwnership(act: Act, input: TransferOwnership): Promise<Member> {
  const { tx, tenant } = act
  const fromId = input.from ?? tenant.ownerUserId
  if (fromId === null) {
    throw new TenantryError('INVALID_INPUT', 'The tenant names no owner; say whose ownership it is.', { field: 'from' })
  }
  const ownerRole = await readRole(tx, tenant.id, 'owner')
  refuseOutranked(act.authority, ownerRole)
  const to = await requireActive(act, input.to)
  const from = fromId === to.userId ? to : await requireActive(act, fromId)
  if (isActiveOwner(to) && tenant.ownerUserId === to.userId && (from === to || from.role === 'admin')) return to
  if (!isActiveOwner(from)) {
    throw new TenantryError('MEMBER_STATE_CONFLICT', 'Ownership is transferred from an active owner.')
  }
  refuseSelfRaise(act, to.userId, { from: await readRole(tx, tenant.id, to.role), to: ownerRole })
  const updatedAt = act.at.toISOString()
  const owner = await saveMember(tx, { ...to, role: 'owner', updatedAt })
  if (from !== to) await saveMember(tx, { ...from, role: 'admin', updatedAt })
  await settleOwner(act, owner.userId)
  await record(act, 'member.transfer_ownership', { from: from.userId, to: to.userId })
  return owner
}

async function requireActive(act: Act, userId: string): Promise<Member> {
  const member = await requireMember(act, userId)
  if (member.state === 'active') return member
  throw new TenantryError('MEMBER_STATE_CONFLICT', `Ownership moves between active members; one is ${member.state}.`)
}
