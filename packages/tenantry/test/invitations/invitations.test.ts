// Invitations as they are made, sent again and taken back, and what is stored of them.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createInvitations } from '../../src/features/invitations/create-invitations.ts'
import type { Invitations } from '../../src/features/invitations/invitation.ts'
import { openPeople, type People } from '../support/people.ts'

const DAY_MS = 24 * 60 * 60 * 1000

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

describe('an invitation', () => {
  test('is for a lower-cased address and 7 days, with a token that is stored as its hash only', async () => {
    const { token, ...invitation } = await invitations.create(acme, { email: 'Ada@Example.COM' }, adam)
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(Buffer.from(token, 'base64url')).toHaveLength(32)
    expect(invitation).toMatchObject({
      ...{ tenantId: acme, email: 'ada@example.com', role: 'member', state: 'pending', invitedBy: 'adam' },
      ...{ acceptedAt: null, revokedAt: null, metadata: {} },
      expiresAt: new Date(now + 7 * DAY_MS).toISOString(),
    })
    expect(await invitations.get(acme, invitation.id)).toEqual(invitation)
    const { rows } = await people.admin.query<{ whole: string; token_hash: Buffer }>(
      'select i::text as whole, i.token_hash from tenantry.invitation i where id = $1',
      [invitation.id],
    )
    expect(rows[0]?.token_hash).toEqual(createHash('sha256').update(token).digest())
    expect(rows[0]?.whole).not.toContain(token)
  })

  test('says in its event and audit entry who and which role, but no address and no token', async () => {
    const { id, token } = await invitations.create(acme, { email: 'ada@example.com' }, { ...adam, actor: 'http:k' })
    const { rows } = await people.admin.query<{ text: string }>(
      `select e.payload::text as text from tenantry.event e where tenant_id = $1 and type like 'invitation.%'
       union all select a.detail::text from tenantry.audit_entry a where tenant_id = $1 and actor = 'http:k'`,
      [acme],
    )
    expect(rows).toHaveLength(2)
    for (const { text } of rows) {
      expect(text).toContain(id)
      expect(text).not.toContain('example.com')
      expect(text).not.toContain(token)
    }
  })

  test('replaces the pending one of the same address, whose link is void', async () => {
    const first = await invitations.create(acme, { email: 'ada@example.com' })
    const second = await invitations.create(acme, { email: 'ADA@example.com', role: 'guest' })
    expect((await invitations.get(acme, first.id)).state).toBe('revoked')
    const guest = { userId: 'ada', email: 'ada@example.com', emailVerified: true }
    await expect(invitations.accept(first.token, guest)).rejects.toMatchObject({ code: 'INVITATION_REVOKED' })
    expect(await invitations.accept(second.token, guest)).toMatchObject({ role: 'guest' })
  })

  test('is one of two that are made at once: the other is revoked', async () => {
    await Promise.all([1, 2, 3].map(() => invitations.create(acme, { email: 'ada@example.com' })))
    const { items } = await invitations.list(acme)
    expect(items.map(({ state }) => state).sort()).toEqual(['pending', 'revoked', 'revoked'])
  })

  const bad: readonly (readonly [string, unknown, string])[] = [
    ['no address', {}, 'INVALID_INPUT'],
    ['what is no address', { email: 'ada' }, 'INVALID_INPUT'],
    ['two addresses', { email: 'a@b, c@d' }, 'INVALID_INPUT'],
    [
      'an address with a Kelvin sign, whose lower case is another one',
      { email: '\u212Aim@example.com' },
      'INVALID_INPUT',
    ],
    ['a term of 90 days and a second', { email: 'a@b', ttlSeconds: 90 * 86_400 + 1 }, 'INVALID_INPUT'],
    ['a term of nothing', { email: 'a@b', ttlSeconds: 0 }, 'INVALID_INPUT'],
    ['an unknown field', { email: 'a@b', token: 'x' }, 'UNKNOWN_FIELD'],
    ['a role that the tenant does not have', { email: 'a@b', role: 'captain' }, 'ROLE_NOT_FOUND'],
    ["a support access's role", { email: 'a@b', role: 'support' }, 'ROLE_NOT_FOUND'],
  ]
  test.each(bad)('is refused with %s', async (_what, input, code) => {
    await expect(invitations.create(acme, input as { email: string })).rejects.toMatchObject({ code })
  })

  test('lives for 90 days at most', async () => {
    const { expiresAt } = await invitations.create(acme, { email: 'a@b', ttlSeconds: 90 * 86_400 })
    expect(Date.parse(expiresAt)).toBe(now + 90 * DAY_MS)
  })

  test('is not made in a tenant that may not be entered', async () => {
    await people.tenantry.tenants.suspend({ id: acme })
    await expect(invitations.create(acme, { email: 'a@b' })).rejects.toMatchObject({ code: 'TENANT_SUSPENDED' })
  })
})

