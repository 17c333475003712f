// The states of a member, without any SQL: what a verb does to somebody in a given state. Null: nobody has been there.
import type { MemberState } from './member.ts'

export type MemberVerb = 'add' | 'invite' | 'accept' | 'suspend' | 'activate' | 'revoke' | 'update'

/** `repeat`: the verb has already taken effect. `refuse`: it does not start from here. */
export type MemberDecision = 'change' | 'repeat' | 'refuse'

interface VerbRule {
  readonly from: readonly (MemberState | null)[]
  readonly done: readonly MemberState[]
  /** The state it leads to; undefined where it leaves the state as it is. */
  readonly to?: MemberState
}

const rules: Readonly<Record<MemberVerb, VerbRule>> = {
  add: { from: [null, 'invited', 'revoked'], done: ['active'], to: 'active' },
  invite: { from: [null, 'revoked'], done: ['invited'], to: 'invited' },
  accept: { from: ['invited'], done: ['active'], to: 'active' },
  suspend: { from: ['active'], done: ['suspended'], to: 'suspended' },
  activate: { from: ['suspended'], done: ['active'], to: 'active' },
  revoke: { from: ['invited', 'active', 'suspended'], done: ['revoked'], to: 'revoked' },
  update: { from: ['invited', 'active', 'suspended'], done: [] },
}

/** What the verb does to a member in this state. */
export function decideMember(verb: MemberVerb, state: MemberState | null): MemberDecision {
  const rule = rules[verb]
  if (rule.from.includes(state)) return 'change'
  return state !== null && rule.done.includes(state) ? 'repeat' : 'refuse'
}

/** The states a verb starts from, for messages. */
export function memberStartsFrom(verb: MemberVerb): readonly MemberState[] {
  return rules[verb].from.filter((state) => state !== null)
}

/** When what happened to a member. */
export interface MemberTimes {
  readonly invitedAt: string | null
  readonly joinedAt: string | null
  readonly suspendedAt: string | null
  readonly revokedAt: string | null
}

const never: MemberTimes = { invitedAt: null, joinedAt: null, suspendedAt: null, revokedAt: null }

/** The state after a verb, and its times. Whoever comes back after a revocation begins anew. */
export function stateAfter(
  verb: MemberVerb,
  before: (MemberTimes & { readonly state: MemberState }) | null,
  at: string,
): MemberTimes & { readonly state: MemberState } {
  const times = before === null || before.state === 'revoked' ? never : timesOf(before)
  const state = rules[verb].to ?? before?.state ?? 'active'
  const changes: Readonly<Record<MemberVerb, Partial<MemberTimes>>> = {
    add: { joinedAt: at },
    invite: { invitedAt: at },
    accept: { joinedAt: at },
    suspend: { suspendedAt: at },
    activate: { suspendedAt: null },
    revoke: { revokedAt: at },
    update: {},
  }
  return { ...times, ...changes[verb], state }
}

function timesOf({ invitedAt, joinedAt, suspendedAt, revokedAt }: MemberTimes): MemberTimes {
  return { invitedAt, joinedAt, suspendedAt, revokedAt }
}
