import { expect, test } from 'vitest'
import { type MemberState, memberStates } from './member.ts'
import { decideMember, memberStartsFrom, type MemberVerb, stateAfter } from './member-states.ts'

const states: readonly (MemberState | null)[] = [null, ...memberStates]

// In the order none, invited, active, suspended, revoked: c(hange), r(epeat), - refused.
const decisions: Readonly<Record<MemberVerb, string>> = {
  add: 'ccr-c',
  invite: 'cr--c',
  accept: '-cr--',
  suspend: '--cr-',
  activate: '--rc-',
  revoke: '-cccr',
  update: '-ccc-',
}

test.each(Object.entries(decisions))(
  '%s starts from the states it names, and repeats where it was done',
  (verb, row) => {
    const letters = states.map((state) => {
      const decision = decideMember(verb as MemberVerb, state)
      return decision === 'refuse' ? '-' : decision.charAt(0)
    })
    expect(letters.join('')).toBe(row)
    const from = states.filter((state, at) => state !== null && row.charAt(at) === 'c')
    expect(memberStartsFrom(verb as MemberVerb)).toEqual(from)
  },
)

const times = { invitedAt: '1', joinedAt: '2', suspendedAt: '3', revokedAt: null }

test('a verb writes when it was, and leaves the other times as they are', () => {
  expect(stateAfter('suspend', { ...times, suspendedAt: null, state: 'active' }, '9')).toEqual({
    ...{ ...times, suspendedAt: '9', state: 'suspended' },
  })
  expect(stateAfter('activate', { ...times, state: 'suspended' }, '9')).toEqual({
    ...{ ...times, suspendedAt: null, state: 'active' },
  })
  expect(stateAfter('revoke', { ...times, state: 'suspended' }, '9')).toEqual({
    ...{ ...times, revokedAt: '9', state: 'revoked' },
  })
  expect(stateAfter('update', { ...times, state: 'suspended' }, '9')).toEqual({ ...times, state: 'suspended' })
})

test('whoever comes back after a revocation begins anew', () => {
  const before = { ...times, revokedAt: '4', state: 'revoked' } as const
  const never = { invitedAt: null, joinedAt: null, suspendedAt: null, revokedAt: null }
  expect(stateAfter('invite', before, '9')).toEqual({ ...never, invitedAt: '9', state: 'invited' })
  expect(stateAfter('add', before, '9')).toEqual({ ...never, joinedAt: '9', state: 'active' })
})
