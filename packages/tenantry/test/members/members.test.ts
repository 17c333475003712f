// The verbs on members: what each does, what repeating it does, and what it writes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openMembersFixture, type MembersFixture } from './fixture.ts'

let fixture: MembersFixture

beforeAll(async () => {
  fixture = await openMembersFixture()
})
afterAll(() => fixture.close())

describe('a member', () => {
  test('is added, found, suspended, activated, revoked and added again, each once on record', async () => {
    const { members, newTenant, eventsOf, admin } = fixture
    const tenant = await newTenant({ ownerUserId: null })
    const given = { userId: 'ann', email: 'Ann@Example.com', role: 'admin', metadata: { desk: 3 } }
    const added = await members.add(tenant.slug, given)
    expect(added).toMatchObject({ ...given, email: 'ann@example.com', tenantId: tenant.id, state: 'active' })
    expect(added.joinedAt).not.toBeNull()
    expect(await members.add(tenant.slug, given)).toEqual(added)
    expect(await members.get({ id: tenant.id }, 'ann')).toEqual(added)
    const suspended = await members.suspend(tenant.slug, 'ann')
    expect(suspended.state).toBe('suspended')
    expect(await members.suspend(tenant.slug, 'ann')).toEqual(suspended)
    expect(await members.membership(tenant.slug, 'ann')).toBeNull()
    expect(await members.activate(tenant.slug, 'ann')).toMatchObject({ state: 'active', suspendedAt: null })
    expect(await members.activate(tenant.slug, 'ann')).toMatchObject({ state: 'active' })
    expect(await members.membership(tenant.slug, 'ann')).toMatchObject({ role: 'admin', rank: 80, source: 'member' })
    const revoked = await members.revoke(tenant.slug, 'ann', { actor: 'a test' })
    expect(revoked).toMatchObject({ state: 'revoked' })
    expect(await members.revoke(tenant.slug, 'ann')).toEqual(revoked)
    const back = await members.add(tenant.slug, { userId: 'ann' })
    expect(back).toMatchObject({ role: 'member', state: 'active', revokedAt: null, email: 'ann@example.com' })
    const verbs = ['added', 'suspended', 'activated', 'revoked', 'added']
    expect(await eventsOf(tenant)).toEqual(['tenant.created', ...verbs.map((verb) => `member.${verb}`)])
    const { rows } = await admin.query(
      "select actor, action, detail from tenantry.audit_entry where tenant_id = $1 and action = 'member.revoke'",
      [tenant.id],
    )
    const detail = { userId: 'ann', role: 'admin', state: 'revoked' }
    expect(rows).toEqual([{ actor: 'a test', action: 'member.revoke', detail }])
  })

  test('is invited, accepts, or is invited anew after a revocation', async () => {
    const { members, newTenant } = fixture
    const { slug } = await newTenant()
    const invited = await members.invite(slug, { userId: 'ida', role: 'guest' })
    expect(invited).toMatchObject({ state: 'invited', joinedAt: null })
    expect(await members.invite(slug, { userId: 'ida', role: 'guest' })).toEqual(invited)
    expect(await members.membership(slug, 'ida')).toBeNull()
    const joined = await members.accept(slug, 'ida')
    expect(joined).toMatchObject({ state: 'active', role: 'guest', invitedAt: invited.invitedAt })
    expect(await members.accept(slug, 'ida')).toEqual(joined)
    await members.revoke(slug, 'ida')
    expect(await members.invite(slug, { userId: 'ida' })).toMatchObject({ state: 'invited', joinedAt: null })
  })

  test.each([
    ['accepting what nobody offered', 'MEMBER_NOT_FOUND', ['accept', 'nobody']],
    ['accepting after a revocation', 'MEMBER_STATE_CONFLICT', ['accept', 'gone']],
    ['accepting while suspended', 'MEMBER_STATE_CONFLICT', ['accept', 'paused']],
    ['suspending whoever was only asked', 'MEMBER_STATE_CONFLICT', ['suspend', 'asked']],
    ['suspending a revoked one', 'MEMBER_STATE_CONFLICT', ['suspend', 'gone']],
    ['activating a revoked one', 'MEMBER_STATE_CONFLICT', ['activate', 'gone']],
    ['activating whoever was only asked', 'MEMBER_STATE_CONFLICT', ['activate', 'asked']],
    ['revoking a stranger', 'MEMBER_NOT_FOUND', ['revoke', 'nobody']],
    ['revoking the only owner', 'LAST_OWNER', ['revoke', 'owner']],
    ['suspending the only owner', 'LAST_OWNER', ['suspend', 'owner']],
  ] as const)('%s is %s', async (_what, code, [verb, userId]) => {
    const { members, newTenant, eventsOf } = fixture
    const tenant = await newTenant()
    await members.invite(tenant.slug, { userId: 'asked' })
    for (const each of ['gone', 'paused']) await members.add(tenant.slug, { userId: each })
    await members.revoke(tenant.slug, 'gone')
    await members.suspend(tenant.slug, 'paused')
    const before = await eventsOf(tenant)
    await expect(members[verb](tenant.slug, userId)).rejects.toMatchObject({ code })
    expect(await eventsOf(tenant)).toEqual(before)
  })

  test('who is there already is not added or invited with another role, nor past a suspension', async () => {
    const { members, newTenant } = fixture
    const { slug } = await newTenant()
    await members.add(slug, { userId: 'bob' })
    const exists = { code: 'MEMBER_EXISTS' }
    await expect(members.add(slug, { userId: 'bob', role: 'guest' })).rejects.toMatchObject(exists)
    await expect(members.invite(slug, { userId: 'bob' })).rejects.toMatchObject(exists)
    await members.invite(slug, { userId: 'ida' })
    await expect(members.invite(slug, { userId: 'ida', role: 'guest' })).rejects.toMatchObject(exists)
    await members.suspend(slug, 'bob')
    const paused = { code: 'MEMBER_STATE_CONFLICT' }
    await expect(members.add(slug, { userId: 'bob' })).rejects.toMatchObject(paused)
    await expect(members.invite(slug, { userId: 'bob' })).rejects.toMatchObject(paused)
    await members.revoke(slug, 'bob')
    await expect(members.update(slug, 'bob', { role: 'guest' })).rejects.toMatchObject(paused)
  })

  test('changes role, address and metadata; nothing of it again is no event', async () => {
    const { members, newTenant, eventsOf } = fixture
    const tenant = await newTenant()
    await members.add(tenant.slug, { userId: 'bob', email: 'bob@example.com' })
    const change = { role: 'guest', email: null, metadata: { a: 1 } }
    const changed = await members.update(tenant.slug, 'bob', change)
    expect(changed).toMatchObject({ ...change, state: 'active' })
    expect(await members.update(tenant.slug, 'bob', change)).toEqual(changed)
    expect((await eventsOf(tenant)).slice(-2)).toEqual(['member.added', 'member.updated'])
  })

  test.each([
    ['a blank user id', { userId: ' ' }, 'INVALID_INPUT'],
    ['an address that is none', { userId: 'x', email: 'nobody' }, 'INVALID_INPUT'],
    ['a field that is unknown', { userId: 'x', rank: 100 }, 'UNKNOWN_FIELD'],
    ['a role that is no name', { userId: 'x', role: 'Owner' }, 'INVALID_INPUT'],
    ['a role that does not exist', { userId: 'x', role: 'pirate' }, 'ROLE_NOT_FOUND'],
    ['the role of support accesses', { userId: 'x', role: 'support' }, 'ROLE_NOT_FOUND'],
  ])('with %s is refused', async (_what, input, code) => {
    const { members, newTenant } = fixture
    const { slug } = await newTenant()
    await expect(members.add(slug, input)).rejects.toMatchObject({ code })
    await expect(members.get(slug, 'x')).rejects.toMatchObject({ code: 'MEMBER_NOT_FOUND' })
  })

  test('of a tenant that does not exist, or is deleted, cannot be changed', async () => {
    const { members, tenants, newTenant } = fixture
    const { slug } = await newTenant()
    await tenants.delete(slug)
    await expect(members.add(slug, { userId: 'x' })).rejects.toMatchObject({ code: 'TENANT_DELETED' })
    await expect(members.add('nowhere', { userId: 'x' })).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
    await expect(members.list('nowhere')).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
  })
})

