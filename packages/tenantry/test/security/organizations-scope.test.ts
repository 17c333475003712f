// What a tenant's own SQL sees of organizations: the one that owns it, its own place in it, and the teams with a role in
// it. Sibling tenants of the same organization stay unseen. Through the pool, as the application's own role; at the end
// each guard is taken away in the database, and the very rows come into view.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
let admin: CentralDatabase
let tenantry: Tenantry
let app: string
const ids = new Map<string, string>()

// acme and its schema sibling bolt belong to one organization, globex to another, initech to none.
beforeAll(async () => {
  database = await createTestDatabase()
  admin = openCentralDatabase({ url: database.adminUrl })
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  for (const slug of ['acme', 'bolt', 'globex', 'initech']) {
    const isolation = slug === 'bolt' ? 'schema' : 'row'
    ids.set(slug, (await tenantry.tenants.create({ name: slug, slug, isolation })).id)
  }
  for (const [slug, tenants] of [
    ['holding', ['acme', 'bolt']],
    ['rival', ['globex']],
  ] as const) {
    await tenantry.organizations.create({ name: slug, slug, ownerUserId: 'olga', metadata: { secret: slug } })
    await tenantry.organizations.setMember(slug, { userId: `${slug}-user` })
    for (const tenant of tenants) {
      await tenantry.organizations.addTenant(slug, { tenant, memberRole: 'guest' })
      await tenantry.teams.create(slug, { name: `${tenant} team` })
      await tenantry.teams.addMember(slug, `${tenant}-team`, { userId: `${slug}-user` })
      await tenantry.teams.setRole(slug, `${tenant}-team`, { tenant, role: 'member' })
    }
  }
  // A team with a role in both siblings: each sees the team, and its own role alone.
  await tenantry.teams.create('holding', { name: 'Both' })
  await tenantry.teams.setRole('holding', 'both', { tenant: 'acme', role: 'guest' })
  await tenantry.teams.setRole('holding', 'both', { tenant: 'bolt', role: 'admin' })
  const { rows } = await admin.query<{ app: string }>(
    "select quote_ident('tn_' || id || '_app') as app from tenantry.instance",
  )
  app = rows[0]?.app ?? ''
})

afterAll(async () => {
  await admin.close()
  await tenantry.close()
  await database.drop()
})

const idOf = (slug: string) => ids.get(slug) ?? ''

const inside = async (slug: string, text: string, values: readonly unknown[] = []) => {
  const run = () => tenantry.pool.query<Record<string, unknown>>(text, [...values])
  return (await tenantry.run(slug, { userId: 'holding-user' }, run)).rows
}

/** All that a tenant sees of organizations. */
const sight = async (slug: string) => ({
  organizations: await inside(slug, 'select slug, name from tenantry.organization'),
  places: await inside(slug, 'select tenant_id, member_role from tenantry.organization_tenant'),
  teams: await inside(slug, 'select slug from tenantry.team order by slug'),
  roles: await inside(slug, 'select tenant_id, role from tenantry.team_role order by role'),
  people: await inside(slug, 'select distinct user_id from tenantry.team_member'),
})

const DENIED = { code: '42501' }