describe('who invites', () => {
  const invite = (role: string, onBehalfOf: Parameters<Invitations['create']>[2]) =>
    invitations.create(acme, { email: 'ada@example.com', role }, onBehalfOf)

  test('gives their own role at most', async () => {
    await expect(invite('owner', adam)).rejects.toMatchObject({ code: 'RANK_TOO_LOW' })
    expect(await invite('admin', adam)).toMatchObject({ role: 'admin' })
    expect(await invite('owner', { onBehalfOf: { userId: 'olga' } })).toMatchObject({ role: 'owner' })
  })

  test('gives no permission that is not theirs, however low the role ranks', async () => {
    await people.admin.query(
      `insert into tenantry.role (tenant_id, name, rank, permissions) values ($1, 'billing', 1, '{invoices:write}')`,
      [acme],
    )
    await expect(invite('billing', adam)).rejects.toMatchObject({ code: 'RANK_TOO_LOW' })
    expect(await invite('billing', { onBehalfOf: { userId: 'olga' } })).toMatchObject({ role: 'billing' })
  })

  test('must be an active member whose role may invite', async () => {
    await people.member(acme, 'mary')
    await people.member(acme, 'sue', { role: 'admin', state: 'suspended' })
    await expect(invite('guest', { onBehalfOf: { userId: 'mary' } })).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
    })
    for (const userId of ['sue', 'stranger']) {
      await expect(invite('guest', { onBehalfOf: { userId } })).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    }
  })

  test('may be a key, which gives what it covers itself', async () => {
    const key = (...permissions: string[]) => ({ onBehalfOf: { permissions } })
    await expect(invite('guest', key('tenants:read'))).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    await expect(invite('member', key('invitations:write', 'tenants:read'))).rejects.toMatchObject({
      code: 'RANK_TOO_LOW',
    })
    expect(await invite('guest', key('invitations:write', 'tenants:read'))).toMatchObject({ invitedBy: null })
    expect(await invite('owner', key('*'))).toMatchObject({ role: 'owner' })
  })

  test('does not replace, send again or revoke an invitation to a role above their own', async () => {
    const { id } = await invite('owner', { onBehalfOf: { userId: 'olga' } })
    await expect(invite('guest', adam)).rejects.toMatchObject({ code: 'RANK_TOO_LOW' })
    await expect(invitations.resend(acme, id, adam)).rejects.toMatchObject({ code: 'RANK_TOO_LOW' })
    await expect(invitations.revoke(acme, id, adam)).rejects.toMatchObject({ code: 'RANK_TOO_LOW' })
    expect((await invitations.get(acme, id)).state).toBe('pending')
  })
})

