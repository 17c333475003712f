// Acts on behalf of somebody: how far each role, and a key, reaches; and that it is read when the act happens.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { OnBehalfOf } from '../../src/tenants/access.ts'
import { openMembersFixture, type MembersFixture } from './fixture.ts'

let fixture: MembersFixture
let slug: string

beforeAll(async () => {
  fixture = await openMembersFixture()
})
afterAll(() => fixture.close())

beforeEach(async () => {
  slug = (await fixture.newTenant()).slug
  const { members, roles } = fixture
  await roles.create(slug, { name: 'lead', rank: 60, permissions: ['members:*', 'roles:*', 'tenants:read'] })
  await roles.create(slug, { name: 'clerk', rank: 30, permissions: ['invoices:write', 'tenants:read'] })
  for (const [userId, role] of [
    ['owner-2', 'owner'],
    ['admin', 'admin'],
    ['admin-2', 'admin'],
    ['lead', 'lead'],
    ['clerk', 'clerk'],
    ['member', 'member'],
    ['guest', 'guest'],
  ] as const) {
    await members.add(slug, { userId, role })
  }
})

const by = (userId: string) => ({ onBehalfOf: { userId } })
const key = (...permissions: string[]) => ({ onBehalfOf: { permissions } })
const RANK = { code: 'RANK_TOO_LOW' }
const DENIED = { code: 'PERMISSION_DENIED' }

describe('giving a role', () => {
  test.each([
    ['owner', 'owner', 'done'],
    ['owner', 'clerk', 'done'],
    ['admin', 'owner', 'RANK_TOO_LOW'],
    ['admin', 'admin', 'done'],
    ['admin', 'member', 'done'],
    // An admin may not write invoices, and so makes nobody a clerk, though clerks rank lower.
    ['admin', 'clerk', 'RANK_TOO_LOW'],
    ['lead', 'admin', 'RANK_TOO_LOW'],
    ['lead', 'guest', 'done'],
    ['member', 'guest', 'PERMISSION_DENIED'],
    ['guest', 'guest', 'PERMISSION_DENIED'],
    ['stranger', 'guest', 'NOT_A_MEMBER'],
  ])('%s gives %s: %s', async (actor, role, outcome) => {
    const { members } = fixture
    for (const verb of ['add', 'invite'] as const) {
      const act = members[verb](slug, { userId: `new by ${verb}`, role }, by(actor))
      if (outcome === 'done') await expect(act).resolves.toMatchObject({ role, invitedBy: actor })
      else await expect(act).rejects.toMatchObject({ code: outcome })
    }
    const change = members.update(slug, 'guest', { role }, by(actor))
    if (outcome === 'done') await expect(change).resolves.toMatchObject({ role })
    else await expect(change).rejects.toMatchObject({ code: outcome })
  })

  test('to oneself only downwards', async () => {
    const { members } = fixture
    await expect(members.update(slug, 'admin', { role: 'owner' }, by('admin'))).rejects.toMatchObject(RANK)
    await expect(members.update(slug, 'lead', { role: 'admin' }, by('lead'))).rejects.toMatchObject(RANK)
    await expect(members.update(slug, 'member', { role: 'admin' }, by('member'))).rejects.toMatchObject(DENIED)
    expect(await members.update(slug, 'admin', { role: 'member' }, by('admin'))).toMatchObject({ role: 'member' })
    await expect(members.update(slug, 'admin', { role: 'admin' }, by('admin'))).rejects.toMatchObject(DENIED)
  })

  test('nobody raises the row that is their own with what an organization lends them', async () => {
    const { members, admin } = fixture
    const { tenantId } = await members.get(slug, 'guest')
    await admin.query(`
      with o as (insert into tenantry.organization (id, slug, name) values (gen_random_uuid(), '${slug}', 'O') returning id),
      t as (insert into tenantry.organization_tenant (tenant_id, organization_id) select '${tenantId}', id from o)
      insert into tenantry.organization_member (organization_id, user_id, role)
        select id, unnest(array['guest', 'chief']), unnest(array['admin', 'owner']) from o`)
    expect(await members.membership(slug, 'guest')).toMatchObject({ role: 'admin', source: 'organization' })
    await expect(members.update(slug, 'guest', { role: 'admin' }, by('guest'))).rejects.toMatchObject(RANK)
    // Nor does an admin shut out who owns the organization, by a row of theirs in the tenant.
    await members.add(slug, { userId: 'chief', role: 'guest' }, by('admin'))
    await expect(members.suspend(slug, 'chief', by('admin'))).rejects.toMatchObject(RANK)
    expect(await members.update(slug, 'admin', { role: 'owner' }, by('chief'))).toMatchObject({ role: 'owner' })
  })
})

