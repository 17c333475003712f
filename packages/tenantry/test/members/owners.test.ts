// Owners: named with the tenant, the first to ask, handed over, and never none, whoever acts at the same time.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client } from '../../src/engine/sql/pg.ts'
import { sqlStateOf } from '../../src/engine/sql/database-errors.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'
import { until } from '../harness/wait.ts'
import { openMembersFixture, type MembersFixture } from './fixture.ts'

let fixture: MembersFixture

beforeAll(async () => {
  fixture = await openMembersFixture()
})
afterAll(() => fixture.close())

const ownersOf = async ({ slug }: Tenant) =>
  (await fixture.members.list(slug, { role: 'owner', state: 'active' })).items.map(({ userId }) => userId)

const primaryOf = async ({ slug }: Tenant) => (await fixture.tenants.get(slug)).ownerUserId

const outcomes = async (acts: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(acts))
    .map((act) => (act.status === 'fulfilled' ? 'done' : (act.reason as { code: string }).code))
    .sort()

describe('the owner that a tenant names', () => {
  test('becomes one with the tenant, and with a change of it', async () => {
    const { tenants, newTenant, eventsOf } = fixture
    const tenant = await newTenant({ ownerUserId: 'ann' })
    expect(await ownersOf(tenant)).toEqual(['ann'])
    expect(await eventsOf(tenant)).toEqual(['tenant.created', 'member.added'])
    await tenants.update(tenant.slug, { ownerUserId: 'bob' })
    expect(await ownersOf(tenant)).toEqual(['ann', 'bob'])
    expect(await primaryOf(tenant)).toBe('bob')
    await tenants.update(tenant.slug, { ownerUserId: 'bob' })
    expect((await eventsOf(tenant)).slice(2)).toEqual(['tenant.updated', 'member.added'])
  })

  test('is not made of a suspended member, and nothing of the change stays', async () => {
    const { tenants, members, newTenant } = fixture
    const tenant = await newTenant()
    await members.add(tenant.slug, { userId: 'bob' })
    await members.suspend(tenant.slug, 'bob')
    const refused = tenants.update(tenant.slug, { ownerUserId: 'bob', name: 'Other' })
    await expect(refused).rejects.toMatchObject({ code: 'MEMBER_STATE_CONFLICT' })
    expect(await tenants.get(tenant.slug)).toMatchObject({ ownerUserId: 'owner', name: tenant.name })
  })

  test('goes with a creation that is undone', async () => {
    const failing = { name: 'failing', provision: () => Promise.reject(new Error('no')) }
    const { membersParticipant } = await import('../../src/features/members/members-participant.ts')
    const { createTenants } = await import('../../src/tenants/create-tenants.ts')
    const { tenantsOptions } = await import('../harness/tenants-options.ts')
    const options = tenantsOptions(fixture.admin, fixture.instance)
    const tenants = createTenants({ ...options, participants: [membersParticipant(options), failing] })
    const made = tenants.create({ name: 'Undone', slug: 'undone', ownerUserId: 'una' })
    await expect(made).rejects.toMatchObject({ code: 'PROVISION_FAILED' })
    const { rows } = await fixture.admin.query("select from tenantry.member where user_id = 'una'")
    expect(rows).toEqual([])
  })

  test('is the first one to own a tenant that named nobody', async () => {
    const tenant = await fixture.newTenant({ ownerUserId: null })
    await fixture.members.add(tenant.slug, { userId: 'ann', role: 'owner' })
    expect(await primaryOf(tenant)).toBe('ann')
  })

  test.each(['revoke', 'suspend', 'demote'] as const)('moves on with the first other one at a %s', async (verb) => {
    const { members, newTenant, eventsOf } = fixture
    const tenant = await newTenant()
    for (const userId of ['ann', 'bob']) await members.add(tenant.slug, { userId, role: 'owner' })
    if (verb === 'demote') await members.update(tenant.slug, 'owner', { role: 'member' })
    else await members[verb](tenant.slug, 'owner')
    expect(await primaryOf(tenant)).toBe('ann')
    expect((await eventsOf(tenant)).slice(-2)).toContain('tenant.updated')
  })
})

describe('the first owner', () => {
  test('is one of two who ask at once', async () => {
    const tenant = await fixture.newTenant({ ownerUserId: null })
    const ask = (userId: string) => fixture.members.bootstrapOwner(tenant.slug, { userId })
    expect(await outcomes([ask('ann'), ask('bob')])).toEqual(['OWNER_EXISTS', 'done'])
    const owners = await ownersOf(tenant)
    expect(owners).toHaveLength(1)
    expect(await primaryOf(tenant)).toBe(owners[0])
    // Whoever won may ask again.
    await expect(ask(owners[0] ?? '')).resolves.toMatchObject({ role: 'owner', state: 'active' })
  })

  test('may have been a member, and not a suspended one', async () => {
    const { members, newTenant } = fixture
    const { slug } = await newTenant({ ownerUserId: null })
    for (const userId of ['ann', 'bob']) await members.add(slug, { userId })
    await members.suspend(slug, 'bob')
    const bob = members.bootstrapOwner(slug, { userId: 'bob' })
    await expect(bob).rejects.toMatchObject({ code: 'MEMBER_STATE_CONFLICT' })
    expect(await members.bootstrapOwner(slug, { userId: 'ann' })).toMatchObject({ role: 'owner' })
  })
})

