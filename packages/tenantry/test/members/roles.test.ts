// Built-in roles and those of a tenant's own.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openMembersFixture, type MembersFixture } from './fixture.ts'

let fixture: MembersFixture

beforeAll(async () => {
  fixture = await openMembersFixture()
})
afterAll(() => fixture.close())

test('the built-in ones are listed first, each by rank, and a tenant sees its own alone', async () => {
  const { roles, newTenant } = fixture
  const { slug } = await newTenant()
  const other = await newTenant()
  await roles.create(other.slug, { name: 'theirs', permissions: [] })
  await roles.create(slug, { name: 'clerk', rank: 30, permissions: ['invoices:write'], description: 'Writes invoices' })
  await roles.create(slug, { name: 'lead', rank: 60, permissions: ['invoices:*'] })
  const listed = await roles.list(slug)
  expect(listed.map(({ name, rank, isBuiltIn }) => [name, rank, isBuiltIn])).toEqual([
    ['owner', 100, true],
    ['admin', 80, true],
    ['member', 40, true],
    ['guest', 20, true],
    ['support', 10, true],
    ['lead', 60, false],
    ['clerk', 30, false],
  ])
  expect(await roles.get(slug, 'clerk')).toEqual(listed.at(-1))
  await expect(roles.get(slug, 'theirs')).rejects.toMatchObject({ code: 'ROLE_NOT_FOUND' })
})

test('making, changing and repeating one: each change once on record', async () => {
  const { roles, newTenant, eventsOf } = fixture
  const tenant = await newTenant()
  const made = await roles.create(tenant.slug, { name: 'clerk', permissions: ['a:read', 'a:read', 'b:*'] })
  expect(made).toEqual({
    ...{ name: 'clerk', rank: 40, permissions: ['a:read', 'b:*'], description: null, isBuiltIn: false },
  })
  expect(await roles.create(tenant.slug, { name: 'clerk', permissions: ['a:read', 'b:*'] })).toEqual(made)
  const exists = { code: 'ROLE_EXISTS' }
  await expect(roles.create(tenant.slug, { name: 'clerk', permissions: [] })).rejects.toMatchObject(exists)
  await expect(roles.create(tenant.slug, { name: 'admin', permissions: [] })).rejects.toMatchObject(exists)
  const change = { rank: 55, description: 'More' }
  expect(await roles.update(tenant.slug, 'clerk', change)).toEqual({ ...made, ...change })
  expect(await roles.update(tenant.slug, 'clerk', change)).toEqual({ ...made, ...change })
  await roles.delete(tenant.slug, 'clerk')
  await expect(roles.delete(tenant.slug, 'clerk')).rejects.toMatchObject({ code: 'ROLE_NOT_FOUND' })
  expect((await eventsOf(tenant)).slice(-3)).toEqual(['role.created', 'role.updated', 'role.deleted'])
})

test('what a role may do changes for its members at once', async () => {
  const { roles, members, newTenant } = fixture
  const { slug } = await newTenant()
  await roles.create(slug, { name: 'clerk', permissions: ['a:read'] })
  await members.add(slug, { userId: 'ann', role: 'clerk' })
  await roles.update(slug, 'clerk', { rank: 50, permissions: ['a:write'] })
  expect(await members.membership(slug, 'ann')).toMatchObject({ rank: 50, permissions: ['a:write'] })
})

test.each([
  ['a member', (slug: string) => fixture.members.add(slug, { userId: 'x', role: 'clerk' })],
  ['somebody who was asked', (slug: string) => fixture.members.invite(slug, { userId: 'x', role: 'clerk' })],
  [
    'an invitation',
    (slug: string) =>
      fixture.admin.query(
        `insert into tenantry.invitation (id, tenant_id, email, role, token_hash, issued_at, expires_at)
         select gen_random_uuid(), id, 'x@y.example', 'clerk', sha256(convert_to($1, 'UTF8')), now(), now() + interval '1 day'
           from tenantry.tenant where slug = $1`,
        [slug],
      ),
  ],
  [
    'an organization',
    (slug: string) =>
      fixture.admin.query(`
        with o as (insert into tenantry.organization (id, slug, name) values (gen_random_uuid(), '${slug}', 'O') returning id)
        insert into tenantry.organization_tenant (tenant_id, organization_id, member_role)
          select t.id, o.id, 'clerk' from o, tenantry.tenant t where t.slug = '${slug}'`),
  ],
])('one that %s has is not deleted', async (_what, use) => {
  const { roles, newTenant } = fixture
  const { slug } = await newTenant()
  await roles.create(slug, { name: 'clerk', permissions: [] })
  await use(slug)
  await expect(roles.delete(slug, 'clerk')).rejects.toMatchObject({ code: 'ROLE_IN_USE' })
})

test('one that only revoked members had is deleted, and they come back in another', async () => {
  const { roles, members, newTenant } = fixture
  const { slug } = await newTenant()
  await roles.create(slug, { name: 'clerk', permissions: [] })
  await members.add(slug, { userId: 'ann', role: 'clerk' })
  await members.revoke(slug, 'ann')
  await roles.delete(slug, 'clerk')
  await expect(members.suspend(slug, 'ann')).rejects.toMatchObject({ code: 'MEMBER_STATE_CONFLICT' })
  expect(await members.add(slug, { userId: 'ann' }, { onBehalfOf: { userId: 'owner' } })).toMatchObject({
    ...{ role: 'member', state: 'active' },
  })
})

test('built-in ones stay as they are', async () => {
  const { roles, newTenant } = fixture
  const { slug } = await newTenant()
  const immutable = { code: 'FIELD_IMMUTABLE' }
  await expect(roles.update(slug, 'guest', { permissions: ['*'] })).rejects.toMatchObject(immutable)
  await expect(roles.delete(slug, 'guest')).rejects.toMatchObject(immutable)
})

test.each([
  ['a rank of 100', { name: 'clerk', rank: 100, permissions: [] }, 'INVALID_INPUT'],
  ['a rank of 0', { name: 'clerk', rank: 0, permissions: [] }, 'INVALID_INPUT'],
  ['a name in upper case', { name: 'Clerk', permissions: [] }, 'INVALID_INPUT'],
  ['a permission that is none', { name: 'clerk', permissions: ['read everything'] }, 'INVALID_INPUT'],
  ['no permissions', { name: 'clerk' }, 'INVALID_INPUT'],
  ['a field that is unknown', { name: 'clerk', permissions: [], isBuiltIn: true }, 'UNKNOWN_FIELD'],
])('a role with %s is refused', async (_what, input, code) => {
  const { roles, newTenant } = fixture
  const { slug } = await newTenant()
  await expect(roles.create(slug, input as { name: string; permissions: string[] })).rejects.toMatchObject({ code })
})
