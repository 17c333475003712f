// Organizations: what they own, who belongs to them, and what a change of theirs leaves behind.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createOrganizations } from '../../src/features/organizations/create-organizations.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { openPeople, type People } from '../support/people.ts'

let people: People
let count = 0
/** The slug of this test's organization. */
let holding: string

const organizations = () => people.tenantry.organizations

beforeAll(async () => {
  people = await openPeople()
})
afterAll(() => people.close())
beforeEach(async () => {
  holding = `holding-${(count += 1)}`
  await organizations().create({ name: `Holding ${count}`, ownerUserId: 'olga' })
})

const orgEvents = async (type: string) => {
  const { rows } = await people.admin.query<{ payload: Record<string, unknown>; tenant_id: string | null }>(
    `select tenant_id, payload from tenantry.event where type = $1 and payload ->> 'organization' = $2 order by seq`,
    [type, holding],
  )
  return rows
}

describe('an organization', () => {
  test('gets its slug from its name, and its first owner', async () => {
    const made = await organizations().get(holding)
    expect(made).toMatchObject({ slug: holding, name: `Holding ${count}`, metadata: {} })
    expect(await organizations().get(made.id)).toEqual(made)
    expect((await organizations().members(holding)).items).toMatchObject([{ userId: 'olga', role: 'owner' }])
    expect(await orgEvents('organization.created')).toMatchObject([
      { tenant_id: null, payload: { organizationId: made.id, ownerUserId: 'olga' } },
    ])
  })

  test.each([
    ['a slug that is taken', () => ({ name: 'x', slug: holding }), 'SLUG_TAKEN'],
    ['a slug in capitals', () => ({ name: 'x', slug: 'ACME' }), 'SLUG_INVALID'],
    ['a reserved slug', () => ({ name: 'x', slug: 'www' }), 'SLUG_RESERVED'],
    ['a name of which no slug can be made', () => ({ name: '株式会社' }), 'SLUG_INVALID'],
    ['no name', () => ({}) as { name: string }, 'INVALID_INPUT'],
    ['an unknown field', () => ({ name: 'x', plan: 'pro' }), 'UNKNOWN_FIELD'],
  ])('is refused with %s', async (_what, input, code) => {
    await expect(organizations().create(input())).rejects.toMatchObject({ code })
  })

  test('is renamed with an event, and without one where nothing changes', async () => {
    const change = { name: 'Other', metadata: { vat: 'CHE-1' } }
    expect(await organizations().update(holding, change)).toMatchObject({ ...change, slug: holding })
    expect(await organizations().update(holding, change)).toMatchObject(change)
    expect(await orgEvents('organization.updated')).toMatchObject([{ payload: { changed: ['name', 'metadata'] } }])
    const slug = { slug: 'new' } as { name?: string }
    await expect(organizations().update(holding, slug)).rejects.toMatchObject({ code: 'UNKNOWN_FIELD' })
  })

  test('is deleted only without tenants', async () => {
    const tenant = await people.tenant(`only-${count}`)
    await organizations().addTenant(holding, { tenant })
    await people.tenantry.teams.create(holding, { name: 'Desk' })
    await expect(organizations().delete(holding)).rejects.toMatchObject({ code: 'ORGANIZATION_CONFLICT' })
    await organizations().removeTenant(holding, tenant)
    await organizations().delete(holding)
    for (const ref of [holding, 'no-such', 'No Slug', '']) {
      await expect(organizations().get(ref)).rejects.toMatchObject({ code: 'ORGANIZATION_NOT_FOUND' })
    }
    expect(await orgEvents('organization.deleted')).toHaveLength(1)
  })

  test('is listed newest first, by part of slug or name', async () => {
    const { slug } = await organizations().create({ name: `${holding} too` })
    const query = { search: holding.toUpperCase(), limit: 1 }
    const first = await organizations().list(query)
    expect(first).toMatchObject({ items: [{ slug }], total: 2 })
    const rest = await organizations().list({ ...query, cursor: first.nextCursor ?? '' })
    expect(rest).toMatchObject({ items: [{ slug: holding }], nextCursor: null })
    await expect(organizations().list({ limit: 101 })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('the tenants of an organization', () => {
  test('are added once, with the role of its plain members, which must exist there', async () => {
    const tenant = await people.tenant(`acme-${count}`)
    const add = (memberRole?: string | null) =>
      organizations().addTenant(holding, { tenant, ...(memberRole === undefined ? {} : { memberRole }) })
    await expect(add('captain')).rejects.toMatchObject({ code: 'ROLE_NOT_FOUND' })
    expect(await add()).toMatchObject({ tenantId: tenant, memberRole: null })
    expect(await add('guest')).toMatchObject({ memberRole: 'guest' })
    expect(await add()).toMatchObject({ memberRole: 'guest' })
    expect(await add('guest')).toMatchObject({ memberRole: 'guest' })
    expect(await add(null)).toMatchObject({ memberRole: null })
    expect(await people.events(tenant)).toEqual([
      'organization.tenant_added',
      'organization.tenant_changed',
      'organization.tenant_changed',
    ])
    expect(await organizations().tenants(holding)).toMatchObject({
      ...{ total: 1, nextCursor: null },
      items: [{ tenantId: tenant, slug: `acme-${count}`, status: 'active', memberRole: null }],
    })
  })

  test("do not include another organization's, whatever it asks for", async () => {
    const tenant = await people.tenant(`acme-${count}`)
    await organizations().addTenant(holding, { tenant })
    const { id } = await organizations().create({ name: `Rival ${count}` })
    await expect(organizations().addTenant(id, { tenant })).rejects.toMatchObject({ code: 'ORGANIZATION_CONFLICT' })
    await expect(organizations().removeTenant(id, tenant)).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
  })

  test('are claimed by one of two organizations at once', async () => {
    const tenant = await people.tenant(`acme-${count}`)
    const { id } = await organizations().create({ name: `Rival ${count}` })
    const results = await Promise.allSettled([holding, id].map((ref) => organizations().addTenant(ref, { tenant })))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'ORGANIZATION_CONFLICT' },
    })
  })

  test('are listed page by page, by part of slug or name', async () => {
    for (const name of ['one', 'two', 'six']) {
      await organizations().addTenant(holding, { tenant: await people.tenant(`${name}-${count}`) })
    }
    const first = await organizations().tenants(holding, { limit: 2 })
    expect(first).toMatchObject({ total: 3, items: [{ slug: `six-${count}` }, { slug: `two-${count}` }] })
    const rest = await organizations().tenants(holding, { limit: 2, cursor: first.nextCursor ?? '' })
    expect(rest).toMatchObject({ items: [{ slug: `one-${count}` }], nextCursor: null })
    expect(await organizations().tenants(holding, { search: 'TWO' })).toMatchObject({ total: 1 })
  })

  test('leave it when they are deleted, and their purge proves that nothing is left', async () => {
    const tenant = await people.tenant(`acme-${count}`)
    await organizations().addTenant(holding, { tenant, memberRole: 'guest' })
    await people.tenantry.teams.create(holding, { name: 'Desk' })
    await people.tenantry.teams.setRole(holding, 'desk', { tenant, role: 'admin' })
    await people.tenantry.tenants.delete({ id: tenant })
    expect((await organizations().tenants(holding)).total).toBe(0)
    expect(await people.tenantry.teams.roles(holding, 'desk')).toEqual([])
    expect(await people.events(tenant)).toContain('organization.tenant_removed')
    await expect(organizations().addTenant(holding, { tenant })).rejects.toMatchObject({ code: 'TENANT_DELETED' })
    await people.tenantry.tenants.purge({ id: tenant }, { confirm: `acme-${count}` })
  })
})

describe('the members of an organization', () => {
  test('are added and given roles; saying it again changes nothing', async () => {
    const set = (role?: 'owner' | 'admin' | 'member') =>
      organizations().setMember(holding, { userId: 'ada', email: 'Ada@X.org', ...(role === undefined ? {} : { role }) })
    expect(await set()).toMatchObject({ userId: 'ada', email: 'ada@x.org', role: 'member' })
    expect(await set('admin')).toMatchObject({ role: 'admin' })
    expect(await set('admin')).toMatchObject({ role: 'admin' })
    expect(await set()).toMatchObject({ role: 'admin' })
    expect(await organizations().setMember(holding, { userId: 'ada' })).toMatchObject({ email: 'ada@x.org' })
    expect(await orgEvents('organization.member_set')).toMatchObject([
      { payload: { userId: 'ada', role: 'member', before: null } },
      { payload: { userId: 'ada', role: 'admin', before: 'member' } },
    ])
    const captain = { userId: 'ada', role: 'captain' as 'admin' }
    await expect(organizations().setMember(holding, captain)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  test('keep one owner at least', async () => {
    const demote = () => organizations().setMember(holding, { userId: 'olga', role: 'admin' })
    await expect(demote()).rejects.toMatchObject({ code: 'LAST_OWNER' })
    await expect(organizations().removeMember(holding, 'olga')).rejects.toMatchObject({ code: 'LAST_OWNER' })
    await organizations().setMember(holding, { userId: 'oscar', role: 'owner' })
    expect(await demote()).toMatchObject({ role: 'admin' })
  })

  test('keep one owner when two of them take the ownership from each other at once', async () => {
    await organizations().setMember(holding, { userId: 'oscar', role: 'owner' })
    const acts = [
      organizations().removeMember(holding, 'olga'),
      organizations().setMember(holding, { userId: 'oscar', role: 'member' }),
    ]
    const results = await Promise.allSettled(acts)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'LAST_OWNER' } })
    const { items } = await organizations().members(holding)
    expect(items.filter(({ role }) => role === 'owner')).toHaveLength(1)
  })

  test('keep one owner whatever the control plane is told by hand', async () => {
    const { id } = await organizations().get(holding)
    const text = 'delete from tenantry.organization_member where organization_id = $1'
    await expect(people.admin.query(text, [id])).rejects.toMatchObject({ code: 'LAST_OWNER' })
    expect(await organizations().members(holding)).toMatchObject({ total: 1 })
  })

  test('who leave it leave its teams', async () => {
    await organizations().setMember(holding, { userId: 'ada' })
    await people.tenantry.teams.create(holding, { name: 'Desk' })
    await people.tenantry.teams.addMember(holding, 'desk', { userId: 'ada' })
    expect(await organizations().removeMember(holding, 'ada')).toMatchObject({ userId: 'ada' })
    expect(await people.tenantry.teams.members(holding, 'desk')).toEqual([])
    await expect(organizations().removeMember(holding, 'ada')).rejects.toMatchObject({ code: 'MEMBER_NOT_FOUND' })
  })

  test('are listed by their ids, whatever those are, and found by id or address', async () => {
    for (const userId of ['ada', 'Ünal|1', "o'hara"]) {
      await organizations().setMember(holding, { userId, email: `${userId.length}@x.org` })
    }
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof readPage>> = await readPage(cursor)
      seen.push(...page.items.map(({ userId }) => userId))
      expect(page.total).toBe(4)
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seen.toSorted()).toEqual(['ada', "o'hara", 'olga', 'Ünal|1'].toSorted())
    expect(await organizations().members(holding, { search: '6@X' })).toMatchObject({ total: 2 })
    expect(await organizations().members(holding, { search: "O'H" })).toMatchObject({ total: 1 })
    await expect(readPage('***')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  const readPage = (cursor: string | null) =>
    organizations().members(holding, { limit: 1, ...(cursor === null ? {} : { cursor }) })

  test('are told the organizations they belong to', async () => {
    const userId = `user-${count}`
    const { id } = await organizations().create({ name: `Second ${count}` })
    await organizations().setMember(holding, { userId })
    await organizations().setMember(id, { userId, role: 'admin' })
    expect(await organizations().organizationsOf(userId)).toMatchObject({
      ...{ total: 2, items: [{ id }, { slug: holding }] },
    })
    expect(await organizations().organizationsOf(userId, { search: 'second' })).toMatchObject({ total: 1 })
    expect(await organizations().organizationsOf('nobody')).toMatchObject({ items: [], total: 0 })
  })
})

describe('all users across the tenants of an organization', () => {
  /** The database, with every statement that it is sent. */
  function watched(): { readonly database: CentralDatabase; readonly statements: string[] } {
    const statements: string[] = []
    const { admin } = people
    const database: CentralDatabase = {
      query: (text, values) => {
        statements.push(text)
        return admin.query(text, values)
      },
      transaction: (run) => admin.transaction(run),
      session: (run) => admin.session(run),
      listen: (...args) => admin.listen(...args),
      close: () => admin.close(),
    }
    return { database, statements }
  }

  test('come with their places, in one query', async () => {
    const [acme, bolt, other] = [
      await people.tenant(`acme-${count}`),
      await people.tenant(`bolt-${count}`),
      await people.tenant(`other-${count}`),
    ]
    for (const tenant of [acme, bolt]) await organizations().addTenant(holding, { tenant })
    await people.member(acme, 'ada', { role: 'admin' })
    await people.member(bolt, 'ada', { state: 'suspended' })
    await people.member(bolt, 'bob')
    await people.member(bolt, 'gone', { state: 'revoked' })
    await people.member(other, 'eve')
    const { database, statements } = watched()
    const watching = createOrganizations({ database, clock: systemClock, reservedSlugs: [] })
    const first = await watching.users(holding, { limit: 2 })
    expect(statements).toHaveLength(1)
    const inAcme = { tenantId: acme, slug: `acme-${count}`, role: 'admin', state: 'active' }
    const inBolt = { tenantId: bolt, slug: `bolt-${count}`, role: 'member', state: 'active' }
    expect(first).toEqual({
      items: [
        {
          ...{ userId: 'ada', email: null, organizationRole: null },
          tenants: [inAcme, { ...inBolt, state: 'suspended' }],
        },
        { userId: 'bob', email: null, organizationRole: null, tenants: [inBolt] },
      ],
      nextCursor: first.nextCursor,
      total: 3,
    })
    expect(await watching.users(holding, { limit: 2, cursor: first.nextCursor ?? '' })).toEqual({
      items: [{ userId: 'olga', email: null, organizationRole: 'owner', tenants: [] }],
      nextCursor: null,
      total: 3,
    })
    expect(await watching.users(holding, { search: 'BO' })).toMatchObject({ items: [{ userId: 'bob' }], total: 1 })
    expect(await watching.users(holding, { search: '%' })).toEqual({ items: [], nextCursor: null, total: 0 })
    await expect(watching.users('no-such')).rejects.toMatchObject({ code: 'ORGANIZATION_NOT_FOUND' })
  })
})
