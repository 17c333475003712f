import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CreateTenant } from '../../src/tenants/tenant.ts'
import type { Tenants } from '../../src/tenants/tenants.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'

let fixture: TenantsFixture
let tenants: Tenants

beforeAll(async () => {
  fixture = await openTenantsFixture()
  tenants = fixture.tenants()
})
afterAll(() => fixture.close())

const count = async (table: string) => {
  const { rows } = await fixture.admin.query<{ count: number }>(`select count(*)::integer as count from ${table}`)
  return rows[0]?.count
}

describe('creating a tenant', () => {
  test('gives it what was asked for and the defaults for the rest', async () => {
    const tenant = await tenants.create({
      name: 'ACME Corp',
      slug: 'acme-corp',
      plan: 'pro',
      settings: { theme: 'dark' },
    })
    expect(tenant).toMatchObject({
      slug: 'acme-corp',
      name: 'ACME Corp',
      status: 'active',
      isolation: 'row',
      schemaName: 'tenant_acme_corp',
      plan: 'pro',
      ownerUserId: null,
      settings: { theme: 'dark' },
      metadata: {},
      deletedAt: null,
    })
    expect(tenant.provisionedAt).not.toBeNull()
    expect(await tenants.get('acme-corp')).toEqual(tenant)
    expect(await tenants.get(tenant.id.toUpperCase())).toEqual(tenant)
    expect(await tenants.get({ id: tenant.id })).toEqual(tenant)
    expect(await tenants.get({ slug: 'acme-corp' })).toEqual(tenant)
    expect(Object.keys(tenant)).not.toContain('archivedSchema')
  })

  test('makes the slug from the name, and asks for one where that gives none', async () => {
    expect(await tenants.create({ name: 'Žluťoučký kůň & Co.' })).toMatchObject({ slug: 'zlutoucky-kun-co' })
    await expect(tenants.create({ name: '株式会社' })).rejects.toMatchObject({ code: 'SLUG_INVALID', field: 'slug' })
  })

  test('without provisioning leaves nothing to enter', async () => {
    const tenant = await tenants.create({ name: 'Later', slug: 'later', isolation: 'schema', provision: false })
    expect(tenant.provisionedAt).toBeNull()
    const { rows } = await fixture.admin.query(`select from pg_namespace where nspname = 'tenant_later'`)
    expect(rows).toHaveLength(0)
  })

  const bad: readonly (readonly [string, unknown, string, string | undefined])[] = [
    ['no object', null, 'INVALID_INPUT', undefined],
    ['an array', [], 'INVALID_INPUT', undefined],
    ['no name', {}, 'INVALID_INPUT', 'name'],
    ['a blank name', { name: ' \t ' }, 'INVALID_INPUT', 'name'],
    ['a name of 256 characters', { name: 'x'.repeat(256) }, 'INVALID_INPUT', 'name'],
    ['a name with a zero byte', { name: 'a\0b' }, 'INVALID_INPUT', 'name'],
    ['a name with half a surrogate pair', { name: 'a\ud800b' }, 'INVALID_INPUT', 'name'],
    ['a number as its name', { name: 7 }, 'INVALID_INPUT', 'name'],
    ['an unknown field', { name: 'A', nmae: 'B' }, 'UNKNOWN_FIELD', 'nmae'],
    ['a status', { name: 'A', status: 'deleted' }, 'UNKNOWN_FIELD', 'status'],
    ['a one-character slug', { name: 'A', slug: 'a' }, 'SLUG_INVALID', 'slug'],
    ['a slug of 101 characters', { name: 'A', slug: 'a'.repeat(101) }, 'SLUG_INVALID', 'slug'],
    ['a slug in capitals', { name: 'A', slug: 'ACME' }, 'SLUG_INVALID', 'slug'],
    ['a slug with an underscore', { name: 'A', slug: 'acme_corp' }, 'SLUG_INVALID', 'slug'],
    ['a slug that ends in a newline', { name: 'A', slug: 'acme\n' }, 'SLUG_INVALID', 'slug'],
    ['a slug with a Cyrillic a', { name: 'A', slug: '\u0430cme' }, 'SLUG_INVALID', 'slug'],
    ['an empty slug', { name: 'A', slug: '' }, 'SLUG_INVALID', 'slug'],
    ['a punycode slug', { name: 'A', slug: 'xn--acme' }, 'SLUG_INVALID', 'slug'],
    ['a UUID as slug', { name: 'A', slug: '01890a5d-ac96-774b-bcce-b302099a8057' }, 'SLUG_INVALID', 'slug'],
    ['a reserved slug', { name: 'A', slug: 'www' }, 'SLUG_RESERVED', 'slug'],
    ['the slug of a tombstone', { name: 'A', slug: `purged-${'0'.repeat(32)}` }, 'SLUG_RESERVED', 'slug'],
    ['a schema of PostgreSQL', { name: 'Aa', schemaName: 'pg_catalog' }, 'SCHEMA_NAME_INVALID', 'schemaName'],
    ['the schema public', { name: 'Aa', schemaName: 'public' }, 'SCHEMA_NAME_INVALID', 'schemaName'],
    ['a schema in capitals', { name: 'Aa', schemaName: 'Acme' }, 'SCHEMA_NAME_INVALID', 'schemaName'],
    ['a schema name of 64 bytes', { name: 'Aa', schemaName: 'a'.repeat(64) }, 'SCHEMA_NAME_INVALID', 'schemaName'],
    ['the name of an archive', { name: 'Aa', schemaName: 'archived_x_1' }, 'SCHEMA_NAME_INVALID', 'schemaName'],
    ['an unknown isolation', { name: 'Aa', isolation: 'file' }, 'INVALID_INPUT', 'isolation'],
    ['a list as settings', { name: 'Aa', settings: [] }, 'INVALID_INPUT', 'settings'],
    ['settings that are no JSON', { name: 'Aa', settings: { when: new Date() } }, 'INVALID_INPUT', 'settings'],
    ['settings with a zero byte', { name: 'Aa', settings: { a: ['\0'] } }, 'INVALID_INPUT', 'settings'],
    ['a plan of 101 characters', { name: 'Aa', plan: 'x'.repeat(101) }, 'INVALID_INPUT', 'plan'],
  ]
  test.each(bad)('refuses %s and writes nothing', async (...[, input, code, field]) => {
    const before = await count('tenantry.tenant')
    await expect(tenants.create(input as CreateTenant)).rejects.toMatchObject({ code, field })
    expect(await count('tenantry.tenant')).toBe(before)
  })

  test('stores settings that only look like a zero byte', async () => {
    const settings = { pattern: '\\u0000', emoji: '😀' }
    expect(await tenants.create({ name: 'Pattern', settings })).toMatchObject({ settings })
  })

  test('refuses a slug and a schema name that are taken', async () => {
    await tenants.create({ name: 'Taken', slug: 'taken', schemaName: 'own_name' })
    await expect(tenants.create({ name: 'Taken', slug: 'taken' })).rejects.toMatchObject({ code: 'SLUG_TAKEN' })
    await expect(tenants.create({ name: 'Other', slug: 'other', schemaName: 'own_name' })).rejects.toMatchObject({
      code: 'SCHEMA_NAME_TAKEN',
    })
  })

  test('two long slugs whose schema names would be cut to the same get two schemas', async () => {
    const head = 'a'.repeat(80)
    const [one, two] = await Promise.all([
      tenants.create({ name: 'One', slug: `${head}-one`, isolation: 'schema' }),
      tenants.create({ name: 'Two', slug: `${head}-two`, isolation: 'schema' }),
    ])
    expect(one.schemaName).not.toBe(two.schemaName)
    const { rows } = await fixture.admin.query('select from pg_namespace where nspname in ($1, $2)', [
      one.schemaName,
      two.schemaName,
    ])
    expect(rows).toHaveLength(2)
  })

  test('of 20 parallel creations with one slug exactly one succeeds', async () => {
    const attempts = Array.from({ length: 20 }, () =>
      tenants.create({ name: 'Race', slug: 'race', isolation: 'schema' }),
    )
    const results = await Promise.allSettled(attempts)
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'SLUG_TAKEN' })
    }
    const { items } = await tenants.events({ tenant: 'race' })
    expect(items.map((event) => event.type)).toEqual(['tenant.created', 'tenant.provisioned'])
  })

  test('never adopts a schema it did not make: the creation fails as a whole and the schema stays', async () => {
    await fixture.admin.query('create schema tenant_foreign; create table tenant_foreign.kept (id integer)')
    const before = await count('tenantry.tenant')
    await expect(tenants.create({ name: 'Foreign', slug: 'foreign', isolation: 'schema' })).rejects.toMatchObject({
      code: 'SCHEMA_EXISTS',
    })
    expect(await count('tenantry.tenant')).toBe(before)
    expect(await count('tenant_foreign.kept')).toBe(0)
    await fixture.admin.query('drop schema tenant_foreign cascade')
    expect(await tenants.create({ name: 'Foreign', slug: 'foreign', isolation: 'schema' })).toMatchObject({
      slug: 'foreign',
    })
  })

  test('a participant that fails leaves no tenant, no schema and no open operation, and frees the slug', async () => {
    const failing = fixture.tenants({
      participants: [
        {
          name: 'failing',
          provision: async (tx) => {
            await tx.query('select 1 / 0')
          },
        },
      ],
    })
    await expect(failing.create({ name: 'Failing', slug: 'failing', isolation: 'schema' })).rejects.toMatchObject({
      code: 'PROVISION_FAILED',
      sqlState: '22012',
    })
    expect(await tenants.find('failing')).toBeUndefined()
    const { rows } = await fixture.admin.query(`select from pg_namespace where nspname = 'tenant_failing'`)
    expect(rows).toHaveLength(0)
    expect(await count("tenantry.operation where state = 'running'")).toBe(0)
    expect(await tenants.create({ name: 'Failing', slug: 'failing' })).toMatchObject({ slug: 'failing' })
  })
})

