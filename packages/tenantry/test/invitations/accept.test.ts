// Accepting an invitation: what it makes, whom it refuses, and that nothing of it is ever half done.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createInvitations } from '../../src/features/invitations/create-invitations.ts'
import type { Invitations } from '../../src/features/invitations/invitation.ts'
import type { Sql } from '../../src/engine/sql/database.ts'
import { until } from '../harness/wait.ts'
import { openPeople, type People } from '../support/people.ts'

let people: People
let invitations: Invitations
let now = Date.now()
let acme: string
let count = 0

beforeAll(async () => {
  people = await openPeople()
  invitations = createInvitations({ database: people.admin, clock: { now: () => now } })
})
afterAll(() => people.close())
beforeEach(async () => {
  now = Date.now()
  acme = await people.tenant(`acme-${(count += 1)}`)
  await people.member(acme, 'olga', { role: 'owner' })
  await people.member(acme, 'adam', { role: 'admin' })
})

const adam = { onBehalfOf: { userId: 'adam' } }
const ada = { userId: 'ada', email: 'ada@example.com', emailVerified: true }
const invite = (role = 'member', act: Parameters<Invitations['create']>[2] = adam) =>
  invitations.create(acme, { email: ada.email, role }, act)

const memberRow = async (userId = 'ada') => {
  const { rows } = await people.admin.query<{ role: string; state: string; invited_by: string | null; email: string }>(
    'select role, state, invited_by, email from tenantry.member where tenant_id = $1 and user_id = $2',
    [acme, userId],
  )
  return rows[0]
}

/** Nothing has changed: the invitation is as it was, there is no such member, and nothing was told. */
async function expectUntouched(id: string, state = 'pending'): Promise<void> {
  expect((await invitations.get(acme, id)).state).toBe(state)
  expect(await memberRow()).toBeUndefined()
  expect(await people.events(acme)).not.toContain('invitation.accepted')
  expect(await people.audit(acme)).not.toContain('invitation.accept')
}

describe('accepting', () => {
  test('makes an active member with the role, and says so in one event and one audit entry', async () => {
    const { id, token } = await invite('admin')
    const accepted = await invitations.accept(token, { ...ada, email: 'ADA@Example.com' })
    expect(accepted).toMatchObject({
      ...{ tenantId: acme, userId: 'ada', role: 'admin' },
      invitation: { id, state: 'accepted', acceptedBy: 'ada', acceptedAt: new Date(now).toISOString() },
    })
    expect(await memberRow()).toEqual({ role: 'admin', state: 'active', invited_by: 'adam', email: ada.email })
    expect(await people.events(acme)).toEqual(['invitation.created', 'invitation.accepted'])
    expect(await people.audit(acme)).toEqual(['invitation.create', 'invitation.accept'])
  })

  test.each(['revoked', 'invited'])('brings one who was %s before back', async (state) => {
    await people.member(acme, 'ada', { role: 'guest', state })
    now += 1000
    const { token } = await invite()
    await invitations.accept(token, ada)
    expect(await memberRow()).toMatchObject({ role: 'member', state: 'active' })
  })

  test('a member with the very role changes nothing but the invitation', async () => {
    await people.member(acme, 'ada', { role: 'member' })
    const { id, token } = await invite()
    await invitations.accept(token, ada)
    expect((await invitations.get(acme, id)).state).toBe('accepted')
    expect(await memberRow()).toMatchObject({ role: 'member', invited_by: null })
  })
})