describe('inside a tenant', () => {
  test.each([
    ['acme', 'guest'],
    ['bolt', 'admin'],
  ])('%s sees its organization, its own place there, and the teams with a role in it', async (slug, roleOfBoth) => {
    expect(await sight(slug)).toEqual({
      organizations: [{ slug: 'holding', name: 'holding' }],
      places: [{ tenant_id: idOf(slug), member_role: 'guest' }],
      teams: [{ slug: `${slug}-team` }, { slug: 'both' }].toSorted((a, b) => (a.slug < b.slug ? -1 : 1)),
      roles: [roleOfBoth, 'member'].toSorted().map((role) => ({ tenant_id: idOf(slug), role })),
      people: [{ user_id: 'holding-user' }],
    })
  })

  test('of no organization there is nothing to see, and no error', async () => {
    expect(await sight('initech')).toEqual({ organizations: [], places: [], teams: [], roles: [], people: [] })
  })

  test('a sibling is not found by its id either, nor what it has', async () => {
    const sibling = idOf('bolt')
    for (const table of ['organization_tenant', 'team_role']) {
      expect(await inside('acme', `select 1 as seen from tenantry.${table} where tenant_id = $1`, [sibling])).toEqual(
        [],
      )
    }
    expect(await inside('acme', "select 1 as seen from tenantry.team where slug = 'bolt-team'")).toEqual([])
  })

  test.each([
    ["the organization's metadata", 'select metadata from tenantry.organization'],
    ["the organization's members", 'select user_id from tenantry.organization_member'],
    ['memberships of anybody', `select * from tenantry.memberships_of(gen_random_uuid(), 'olga')`],
    ['a change of the organization', `update tenantry.organization set name = 'mine'`],
    ['a place in another organization', 'update tenantry.organization_tenant set organization_id = gen_random_uuid()'],
    ['a stronger role for plain members', `update tenantry.organization_tenant set member_role = 'owner'`],
    ['a stronger role for a team', `update tenantry.team_role set role = 'owner'`],
    ['a new member of a team', `insert into tenantry.team_member select organization_id, id, 'eve' from tenantry.team`],
    ['leaving the organization', 'delete from tenantry.organization_tenant'],
  ])('%s is refused', async (_what, text) => {
    await expect(inside('acme', text)).rejects.toMatchObject(DENIED)
  })

  test('a context altered by hand shows nothing', async () => {
    const text = `select * from (select set_config('tenantry.context', replace(current_setting('tenantry.context'), $1, $2), true) as set) s,
      lateral (select slug from tenantry.organization where s.set is not null) o`
    await expect(inside('acme', text, [idOf('acme'), idOf('globex')])).rejects.toMatchObject({
      code: 'CONTEXT_INVALID',
    })
  })

  test('the helpers answer for the tenant in scope alone, and outside of every scope not at all', async () => {
    const text = 'select tenantry.current_organization_id() as id, cardinality(tenantry.current_team_ids()) as teams'
    const { id } = await tenantry.organizations.get('rival')
    expect(await inside('globex', text)).toEqual([{ id, teams: 1 }])
    expect(await inside('initech', text)).toEqual([{ id: null, teams: 0 }])
    await expect(tenantry.pool.query(text)).rejects.toMatchObject({ code: 'TENANT_CONTEXT_MISSING' })
  })
})

describe('without its guard', () => {
  async function without<T>(guard: { away: string; back: string }, work: () => Promise<T>): Promise<T> {
    await admin.query(guard.away)
    try {
      return await work()
    } finally {
      await admin.query(guard.back)
    }
  }

  test.each([
    ['organization', 'slug', 2],
    ['organization_tenant', 'tenant_id', 3],
    ['team', 'slug', 4],
    ['team_role', 'role', 5],
    ['team_member', 'team_id', 3],
  ] as const)('%s shows the rows of all', async (table, column, all) => {
    const text = `select ${column} from tenantry.${table}`
    const kept = (await inside('acme', text)).length
    expect(kept).toBeLessThan(all)
    const off = {
      away: `alter table tenantry.${table} disable row level security`,
      back: `alter table tenantry.${table} enable row level security`,
    }
    expect(await without(off, () => inside('acme', text))).toHaveLength(all)
    const open = {
      away: `create policy open on tenantry.${table} for select to ${app} using (true)`,
      back: `drop policy open on tenantry.${table}`,
    }
    expect(await without(open, () => inside('acme', text))).toHaveLength(all)
    expect(await inside('acme', text)).toHaveLength(kept)
  })

  test('the grant of columns shows what the organization keeps to itself', async () => {
    const text = 'select metadata from tenantry.organization'
    const grant = {
      away: `grant select (metadata) on tenantry.organization to ${app}`,
      back: `revoke select (metadata) on tenantry.organization from ${app}`,
    }
    expect(await without(grant, () => inside('acme', text))).toEqual([{ metadata: { secret: 'holding' } }])
    await expect(inside('acme', text)).rejects.toMatchObject(DENIED)
  })
})