test('lists go by user id, in pages, and by state, role and search', async () => {
  const { members, newTenant } = fixture
  const { slug } = await newTenant()
  for (const userId of ['u5', 'u1', 'u3', 'u2', 'u4']) {
    await members.add(slug, { userId, email: `${userId}@mail.example`, role: userId === 'u3' ? 'guest' : 'member' })
  }
  await members.suspend(slug, 'u4')
  const first = await members.list(slug, { limit: 4 })
  expect(first).toMatchObject({ total: 6 })
  expect(first.items.map(({ userId }) => userId)).toEqual(['owner', 'u1', 'u2', 'u3'])
  const second = await members.list(slug, { limit: 4, cursor: first.nextCursor ?? '' })
  expect(second.items.map(({ userId }) => userId)).toEqual(['u4', 'u5'])
  expect(second.nextCursor).toBeNull()
  const found = async (query: Parameters<typeof members.list>[1]) =>
    (await members.list(slug, query)).items.map(({ userId }) => userId)
  expect(await found({ state: 'suspended' })).toEqual(['u4'])
  expect(await found({ role: 'guest' })).toEqual(['u3'])
  expect(await found({ search: 'U2@MAIL' })).toEqual(['u2'])
  expect(await found({ search: '%' })).toEqual([])
  const wrong = { state: 'there' as 'active' }
  await expect(members.list(slug, wrong)).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'state' })
  await expect(members.list(slug, { cursor: '!' })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'cursor' })
})

