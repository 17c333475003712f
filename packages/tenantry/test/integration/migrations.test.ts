import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { createMigrations, type Migrations } from '../../src/features/migrations/create-migrations.ts'
import { readMigrationFiles } from '../../src/features/migrations/migration-files.ts'
import type { Tenants } from '../../src/tenants/tenants.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'

let fixture: TenantsFixture
let folder: string

beforeAll(async () => {
  fixture = await openTenantsFixture()
})
afterAll(() => fixture.close())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenantry-migrations-'))
  return () => rm(folder, { recursive: true })
})

const write = async (files: Readonly<Record<string, string>>) => {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
}

const load = async (files: Readonly<Record<string, string>>): Promise<{ migrations: Migrations; tenants: Tenants }> => {
  await write(files)
  const migrations = createMigrations({
    files: await readMigrationFiles(folder),
    roles: fixture.instance.roles,
  })
  return { migrations, tenants: fixture.tenants({ participants: [migrations.participant] }) }
}

const rows = async (text: string, values?: readonly unknown[]) => (await fixture.admin.query(text, values)).rows

const schemas = () => rows(`select nspname from pg_namespace where nspname like 'tenant\\_%' order by 1`)

const invoices = `create table customers (id integer primary key, name text);
create table invoices (id integer primary key, customer integer references customers, total numeric);`

describe('migration files', () => {
  test('an absent folder holds none', async () => {
    expect(await readMigrationFiles(join(folder, 'nowhere'))).toEqual({ shared: [], tenant: [] })
  })

  test.each([
    ['lies beside the folders', { '0001_a.sql': '' }],
    ['not named', { 'tenant/first.sql': '' }],
    ['same number', { 'tenant/0001_a.sql': '', 'tenant/0001_b.sql': '' }],
  ])('one that %s is refused by its path', async (message, files) => {
    await write(files)
    await expect(readMigrationFiles(folder)).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
      message: expect.stringContaining(message) as string,
    })
  })

  test('one that is not UTF-8 is refused', async () => {
    await write({ 'tenant/0001_a.sql': '' })
    await writeFile(join(folder, 'tenant/0001_a.sql'), Buffer.from([0xff, 0xfe]))
    await expect(readMigrationFiles(folder)).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' })
  })

  test('a checkout with other line ends is the same file', async () => {
    await write({ 'tenant/0001_a.sql': 'select 1;\nselect 2;\n' })
    const unix = await readMigrationFiles(folder)
    await write({ 'tenant/0001_a.sql': 'select 1;\r\nselect 2;\r\n' })
    expect(await readMigrationFiles(folder)).toEqual(unix)
  })
})