describe('reading tenants', () => {
  test.each(['nobody', '01890a5d-ac96-774b-bcce-b302099a8057', 'NOT A SLUG', '', 'a\0b', { id: 'nobody' }])(
    'an unknown reference %j is not found',
    async (ref) => {
      await expect(tenants.get(ref)).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
      expect(await tenants.find(ref)).toBeUndefined()
    },
  )

  test('pages visit every tenant once, newest first', async () => {
    const seen: string[] = []
    let cursor: string | null = null
    let total = 0
    do {
      const page = await tenants.list({ limit: 2, ...(cursor === null ? {} : { cursor }) })
      seen.push(...page.items.map((tenant) => tenant.id))
      cursor = page.nextCursor
      total = page.total
    } while (cursor !== null)
    expect(seen).toHaveLength(total)
    expect(seen).toEqual([...new Set(seen)].toSorted().toReversed())
  })

  test('filters by status, plan and a part of slug or name without wildcards', async () => {
    await tenants.create({ name: '100% Real_Name', slug: 'percent', plan: 'gold' })
    const slugs = async (query: object) => (await tenants.list(query)).items.map((tenant) => tenant.slug)
    expect(await slugs({ plan: 'gold' })).toEqual(['percent'])
    expect(await slugs({ search: '0% rEAL' })).toEqual(['percent'])
    expect(await slugs({ search: 'RC%NT' })).toEqual([])
    expect(await slugs({ search: 'l_n' })).toEqual(['percent'])
    await tenants.suspend('percent')
    expect(await slugs({ status: 'suspended' })).toEqual(['percent'])
  })

  test.each([{ limit: 0 }, { limit: 101 }, { limit: 1.5 }, { cursor: 'x' }, { status: 'gone' }, { search: 'a\0' }])(
    'refuses the query %j',
    async (query) => {
      await expect(tenants.list(query as object)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    },
  )

  test('the figures agree with the list', async () => {
    const stats = await tenants.stats()
    const { total } = await tenants.list()
    expect(stats.byStatus).toMatchObject({ deleted: 0, purged: 0 })
    expect(stats.total).toBe(total)
    expect(Object.values(stats.byPlan).reduce((a, b) => a + b, 0)).toBe(total)
    expect(stats.unprovisioned).toBe(1)
  })
})

describe('updating a tenant', () => {
  test('changes what is given, counts the version and names the changed keys, not their values', async () => {
    const before = await tenants.create({
      name: 'Before',
      slug: 'updated',
      settings: { theme: 'dark', secret: 's3cret' },
    })
    const after = await tenants.update('updated', { name: 'After', plan: 'pro', settings: { theme: 'light' } })
    expect(after).toMatchObject({
      name: 'After',
      plan: 'pro',
      settings: { theme: 'light' },
      version: before.version + 1,
    })
    const { items } = await tenants.events({ tenant: 'updated', type: 'tenant.updated' })
    expect(items[0]?.payload).toEqual({
      slug: 'updated',
      plan: 'pro',
      changed: ['name', 'plan', 'settings.theme', 'settings.secret'],
    })
    expect(JSON.stringify(items)).not.toContain('s3cret')
  })

  test('that changes nothing makes no version and no event', async () => {
    const before = await tenants.get('updated')
    expect(await tenants.update('updated', {})).toEqual(before)
    expect(await tenants.update('updated', { name: 'After', settings: { theme: 'light' } })).toEqual(before)
  })

  test('with another version than the one read is refused', async () => {
    const { version } = await tenants.get('updated')
    await expect(tenants.update('updated', { name: 'X' }, { ifVersion: version - 1 })).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
    })
    expect(await tenants.update('updated', { name: 'X' }, { ifVersion: version })).toMatchObject({ name: 'X' })
  })

  test.each(['slug', 'status', 'isolation', 'schemaName', 'id'])(
    'refuses %s and says what to do instead',
    async (field) => {
      const change = { [field]: 'deleted' }
      await expect(tenants.update('updated', change)).rejects.toMatchObject({ code: 'FIELD_IMMUTABLE', field })
    },
  )

  test('refuses unknown fields and takes null for plan and owner', async () => {
    const unknown = { nmae: 'X' } as object
    await expect(tenants.update('updated', unknown)).rejects.toMatchObject({ code: 'UNKNOWN_FIELD' })
    expect(await tenants.update('updated', { plan: null, ownerUserId: null })).toMatchObject({ plan: null })
  })
})
