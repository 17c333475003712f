// `tenantry.members`: puts the verbs together.
import { readMembership } from '../../tenants/authority.ts'
import { getTenant } from '../../tenants/registry.ts'
import type { TenantRef } from '../../tenants/tenant.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { acceptMember, addMember, moveMember, revokeMember, updateMember } from './change-member.ts'
import type { Member, MemberActOptions, Members } from './member.ts'
import { type Act, inAct, type MembersOptions } from './member-act.ts'
import { checkAdd, checkChange, checkOwner, checkTransfer, checkUserId } from './member-input.ts'
import { findMember, listMembers } from './member-store.ts'
import { bootstrapOwner, transferOwnership } from './owners.ts'
import { tenantsOfUser } from './user-tenants.ts'

/**
 * The members of an instance's tenants, over its control plane's database.
 *
 * @example
 * ```ts
 * const members = createMembers({ database, clock: systemClock })
 * await members.add('acme', { userId: 'user-42', role: 'admin' })
 * ```
 */
export function createMembers(options: MembersOptions): Members {
  const { database } = options
  const idOf = async (ref: TenantRef) => (await getTenant(database, ref)).id
  const act = <T>(ref: TenantRef, given: MemberActOptions | undefined, run: (act: Act) => Promise<T>) =>
    inAct(options, ref, { options: given, needed: 'members:write', run })
  // An act that no permission opens: it looks for itself who may.
  const open = <T>(ref: TenantRef, given: MemberActOptions | undefined, run: (act: Act) => Promise<T>) =>
    inAct(options, ref, { options: given, needed: null, run })

  return {
    add: async (ref, input, given) => {
      const checked = checkAdd(input)
      return act(ref, given, (running) => addMember(running, 'add', checked))
    },
    invite: async (ref, input, given) => {
      const checked = checkAdd(input)
      return act(ref, given, (running) => addMember(running, 'invite', checked))
    },
    accept: async (ref, userId, given) => open(ref, given, (running) => acceptMember(running, checkUserId(userId))),
    get: async (ref, userId) => (await findMember(database, await idOf(ref), checkUserId(userId))) ?? missing(),
    list: async (ref, query = {}) => listMembers(database, await idOf(ref), query),
    update: async (ref, userId, ...[change, given]) => {
      const checked = checkChange(change)
      return act(ref, given, (running) => updateMember(running, checkUserId(userId), checked))
    },
    suspend: async (ref, userId, given) =>
      act(ref, given, (running) => moveMember(running, 'suspend', checkUserId(userId))),
    activate: async (ref, userId, given) =>
      act(ref, given, (running) => moveMember(running, 'activate', checkUserId(userId))),
    revoke: async (ref, userId, given) => open(ref, given, (running) => revokeMember(running, checkUserId(userId))),
    transferOwnership: async (ref, input, given) => {
      const checked = checkTransfer(input)
      return act(ref, given, (running) => transferOwnership(running, checked))
    },
    bootstrapOwner: async (ref, input, given) => {
      const checked = checkOwner(input)
      return open(ref, given, (running) => bootstrapOwner(running, checked))
    },
    membership: async (ref, userId) => readMembership(database, await idOf(ref), checkUserId(userId)),
    tenantsOf: async (userId, query = {}) => tenantsOfUser(database, checkUserId(userId), query),
  }
}

function missing(): Member {
  throw new TenantryError('MEMBER_NOT_FOUND', 'The tenant has no member of this user id.')
}