describe('an acceptance is refused', () => {
  test('the second time', async () => {
    const { token } = await invite()
    await invitations.accept(token, ada)
    for (const user of [ada, { ...ada, userId: 'eve' }]) {
      await expect(invitations.accept(token, user)).rejects.toMatchObject({ code: 'INVITATION_USED' })
    }
    expect(await memberRow('eve')).toBeUndefined()
  })

  test.each([
    ['another address', { email: 'eve@example.com', emailVerified: true }],
    ['an address that is not verified', { email: ada.email, emailVerified: false }],
    ['an address of which nobody said whether it is', { email: ada.email }],
    ['no address', { emailVerified: true }],
    ['an address that only looks the same', { email: 'ad\u0430@example.com', emailVerified: true }],
    ['an address that becomes the same in lower case only', { email: '\u212Aim@example.com', emailVerified: true }],
  ])(
    'by %s, which learns nothing of the tenant',
    async (_what, claims: { email?: string; emailVerified?: boolean }) => {
      const email = claims.email?.startsWith('\u212A') === true ? 'kim@example.com' : ada.email
      const { id, token } = await invitations.create(acme, { email }, adam)
      await people.tenantry.tenants.suspend({ id: acme })
      await expect(invitations.accept(token, { userId: 'ada', ...claims })).rejects.toMatchObject({
        code: 'INVITATION_EMAIL_MISMATCH',
        message: expect.not.stringContaining('acme') as string,
      })
      await expectUntouched(id)
    },
  )

  test('after its revocation', async () => {
    const { id, token } = await invite()
    await invitations.revoke(acme, id)
    await expect(invitations.accept(token, ada)).rejects.toMatchObject({ code: 'INVITATION_REVOKED' })
    await expectUntouched(id, 'revoked')
  })

  test('from the second at which it expires', async () => {
    const { id, token, expiresAt } = await invite()
    now = Date.parse(expiresAt)
    await expect(invitations.accept(token, ada)).rejects.toMatchObject({ code: 'INVITATION_EXPIRED' })
    await expectUntouched(id, 'expired')
    now -= 1
    expect(await invitations.accept(token, ada)).toMatchObject({ userId: 'ada' })
  })

  test.each(['', 'x', 'A'.repeat(43), 'A'.repeat(44), "' or true --", null])('for the token %j', async (token) => {
    await expect(invitations.accept(token as string, ada)).rejects.toMatchObject({ code: 'INVITATION_NOT_FOUND' })
  })

  test('by a user without an id', async () => {
    const { id, token } = await invite()
    await expect(invitations.accept(token, { ...ada, userId: '' })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expectUntouched(id)
  })

  test.each([
    ['suspend', 'TENANT_SUSPENDED'],
    ['deactivate', 'TENANT_INACTIVE'],
  ] as const)('while the tenant is not active: %s', async (verb, code) => {
    const { id, token } = await invite()
    await people.tenantry.tenants[verb]({ id: acme })
    await expect(invitations.accept(token, ada)).rejects.toMatchObject({ code })
    await expectUntouched(id)
    await people.tenantry.tenants.activate({ id: acme })
    expect(await invitations.accept(token, ada)).toMatchObject({ userId: 'ada' })
  })

  test('of a suspended member, whom an invitation does not bring back', async () => {
    const { id, token } = await invite()
    await people.member(acme, 'ada', { state: 'suspended' })
    await expect(invitations.accept(token, ada)).rejects.toMatchObject({ code: 'MEMBER_STATE_CONFLICT' })
    expect(await memberRow()).toMatchObject({ state: 'suspended' })
    expect((await invitations.get(acme, id)).state).toBe('pending')
  })

  test('of one who was taken out after it was made, until it is sent again', async () => {
    const { id, token } = await invite()
    await people.member(acme, 'ada', { state: 'revoked' })
    await expect(invitations.accept(token, ada)).rejects.toMatchObject({ code: 'INVITATION_REVOKED' })
    expect(await memberRow()).toMatchObject({ state: 'revoked' })
    now = Date.now() + 1000
    expect(await invitations.accept((await invitations.resend(acme, id)).token, ada)).toMatchObject({ userId: 'ada' })
  })

  test.each([
    ['suspended', 'MEMBER_STATE_CONFLICT'],
    ['revoked', 'INVITATION_REVOKED'],
  ])('of somebody who is %s, under another account with the same address', async (state, code) => {
    const { id, token } = await invite()
    await people.member(acme, 'first-account', { state })
    await people.admin.query(
      `update tenantry.member set email = $2 where tenant_id = $1 and user_id = 'first-account'`,
      [acme, ada.email],
    )
    await expect(invitations.accept(token, ada)).rejects.toMatchObject({ code })
    await expectUntouched(id)
  })

  test('of a member with another role, who keeps the one that is there', async () => {
    await people.member(acme, 'ada', { role: 'guest' })
    const { token } = await invite()
    await expect(invitations.accept(token, ada)).rejects.toMatchObject({ code: 'MEMBER_EXISTS' })
    expect(await memberRow()).toMatchObject({ role: 'guest' })
  })

  describe('where the inviter can not give the role any more', () => {
    const refused = { code: 'RANK_TOO_LOW' }

    test.each([
      ['was demoted below it', { role: 'member' }],
      ['was demoted to a role that may not invite', { role: 'guest' }],
      ['was suspended', { role: 'admin', state: 'suspended' }],
      ['was revoked', { role: 'admin', state: 'revoked' }],
    ])('because they %s', async (_what, as) => {
      const { id, token } = await invite('admin')
      await people.member(acme, 'adam', as)
      await expect(invitations.accept(token, ada)).rejects.toMatchObject(refused)
      await expectUntouched(id)
      await people.member(acme, 'adam', { role: 'admin' })
      expect(await invitations.accept(token, ada)).toMatchObject({ role: 'admin' })
    })

    test('although what they gave is below the role they have now, which may not invite', async () => {
      const { id, token } = await invite('guest')
      await people.member(acme, 'adam', { role: 'member' })
      await expect(invitations.accept(token, ada)).rejects.toMatchObject(refused)
      await expectUntouched(id)
    })

    test('because the role has grown since', async () => {
      await people.admin.query(
        `insert into tenantry.role (tenant_id, name, rank, permissions) values ($1, 'desk', 30, '{tenants:read}')`,
        [acme],
      )
      const byKey = await invitations.create(
        acme,
        { email: 'kim@example.com', role: 'desk' },
        { onBehalfOf: { permissions: ['invitations:write', 'tenants:read'] } },
      )
      const { id, token } = await invite('desk')
      await people.admin.query(
        `update tenantry.role set permissions = '{tenants:read,invoices:write}' where tenant_id = $1`,
        [acme],
      )
      await expect(invitations.accept(token, ada)).rejects.toMatchObject(refused)
      const kim = { ...ada, email: 'kim@example.com' }
      await expect(invitations.accept(byKey.token, kim)).rejects.toMatchObject(refused)
      await expectUntouched(id)
    })

    test('until somebody who can sends it again', async () => {
      const { id, token } = await invite('admin')
      await people.member(acme, 'adam', { state: 'revoked' })
      await expect(invitations.accept(token, ada)).rejects.toMatchObject(refused)
      const again = await invitations.resend(acme, id, { onBehalfOf: { userId: 'olga' } })
      expect(again.invitedBy).toBe('olga')
      expect(await invitations.accept(again.token, ada)).toMatchObject({ role: 'admin' })
    })
  })

  test('where the role is gone', async () => {
    await people.admin.query(
      `insert into tenantry.role (tenant_id, name, rank, permissions) values ($1, 'desk', 30, '{tenants:read}')`,
      [acme],
    )
    const { id, token } = await invite('desk', {})
    await people.admin.query(`delete from tenantry.role where tenant_id = $1`, [acme])
    await expect(invitations.accept(token, ada)).rejects.toMatchObject({ code: 'ROLE_NOT_FOUND' })
    await expectUntouched(id)
  })
})

describe('the hook', () => {
  test('runs in the transaction that accepts, and sees the member', async () => {
    const { token } = await invite()
    let seen: unknown
    await invitations.accept(token, ada, {
      afterAccept: async (tx, { userId, tenantId }) => {
        seen = (
          await tx.query('select state from tenantry.member where tenant_id = $1 and user_id = $2', [tenantId, userId])
        ).rows
        expect(await memberRow()).toBeUndefined()
      },
    })
    expect(seen).toEqual([{ state: 'active' }])
  })

  test('undoes all where it throws, and its error comes back unchanged', async () => {
    const { id, token } = await invite()
    const refusal = new Error('the seats are taken')
    const afterAccept = () => Promise.reject(refusal)
    await expect(invitations.accept(token, ada, { afterAccept })).rejects.toBe(refusal)
    await expectUntouched(id)
    expect(await invitations.accept(token, ada)).toMatchObject({ userId: 'ada' })
  })

  test('whose connection dies before the commit leaves nothing behind', async () => {
    const { id, token } = await invite()
    const afterAccept = async (tx: Sql) => {
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
      await people.admin.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    }
    await expect(invitations.accept(token, ada, { afterAccept })).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    })
    await expectUntouched(id)
    expect(await invitations.accept(token, ada)).toMatchObject({ userId: 'ada' })
  })
})