test('the tenants of a user are theirs by a row of their own, by an organization and by a team', async () => {
  const { members, newTenant, tenants, admin } = fixture
  const own = await newTenant()
  const byOrganization = await newTenant()
  const byTeam = await newTenant()
  const deleted = await newTenant()
  const left = await newTenant()
  const organization = '0190c0de-0000-7000-8000-000000000001'
  const team = '0190c0de-0000-7000-8000-000000000002'
  const owned = [own, byOrganization, byTeam].map(
    (tenant) => `('${tenant.id}', '${organization}',
    ${tenant === byOrganization ? "'member'" : 'null'})`,
  )
  await admin.query(`
    insert into tenantry.organization (id, slug, name) values ('${organization}', 'group', 'Group');
    insert into tenantry.organization_tenant (tenant_id, organization_id, member_role) values ${owned.join(', ')};
    insert into tenantry.organization_member (organization_id, user_id, role) values ('${organization}', 'ola', 'member');
    insert into tenantry.team (id, organization_id, slug, name) values ('${team}', '${organization}', 'staff', 'Staff');
    insert into tenantry.team_member values ('${organization}', '${team}', 'ola');
    insert into tenantry.team_role values ('${organization}', '${team}', '${byTeam.id}', 'admin')`)
  for (const tenant of [own, deleted, left]) await members.add(tenant.slug, { userId: 'ola', role: 'guest' })
  await tenants.delete(deleted.slug)
  await members.suspend(left.slug, 'ola')
  const { items, total } = await members.tenantsOf('ola')
  const expected = [
    { slug: own.slug, role: 'guest', source: 'member', status: 'active' },
    { slug: byOrganization.slug, role: 'member', source: 'organization', status: 'active' },
    { slug: byTeam.slug, role: 'admin', source: 'team', status: 'active' },
  ]
  expect(items).toMatchObject(expected.sort((a, b) => (a.slug < b.slug ? -1 : 1)))
  expect(total).toBe(3)
  const pages = await members.tenantsOf('ola', { limit: 2 })
  const rest = await members.tenantsOf('ola', { limit: 2, cursor: pages.nextCursor ?? '' })
  expect([...pages.items, ...rest.items]).toEqual(items)
  expect(await members.membership(byTeam.slug, 'ola')).toMatchObject({ role: 'admin', source: 'team' })
  // A suspended member stays out, whatever an organization says.
  await members.add(byTeam.slug, { userId: 'ola', role: 'guest' })
  await members.suspend(byTeam.slug, 'ola')
  expect(await members.membership(byTeam.slug, 'ola')).toBeNull()
  expect((await members.tenantsOf('ola')).total).toBe(2)
  expect(await members.tenantsOf('nobody')).toEqual({ items: [], nextCursor: null, total: 0 })
})

describe('when something becomes of the tenant', () => {
  test('deleting it ends what was not answered, and a restore brings the members back', async () => {
    const { members, tenants, newTenant } = fixture
    const tenant = await newTenant()
    await members.add(tenant.slug, { userId: 'ann', role: 'admin' })
    await members.invite(tenant.slug, { userId: 'ida' })
    await tenants.delete(tenant.slug)
    await tenants.restore(tenant.slug)
    const states = (await members.list(tenant.slug)).items.map(({ userId, state }) => [userId, state])
    expect(states).toEqual([
      ['ann', 'active'],
      ['ida', 'revoked'],
      ['owner', 'active'],
    ])
  })

  test('purging it leaves neither members nor roles, and proves it', async () => {
    const { members, roles, tenants, newTenant, admin } = fixture
    const tenant = await newTenant()
    await members.add(tenant.slug, { userId: 'ann' })
    await roles.create(tenant.slug, { name: 'clerk', permissions: [] })
    await tenants.delete(tenant.slug)
    await tenants.purge(tenant.slug, { confirm: tenant.slug })
    for (const table of ['member', 'role']) {
      const { rows } = await admin.query(`select from tenantry.${table} where tenant_id = $1`, [tenant.id])
      expect(rows).toEqual([])
    }
  })

  test('a purge that left a member is not complete', async () => {
    const { members, tenants, newTenant, admin } = fixture
    const tenant = await newTenant()
    await members.add(tenant.slug, { userId: 'ann' })
    await tenants.delete(tenant.slug)
    await admin.query(`
      create function keep() returns trigger language plpgsql as 'begin return null; end';
      create trigger keep before delete on tenantry.member for each row execute function keep()`)
    const purge = () => tenants.purge({ id: tenant.id }, { confirm: tenant.slug })
    await expect(purge()).rejects.toMatchObject({
      ...{ code: 'PURGE_INCOMPLETE', message: expect.stringContaining('rows of tenantry.member') as string },
    })
    await admin.query('drop function keep cascade')
    expect(await purge()).toMatchObject({ status: 'purged' })
  })
})