describe('tenant migrations', () => {
  test('are applied at provisioning, in order, in the schema alone, and every table is guarded', async () => {
    const { tenants } = await load({
      'tenant/0001_invoices.sql': invoices,
      'tenant/0002_view.sql': 'create view totals as select sum(total) from invoices -- no semicolon',
      'tenant/0003_more.sql': 'create table notes (id bigint generated always as identity, text text)',
    })
    const tenant = await tenants.create({ name: 'Migrated', slug: 'migrated', isolation: 'schema' })
    expect(
      await rows(
        `select relname, relforcerowsecurity as forced,
                (select count(*)::integer from pg_policy p where p.polrelid = c.oid) as policies
           from pg_class c where relnamespace = 'tenant_migrated'::regnamespace and relkind = 'r' order by 1`,
      ),
    ).toEqual(['customers', 'invoices', 'notes'].map((relname) => ({ relname, forced: true, policies: 2 })))
    expect(await rows('select migration_version from tenantry.tenant where id = $1', [tenant.id])).toEqual([
      { migration_version: 3 },
    ])
    expect(await rows('select name from tenantry.migration where tenant_id = $1 order by 1', [tenant.id])).toHaveLength(
      3,
    )
    expect(await tenants.provision('migrated')).toEqual({
      provisioned: true,
      schemaName: 'tenant_migrated',
      tableCount: 3,
      message: 'already provisioned',
    })
  })

  test('are not run for row tenants', async () => {
    const { tenants } = await load({ 'tenant/0001_invoices.sql': invoices })
    const tenant = await tenants.create({ name: 'Rows', slug: 'rows', isolation: 'row' })
    expect(await rows('select from tenantry.migration where tenant_id = $1', [tenant.id])).toHaveLength(0)
  })

  const failing: readonly (readonly [string, string, string, RegExp])[] = [
    ['syntax', 'create table b (id int);\n\ncrate table c ()', '42601', /^The migration 0002_b\.sql, line 3 failed/],
    ['a missing table', "select '😀';\nselect * from nothing", '42P01', /^The migration 0002_b\.sql, line 2 failed/],
    [
      'a fault of execution',
      'create table b (id int);\nselect 1 / (select 0)',
      '22012',
      /^The migration 0002_b\.sql failed/,
    ],
    ['a broken constraint', 'insert into customers values (1), (1)', '23505', /^The migration 0002_b\.sql failed/],
    ['the fall-through to public', 'select * from public_only', '42P01', /0002_b\.sql, line 1/],
  ]
  test.each(failing)('that fail by %s leave nothing, and the error names the file', async (...given) => {
    const [, text, sqlState, message] = given
    await rows('create table if not exists public.public_only (id integer)')
    const { tenants } = await load({ 'tenant/0001_a.sql': invoices, 'tenant/0002_b.sql': text })
    const before = await schemas()
    await expect(tenants.create({ name: 'Half', slug: 'half', isolation: 'schema' })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      sqlState,
      message: expect.stringMatching(message) as string,
    })
    expect(await schemas()).toEqual(before)
    expect(await tenants.find('half')).toBeUndefined()
    expect(
      await rows(`select from tenantry.migration m where not exists
      (select from tenantry.tenant t where t.id = m.tenant_id) and m.tenant_id is not null`),
    ).toHaveLength(0)
  })

  test('never quote a value in their error', async () => {
    const { tenants } = await load({
      'tenant/0001_a.sql': `create table a (b integer); insert into a values ('s3cret')`,
    })
    const error: unknown = await tenants
      .create({ name: 'Half', slug: 'half', isolation: 'schema' })
      .catch((e: unknown) => e)
    expect(String(error)).not.toContain('s3cret')
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', sqlState: '22P02' })
  })

  test('cannot make a table outside of the schema', async () => {
    const { tenants } = await load({ 'tenant/0001_a.sql': 'create table public.escaped (id integer)' })
    await expect(tenants.create({ name: 'Escape', slug: 'escape', isolation: 'schema' })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('public.escaped') as string,
    })
    expect(await rows(`select to_regclass('public.escaped') as found`)).toEqual([{ found: null }])
  })

  test('may reference and fill shared tables', async () => {
    await rows('create table public.currencies (code text primary key)')
    const { tenants } = await load({
      'tenant/0001_a.sql': `create table prices (currency text references public.currencies);
        insert into public.currencies values ('EUR') on conflict do nothing`,
    })
    expect(await tenants.create({ name: 'Prices', slug: 'prices', isolation: 'schema' })).toMatchObject({
      provisionedAt: expect.any(String) as string,
    })
  })

  test('that re-point search_path or role affect neither the next file nor the connection', async () => {
    const single = openCentralDatabase({ url: fixture.url, max: 1 })
    try {
      const before = (await single.query('select current_user, current_setting($1) as path', ['search_path'])).rows
      await write({
        'tenant/0001_a.sql': `set search_path = public; set role ${fixture.instance.roles.central}; set work_mem = '1MB'`,
        'tenant/0002_b.sql': 'create table landed (id integer)',
      })
      const migrations = createMigrations({
        files: await readMigrationFiles(folder),
        roles: fixture.instance.roles,
      })
      const tenants = fixture.tenants({ database: single, participants: [migrations.participant] })
      await tenants.create({ name: 'Path', slug: 'path', isolation: 'schema' })
      expect(await rows(`select to_regclass('tenant_path.landed') is not null as found`)).toEqual([{ found: true }])
      expect((await single.query('select current_user, current_setting($1) as path', ['search_path'])).rows).toEqual(
        before,
      )
    } finally {
      await single.close()
    }
  })

  test('a materialized view is refused, because it cannot carry a guard', async () => {
    const { tenants } = await load({ 'tenant/0001_a.sql': 'create materialized view v as select 1 as one' })
    await expect(tenants.create({ name: 'View', slug: 'view', isolation: 'schema' })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      sqlState: 'TN011',
    })
  })
})