describe('within a transaction of the caller', () => {
  const inCentral = <T>(run: (tx: Sql) => Promise<T>) =>
    people.tenantry.asCentral('sign-up', (central) => central.transaction(run))

  test('it is done when that is, and not before', async () => {
    const { token } = await invite()
    await inCentral(async (tx) => {
      await tx.query(`set local lock_timeout = '1234ms'`)
      await people.tenantry.invitations.accept(token, ada, { within: tx })
      expect(await memberRow()).toBeUndefined()
      expect((await tx.query('show lock_timeout')).rows).toEqual([{ lock_timeout: '1234ms' }])
    })
    expect(await memberRow()).toMatchObject({ state: 'active' })
  })

  test('it is undone with that', async () => {
    const { id, token } = await invite()
    const back = new Error('no')
    const undone = inCentral(async (tx) => {
      await invitations.accept(token, ada, { within: tx })
      throw back
    })
    await expect(undone).rejects.toBe(back)
    await expectUntouched(id)
  })

  test('a hook that throws undoes the acceptance, even where the caller goes on and commits', async () => {
    const { id, token } = await invite()
    const afterAccept = () => Promise.reject(new Error('no seat'))
    await inCentral(async (tx) => {
      await tx.query(`insert into tenantry.audit_entry (id, actor, action) values (gen_random_uuid(), 'test', 'kept')`)
      await expect(invitations.accept(token, ada, { within: tx, afterAccept })).rejects.toThrow('no seat')
    })
    expect(await people.audit(null)).toContain('kept')
    await expectUntouched(id)
  })

  test('what is no transaction is refused', async () => {
    const { id, token } = await invite()
    await expect(invitations.accept(token, ada, { within: people.admin })).rejects.toMatchObject({
      ...{ code: 'INVALID_INPUT', field: 'within' },
    })
    await expectUntouched(id)
  })
})