describe('touching a member', () => {
  test.each([
    ['owner', 'owner-2', 'done'],
    ['admin', 'owner', 'RANK_TOO_LOW'],
    ['admin', 'admin-2', 'done'],
    ['admin', 'clerk', 'done'],
    ['lead', 'admin', 'RANK_TOO_LOW'],
    ['lead', 'member', 'done'],
    ['member', 'guest', 'PERMISSION_DENIED'],
  ])('%s suspends and revokes %s: %s', async (actor, target, outcome) => {
    const { members } = fixture
    for (const verb of ['suspend', 'revoke'] as const) {
      const act = members[verb](slug, target, by(actor))
      if (outcome === 'done') await act
      else await expect(act).rejects.toMatchObject({ code: outcome })
    }
    if (outcome !== 'done') expect(await members.get(slug, target)).toMatchObject({ state: 'active' })
  })

  test('an admin neither edits, activates nor demotes an owner', async () => {
    const { members } = fixture
    await expect(members.update(slug, 'owner', { role: 'guest' }, by('admin'))).rejects.toMatchObject(RANK)
    await expect(members.update(slug, 'owner', { email: 'x@y.example' }, by('admin'))).rejects.toMatchObject(RANK)
    await expect(members.transferOwnership(slug, { to: 'admin' }, by('admin'))).rejects.toMatchObject(RANK)
    await members.suspend(slug, 'owner-2', by('owner'))
    await expect(members.activate(slug, 'owner-2', by('admin'))).rejects.toMatchObject(RANK)
    expect(await members.transferOwnership(slug, { to: 'admin' }, by('owner'))).toMatchObject({ role: 'owner' })
  })

  test('whoever leaves needs no permission, and whoever was asked may say no', async () => {
    const { members } = fixture
    expect(await members.revoke(slug, 'guest', by('guest'))).toMatchObject({ state: 'revoked' })
    await members.invite(slug, { userId: 'ida' }, by('admin'))
    expect(await members.revoke(slug, 'ida', by('ida'))).toMatchObject({ state: 'revoked' })
    await expect(members.revoke(slug, 'member', by('guest'))).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
  })

  test('a suspended member acts no more, and does not bring itself back', async () => {
    const { members } = fixture
    await members.suspend(slug, 'admin', by('owner'))
    await expect(members.activate(slug, 'admin', by('admin'))).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    await expect(members.add(slug, { userId: 'x' }, by('admin'))).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
  })
})

describe('an invitation reaches no further than who sent it', () => {
  test.each([
    ['was demoted', (actor: string) => fixture.members.update(slug, actor, { role: 'member' })],
    ['was suspended', (actor: string) => fixture.members.suspend(slug, actor)],
    ['left', (actor: string) => fixture.members.revoke(slug, actor)],
  ])('of an inviter who %s since, it is void', async (_what, happens) => {
    const { members } = fixture
    await members.invite(slug, { userId: 'ida', role: 'admin' }, by('admin'))
    await happens('admin')
    await expect(members.accept(slug, 'ida')).rejects.toMatchObject(RANK)
    expect(await members.get(slug, 'ida')).toMatchObject({ state: 'invited' })
    await members.invite(slug, { userId: 'ivo', role: 'admin' })
    expect(await members.accept(slug, 'ivo')).toMatchObject({ state: 'active' })
  })
})

