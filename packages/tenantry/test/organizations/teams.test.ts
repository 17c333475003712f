// Teams, and the ways in which an organization's people belong to its tenants.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readMembership } from '../../src/tenants/authority.ts'
import { openPeople, type People } from '../support/people.ts'

let people: People
let count = 0
let holding: string
let acme: string

const teams = () => people.tenantry.teams
const organizations = () => people.tenantry.organizations

beforeAll(async () => {
  people = await openPeople()
})
afterAll(() => people.close())
beforeEach(async () => {
  holding = `holding-${(count += 1)}`
  acme = await people.tenant(`acme-${count}`)
  await organizations().create({ name: holding, ownerUserId: 'olga' })
  await organizations().addTenant(holding, { tenant: acme })
  await organizations().setMember(holding, { userId: 'ada' })
  await teams().create(holding, { name: 'Support' })
})

describe('a team', () => {
  test('is named by slug or id, inside its organization only', async () => {
    const team = await teams().get(holding, 'support')
    expect(team).toMatchObject({ slug: 'support', name: 'Support' })
    expect(await teams().get(holding, team.id)).toEqual(team)
    const { id } = await organizations().create({ name: `Rival ${count}` })
    for (const named of [team.id, 'support', 'x', 'No Slug']) {
      await expect(teams().get(id, named)).rejects.toMatchObject({ code: 'TEAM_NOT_FOUND' })
    }
    await expect(teams().create(holding, { name: 'support' })).rejects.toMatchObject({ code: 'SLUG_TAKEN' })
    expect(await teams().create(id, { name: 'Support' })).toMatchObject({ organizationId: id })
    await expect(teams().create(holding, { name: 'x', slug: 'X' })).rejects.toMatchObject({ code: 'SLUG_INVALID' })
  })

  test('is listed and deleted, and its people and roles with it', async () => {
    await teams().create(holding, { name: 'Auditors' })
    await teams().addMember(holding, 'support', { userId: 'ada' })
    await teams().setRole(holding, 'support', { tenant: acme, role: 'admin' })
    expect(await teams().list(holding, { limit: 1 })).toMatchObject({ items: [{ slug: 'auditors' }], total: 2 })
    expect(await teams().list(holding, { search: 'SUPP' })).toMatchObject({ total: 1 })
    await teams().delete(holding, 'support')
    await expect(teams().members(holding, 'support')).rejects.toMatchObject({ code: 'TEAM_NOT_FOUND' })
    expect(await readMembership(people.admin, acme, 'ada')).toBeNull()
  })

  test("holds members of its organization only, and says once what it's told twice", async () => {
    await expect(teams().addMember(holding, 'support', { userId: 'eve' })).rejects.toMatchObject({
      code: 'MEMBER_NOT_FOUND',
    })
    const first = await teams().addMember(holding, 'support', { userId: 'ada' })
    expect(await teams().addMember(holding, 'support', { userId: 'ada' })).toEqual(first)
    expect(await teams().members(holding, 'support')).toEqual([first])
    await teams().removeMember(holding, 'support', { userId: 'ada' })
    await expect(teams().removeMember(holding, 'support', { userId: 'ada' })).rejects.toMatchObject({
      code: 'MEMBER_NOT_FOUND',
    })
    const { id } = await organizations().get(holding)
    const { rows } = await people.admin.query(
      `select type, payload ->> 'userId' as who from tenantry.event
        where type like 'team.member%' and payload ->> 'organizationId' = $1 order by seq`,
      [id],
    )
    expect(rows).toEqual([
      { type: 'team.member_added', who: 'ada' },
      { type: 'team.member_removed', who: 'ada' },
    ])
  })

  test("has roles in its organization's tenants only, and only such as there are", async () => {
    const foreign = await people.tenant(`foreign-${count}`)
    const set = (tenant: string, role: string | null) => teams().setRole(holding, 'support', { tenant, role })
    await expect(set(foreign, 'guest')).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
    await expect(set(acme, 'captain')).rejects.toMatchObject({ code: 'ROLE_NOT_FOUND' })
    await people.admin.query(
      `insert into tenantry.role (tenant_id, name, rank, permissions) values ($1, 'captain', 30, '{tenants:read}')`,
      [foreign],
    )
    await expect(set(acme, 'captain')).rejects.toMatchObject({ code: 'ROLE_NOT_FOUND' })
    expect(await set(acme, 'guest')).toMatchObject([{ tenantId: acme, slug: `acme-${count}`, role: 'guest' }])
    expect(await set(acme, 'guest')).toHaveLength(1)
    expect(await set(acme, 'admin')).toMatchObject([{ role: 'admin' }])
    expect(await set(acme, null)).toEqual([])
    expect(await set(acme, null)).toEqual([])
    expect((await people.events(acme)).filter((type) => type === 'team.role_set')).toHaveLength(3)
  })
})