describe('ownership', () => {
  test('is handed over in one step, once', async () => {
    const { members, newTenant, eventsOf } = fixture
    const tenant = await newTenant()
    await members.add(tenant.slug, { userId: 'ann' })
    expect(await members.transferOwnership(tenant.slug, { to: 'ann' })).toMatchObject({ role: 'owner' })
    expect(await members.get(tenant.slug, 'owner')).toMatchObject({ role: 'admin', state: 'active' })
    expect(await primaryOf(tenant)).toBe('ann')
    const before = await eventsOf(tenant)
    expect(before.slice(-2).sort()).toEqual(['member.ownership_transferred', 'tenant.updated'])
    await members.transferOwnership(tenant.slug, { to: 'ann' })
    await members.transferOwnership(tenant.slug, { to: 'ann', from: 'owner' })
    expect(await eventsOf(tenant)).toEqual(before)
  })

  test('is handed to active members alone, by an active owner', async () => {
    const { members, newTenant } = fixture
    const { slug } = await newTenant()
    await members.invite(slug, { userId: 'ida' })
    await members.add(slug, { userId: 'ann' })
    const refused = async (input: { to: string; from?: string }, code: string) =>
      expect(members.transferOwnership(slug, input)).rejects.toMatchObject({ code })
    await refused({ to: 'nobody' }, 'MEMBER_NOT_FOUND')
    await refused({ to: 'ida' }, 'MEMBER_STATE_CONFLICT')
    await refused({ to: 'ann', from: 'ida' }, 'MEMBER_STATE_CONFLICT')
    await members.add(slug, { userId: 'bob' })
    await refused({ to: 'ann', from: 'bob' }, 'MEMBER_STATE_CONFLICT')
    const { slug: ownerless } = await newTenant({ ownerUserId: null })
    await expect(members.transferOwnership(ownerless, { to: 'ann' })).rejects.toMatchObject({
      ...{ code: 'INVALID_INPUT', field: 'from' },
    })
  })
})

describe('two at the same time', () => {
  test('owners who demote each other leave one, on each other’s behalf or centrally', async () => {
    const { members, newTenant } = fixture
    for (const onBehalf of [true, false]) {
      const tenant = await newTenant({ ownerUserId: 'ann' })
      await members.add(tenant.slug, { userId: 'bob', role: 'owner' })
      const demote = (actor: string, target: string) =>
        members.update(tenant.slug, target, { role: 'admin' }, onBehalf ? { onBehalfOf: { userId: actor } } : {})
      const loser = onBehalf ? 'RANK_TOO_LOW' : 'LAST_OWNER'
      expect(await outcomes([demote('ann', 'bob'), demote('bob', 'ann')])).toEqual([loser, 'done'])
      const [owner] = await ownersOf(tenant)
      expect(await primaryOf(tenant)).toBe(owner)
    }
  })

  test('owners who leave at once leave one behind', async () => {
    const { members, newTenant } = fixture
    const tenant = await newTenant({ ownerUserId: 'ann' })
    await members.add(tenant.slug, { userId: 'bob', role: 'owner' })
    const leave = (userId: string) => members.revoke(tenant.slug, userId, { onBehalfOf: { userId } })
    expect(await outcomes([leave('ann'), leave('bob')])).toEqual(['LAST_OWNER', 'done'])
    expect(await ownersOf(tenant)).toHaveLength(1)
  })

  // The constraint of the database, for whatever does not come by the verbs.
  test('statements over two connections that would remove both owners: the database refuses the second', async () => {
    const { members, newTenant, admin, url } = fixture
    const tenant = await newTenant({ ownerUserId: 'ann' })
    await members.add(tenant.slug, { userId: 'bob', role: 'owner' })
    const other = new Client({ connectionString: url })
    await other.connect()
    try {
      const demote = "update tenantry.member set role = 'admin' where tenant_id = $1 and user_id = $2"
      await other.query('begin')
      await other.query(demote, [tenant.id, 'bob'])
      await other.query('set constraints all immediate')
      const second = outcomes([admin.transaction((tx) => tx.query(demote, [tenant.id, 'ann']))])
      await until(async () => {
        const { rows } = await other.query<{ waits: boolean }>(
          `select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') as waits`,
        )
        return rows[0]?.waits === true
      })
      await other.query('commit')
      expect(await second).toEqual(['LAST_OWNER'])
      expect(await ownersOf(tenant)).toEqual(['ann'])
    } finally {
      await other.end()
    }
  })

  test.each([
    ['deletes', 'delete from tenantry.member where tenant_id = $1'],
    ['suspends', "update tenantry.member set state = 'suspended' where tenant_id = $1"],
  ])('a statement that %s the last owner is refused by its state', async (_what, text) => {
    const tenant = await fixture.newTenant()
    const failure: unknown = await fixture.admin.query(text, [tenant.id]).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'LAST_OWNER' })
    expect(sqlStateOf(failure)).toBe('TN020')
  })

  test('a hand-over may demote first', async () => {
    const { newTenant, admin } = fixture
    const tenant = await newTenant()
    await admin.transaction(async (tx) => {
      await tx.query("update tenantry.member set role = 'admin' where tenant_id = $1", [tenant.id])
      await tx.query(
        "insert into tenantry.member (tenant_id, user_id, role, state) values ($1, 'next', 'owner', 'active')",
        [tenant.id],
      )
    })
    expect(await ownersOf(tenant)).toEqual(['next'])
  })
})