describe('two at once, on two connections', () => {
  /** Starts an acceptance that stops before its commit until it is let go. */
  function held(token: string, userId: string) {
    let reached = () => {}
    let release = () => {}
    const isThere = new Promise<void>((resolve) => (reached = resolve))
    const go = new Promise<void>((resolve) => (release = resolve))
    const afterAccept = async () => {
      reached()
      await go
    }
    const done = invitations.accept(token, { ...ada, userId }, { afterAccept })
    return { isThere, release, done }
  }

  const somebodyWaits = () =>
    until(async () => {
      const { rows } = await people.admin.query<{ waiting: number }>(
        `select count(*)::integer as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return (rows[0]?.waiting ?? 0) > 0
    })

  test('with the same token make one member and one event', async () => {
    const { token } = await invite()
    const first = held(token, 'ada')
    await first.isThere
    const second = invitations.accept(token, { ...ada, userId: 'eve' })
    await Promise.all([
      somebodyWaits().then(() => first.release()),
      expect(second).rejects.toMatchObject({ code: 'INVITATION_USED' }),
    ])
    expect(await first.done).toMatchObject({ userId: 'ada' })
    expect(await memberRow('eve')).toBeUndefined()
    expect((await people.events(acme)).filter((type) => type === 'invitation.accepted')).toHaveLength(1)
  })

  test('an acceptance and the revocation of the invitation end in one of the two', async () => {
    const { id, token } = await invite()
    const first = held(token, 'ada')
    await first.isThere
    const revoked = invitations.revoke(acme, id)
    await Promise.all([
      somebodyWaits().then(() => first.release()),
      expect(revoked).rejects.toMatchObject({ code: 'INVITATION_USED' }),
    ])
    expect(await first.done).toMatchObject({ invitation: { state: 'accepted' } })
  })

  test('many with the same token make one member', async () => {
    const { token } = await invite()
    const users = Array.from({ length: 8 }, (_, index) => `user-${index}`)
    const results = await Promise.allSettled(users.map((userId) => invitations.accept(token, { ...ada, userId })))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const { rows } = await people.admin.query(
      `select from tenantry.member where tenant_id = $1 and user_id like 'user-%'`,
      [acme],
    )
    expect(rows).toHaveLength(1)
  })
})