describe('a key', () => {
  test('gives and touches what its permissions cover', async () => {
    const { members } = fixture
    const some = key('members:write', 'tenants:read', 'roles:read', 'teams:read')
    expect(await members.add(slug, { userId: 'a', role: 'member' }, some)).toMatchObject({ invitedBy: null })
    await expect(members.add(slug, { userId: 'b', role: 'admin' }, some)).rejects.toMatchObject(RANK)
    await expect(members.suspend(slug, 'admin', some)).rejects.toMatchObject(RANK)
    await expect(members.suspend(slug, 'owner', some)).rejects.toMatchObject(RANK)
    expect(await members.suspend(slug, 'guest', some)).toMatchObject({ state: 'suspended' })
    expect(await members.add(slug, { userId: 'c', role: 'owner' }, key('*'))).toMatchObject({ role: 'owner' })
    await expect(members.add(slug, { userId: 'd' }, key('members:read'))).rejects.toMatchObject(DENIED)
    await expect(members.add(slug, { userId: 'd' }, key())).rejects.toMatchObject(DENIED)
  })

  test('what is neither a key nor a user is refused, and never taken for central power', async () => {
    for (const onBehalfOf of [null, {}, { userId: '' }, { userId: 7 }, { permissions: '*' }, 'owner']) {
      const act = fixture.members.add(slug, { userId: 'x' }, { onBehalfOf: onBehalfOf as unknown as OnBehalfOf })
      await expect(act).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
  })
})

test('the audit log names the user on whose behalf it was', async () => {
  const { members, admin } = fixture
  const { tenantId } = await members.suspend(slug, 'guest', by('admin'))
  const { rows } = await admin.query(
    "select actor from tenantry.audit_entry where tenant_id = $1 and action = 'member.suspend'",
    [tenantId],
  )
  expect(rows).toEqual([{ actor: 'user:admin' }])
})

describe('roles of a tenant’s own', () => {
  test('are made, changed and deleted within the reach of who does it', async () => {
    const { roles } = fixture
    const read = { name: 'reader', rank: 20, permissions: ['members:read'] }
    expect(await roles.create(slug, read, by('admin'))).toEqual({ ...read, description: null, isBuiltIn: false })
    await expect(roles.create(slug, { ...read, name: 'top', rank: 81 }, by('admin'))).rejects.toMatchObject(RANK)
    const writes = { name: 'writer', permissions: ['invoices:write'] }
    await expect(roles.create(slug, writes, by('admin'))).rejects.toMatchObject(RANK)
    await expect(roles.update(slug, 'reader', { rank: 90 }, by('admin'))).rejects.toMatchObject(RANK)
    await expect(roles.update(slug, 'reader', { permissions: ['*'] }, by('admin'))).rejects.toMatchObject(RANK)
    // Nor those that reach further already, were it to narrow them.
    await expect(roles.update(slug, 'clerk', { permissions: [] }, by('admin'))).rejects.toMatchObject(RANK)
    await expect(roles.delete(slug, 'clerk', by('admin'))).rejects.toMatchObject(RANK)
    // Nobody widens the role that they have themselves.
    await expect(roles.update(slug, 'lead', { rank: 61 }, by('lead'))).rejects.toMatchObject(RANK)
    await expect(roles.update(slug, 'lead', { permissions: ['keys:*'] }, by('lead'))).rejects.toMatchObject(RANK)
    await expect(roles.create(slug, { ...read, name: 'r2' }, by('member'))).rejects.toMatchObject(DENIED)
    expect(await roles.update(slug, 'reader', { rank: 10 }, by('admin'))).toMatchObject({ rank: 10 })
    expect(await roles.delete(slug, 'reader', by('admin'))).toMatchObject({ name: 'reader' })
  })
})