describe('bringing a tenant up to date', () => {
  test('applies what is new, guards it and counts the version; a second time finds nothing to do', async () => {
    const first = await load({ 'tenant/0001_a.sql': invoices })
    const tenant = await first.tenants.create({ name: 'Older', slug: 'older', isolation: 'schema' })
    const { migrations } = await load({ 'tenant/0002_b.sql': 'create table added (id integer)' })
    expect(await migrations.migrateTenant(fixture.admin, 'older')).toEqual(['0002_b.sql'])
    expect(
      await rows(`select relforcerowsecurity as forced from pg_class where oid = 'tenant_older.added'::regclass`),
    ).toEqual([{ forced: true }])
    expect(await rows('select migration_version from tenantry.tenant where id = $1', [tenant.id])).toEqual([
      { migration_version: 2 },
    ])
    expect(await migrations.migrateTenant(fixture.admin, 'older')).toEqual([])
  })

  test('refuses a file that was changed, one that is gone, and a tenant that is not there to migrate', async () => {
    const { tenants, migrations } = await load({ 'tenant/0001_a.sql': invoices })
    await tenants.create({ name: 'Drift', slug: 'drift', isolation: 'schema' })
    await tenants.create({ name: 'Empty', slug: 'empty', isolation: 'schema', provision: false })
    await expect(migrations.migrateTenant(fixture.admin, 'empty')).rejects.toMatchObject({
      code: 'TENANT_NOT_PROVISIONED',
    })
    const changed = await load({ 'tenant/0001_a.sql': `${invoices} select 1` })
    await expect(changed.migrations.migrateTenant(fixture.admin, 'drift')).rejects.toMatchObject({
      code: 'MIGRATION_CHANGED',
    })
    await rm(join(folder, 'tenant/0001_a.sql'))
    const missing = await load({})
    await expect(missing.migrations.migrateTenant(fixture.admin, 'drift')).rejects.toMatchObject({
      code: 'MIGRATION_MISSING',
    })
    await tenants.delete('drift')
    await expect(migrations.migrateTenant(fixture.admin, 'drift')).rejects.toMatchObject({ code: 'TENANT_DELETED' })
  })
})

describe('shared migrations', () => {
  test('of ten processes that start at once one applies them', async () => {
    const { migrations } = await load({
      'shared/0001_a.sql': 'create table public.shared_a (id integer)',
      'shared/0002_b.sql': 'create table public.shared_b (id integer)',
    })
    const results = await Promise.all(Array.from({ length: 10 }, () => migrations.applyShared(fixture.admin)))
    expect(results.toSorted((a, b) => b.length - a.length)).toEqual([
      ['0001_a.sql', '0002_b.sql'],
      ...Array.from({ length: 9 }, () => []),
    ])
  })

  test('that fail leave nothing', async () => {
    const { migrations } = await load({
      'shared/0001_a.sql': 'create table public.shared_a (id integer)',
      'shared/0002_b.sql': 'create table public.shared_b (id integer)',
      'shared/0003_c.sql': 'create table public.shared_c (id integer)',
      'shared/0004_d.sql': 'select 1 / (select 0)',
    })
    await expect(migrations.applyShared(fixture.admin)).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: 'The migration 0004_d.sql failed (SQLSTATE 22012).',
    })
    expect(await rows(`select to_regclass('public.shared_c') as found`)).toEqual([{ found: null }])
  })
})