describe('a user of an organization', () => {
  const membership = async (userId: string) => {
    const found = await readMembership(people.admin, acme, userId)
    return found && { role: found.role, source: found.source, rank: found.rank }
  }

  test('who owns or administers it has that role in each of its tenants', async () => {
    await organizations().setMember(holding, { userId: 'adam', role: 'admin' })
    expect(await membership('olga')).toEqual({ role: 'owner', source: 'organization', rank: 100 })
    expect(await membership('adam')).toEqual({ role: 'admin', source: 'organization', rank: 80 })
    const bolt = await people.tenant(`bolt-${count}`)
    expect(await readMembership(people.admin, bolt, 'olga')).toBeNull()
    await organizations().addTenant(holding, { tenant: bolt })
    expect(await readMembership(people.admin, bolt, 'olga')).toMatchObject({ role: 'owner' })
    await organizations().removeTenant(holding, bolt)
    expect(await readMembership(people.admin, bolt, 'olga')).toBeNull()
  })

  test('who is a plain member has the role that the tenant gives them, or none', async () => {
    expect(await membership('ada')).toBeNull()
    await organizations().addTenant(holding, { tenant: acme, memberRole: 'guest' })
    expect(await membership('ada')).toEqual({ role: 'guest', source: 'organization', rank: 20 })
  })

  test('has the roles of their teams, for as long as they are in them', async () => {
    await teams().setRole(holding, 'support', { tenant: acme, role: 'member' })
    expect(await membership('ada')).toBeNull()
    await teams().addMember(holding, 'support', { userId: 'ada' })
    expect(await membership('ada')).toEqual({ role: 'member', source: 'team', rank: 40 })
    await organizations().removeMember(holding, 'ada')
    expect(await membership('ada')).toBeNull()
  })

  test('has the strongest of several', async () => {
    await people.member(acme, 'ada', { role: 'guest' })
    await organizations().addTenant(holding, { tenant: acme, memberRole: 'member' })
    expect(await membership('ada')).toMatchObject({ role: 'member', source: 'organization' })
    await teams().setRole(holding, 'support', { tenant: acme, role: 'admin' })
    await teams().addMember(holding, 'support', { userId: 'ada' })
    expect(await membership('ada')).toMatchObject({ role: 'admin', source: 'team' })
    await people.member(acme, 'ada', { role: 'owner' })
    expect(await membership('ada')).toMatchObject({ role: 'owner', source: 'member' })
  })

  test('whom the tenant suspended stays out, whatever the organization says', async () => {
    await people.member(acme, 'olga', { role: 'guest', state: 'suspended' })
    expect(await membership('olga')).toBeNull()
  })

  test('gets nothing from a role that is gone', async () => {
    await people.admin.query(
      `insert into tenantry.role (tenant_id, name, rank, permissions) values ($1, 'desk', 30, '{tenants:read}')`,
      [acme],
    )
    await organizations().addTenant(holding, { tenant: acme, memberRole: 'desk' })
    expect(await membership('ada')).toMatchObject({ role: 'desk' })
    await people.admin.query('delete from tenantry.role where tenant_id = $1', [acme])
    expect(await membership('ada')).toBeNull()
  })
})