describe('sending again', () => {
  test('makes a new token and a new term of the same length, also for one that has expired', async () => {
    const first = await invitations.create(acme, { email: 'a@b', ttlSeconds: 60 })
    now += 61_000
    expect((await invitations.get(acme, first.id)).state).toBe('expired')
    const again = await invitations.resend(acme, first.id)
    expect(again).toMatchObject({ id: first.id, state: 'pending', expiresAt: new Date(now + 60_000).toISOString() })
    const guest = { userId: 'ada', email: 'a@b', emailVerified: true }
    await expect(invitations.accept(first.token, guest)).rejects.toMatchObject({ code: 'INVITATION_NOT_FOUND' })
    expect(await invitations.accept(again.token, guest)).toMatchObject({ userId: 'ada' })
    await expect(invitations.resend(acme, first.id)).rejects.toMatchObject({ code: 'INVITATION_USED' })
  })

  test('does not bring a revoked one back', async () => {
    const { id } = await invitations.create(acme, { email: 'a@b' })
    await invitations.revoke(acme, id)
    await expect(invitations.resend(acme, id)).rejects.toMatchObject({ code: 'INVITATION_REVOKED' })
  })
})

test('revoking twice is once; revoking what was accepted is refused', async () => {
  const first = await invitations.create(acme, { email: 'a@b' })
  const revoked = await invitations.revoke(acme, first.id, adam)
  expect(revoked).toMatchObject({ state: 'revoked', revokedAt: new Date(now).toISOString() })
  expect(await invitations.revoke(acme, first.id, adam)).toEqual(revoked)
  expect(await people.events(acme)).toEqual(['invitation.created', 'invitation.revoked'])
  const second = await invitations.create(acme, { email: 'a@b' })
  await invitations.accept(second.token, { userId: 'ada', email: 'a@b', emailVerified: true })
  await expect(invitations.revoke(acme, second.id)).rejects.toMatchObject({ code: 'INVITATION_USED' })
})

test('invitations are listed newest first, by state and part of the address, page by page', async () => {
  for (const email of ['one@x.org', 'two@x.org', 'three@y.org']) await invitations.create(acme, { email })
  const [newest] = (await invitations.list(acme, { limit: 1 })).items
  expect(newest?.email).toBe('three@y.org')
  const first = await invitations.list(acme, { search: 'X.ORG', limit: 1 })
  expect(first).toMatchObject({ items: [{ email: 'two@x.org' }], total: 2 })
  expect(await invitations.list(acme, { search: 'x.org', limit: 1, cursor: first.nextCursor ?? '' })).toMatchObject({
    ...{ items: [{ email: 'one@x.org' }], nextCursor: null },
  })
  now += 8 * DAY_MS
  await invitations.create(acme, { email: 'late@x.org' })
  expect(await invitations.list(acme, { state: 'expired' })).toMatchObject({ total: 3 })
  expect(await invitations.list(acme, { state: 'pending' })).toMatchObject({ items: [{ email: 'late@x.org' }] })
  await expect(invitations.list(acme, { state: 'void' as 'pending' })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
})

test('an invitation is not found in another tenant', async () => {
  const globex = await people.tenant(`globex-${count}`)
  const { id } = await invitations.create(acme, { email: 'a@b' })
  for (const verb of ['get', 'revoke', 'resend'] as const) {
    await expect(invitations[verb](globex, id)).rejects.toMatchObject({ code: 'INVITATION_NOT_FOUND' })
  }
  await expect(invitations.get(acme, 'x')).rejects.toMatchObject({ code: 'INVITATION_NOT_FOUND' })
})

test('a deleted tenant has no pending invitation, a purged one none at all', async () => {
  const { tenants } = people.tenantry
  const { id, token } = await invitations.create(acme, { email: 'a@b' })
  await tenants.delete({ id: acme })
  expect((await invitations.get(acme, id)).state).toBe('revoked')
  await tenants.restore({ id: acme })
  const guest = { userId: 'ada', email: 'a@b', emailVerified: true }
  await expect(invitations.accept(token, guest)).rejects.toMatchObject({ code: 'INVITATION_REVOKED' })
  await tenants.delete({ id: acme })
  await tenants.purge({ id: acme }, { confirm: `acme-${count}` })
  const { rows } = await people.admin.query('select from tenantry.invitation where tenant_id = $1', [acme])
  expect(rows).toEqual([])
  await expect(invitations.accept(token, guest)).rejects.toMatchObject({ code: 'INVITATION_NOT_FOUND' })
})
