// Leaks of what is done to many tenants at once: schemas that are copies, and migrations that run in all of them. Each is
// one that a tool of this kind had.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { until } from '../harness/wait.ts'

let database: TestDatabase
let admin: CentralDatabase
let folder: string
let tenantry: Tenantry
let warnings: string[]

beforeEach(async () => {
  database = await createTestDatabase()
  admin = openCentralDatabase({ url: database.adminUrl })
  folder = await mkdtemp(join(tmpdir(), 'tenantry-fleet-leaks-'))
  await mkdir(join(folder, 'tenant'))
  warnings = []
  return async () => {
    await tenantry.close()
    await admin.close()
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  }
})

const write = (name: string, sql: string) => writeFile(join(folder, 'tenant', name), sql)
const rowsOf = async (sql: string, values: readonly unknown[] = []) => (await admin.query(sql, values)).rows

/** Files are read when an instance starts. */
async function open(warmSchemas = 0): Promise<Tenantry> {
  const silent = () => {}
  const logger = { debug: silent, info: silent, error: silent, warn: (text: string) => warnings.push(text) }
  const settings = { migrations: folder, isolation: 'schema' as const, warmSchemas, logger }
  tenantry = createTenantry({ adminUrl: database.adminUrl, ...settings })
  await tenantry.start()
  return tenantry
}

async function reopen(): Promise<Tenantry> {
  await tenantry.close()
  return open()
}

async function createTenants(...slugs: readonly string[]): Promise<void> {
  for (const slug of slugs) await tenantry.tenants.create({ name: slug, slug })
}

describe.each([
  ['copied from the snapshot', 0],
  ['handed out ready', 2],
])('L11: a schema that is %s', (_way, warmSchemas) => {
  beforeEach(async () => {
    await write(
      '0001_note.sql',
      `create table note (text text);
       create table part (at date not null) partition by range (at);
       create table part_2026 partition of part for values from ('2026-01-01') to ('2027-01-01');
       create policy own on note as restrictive for select to pg_monitor, pg_read_all_stats using (false)`,
    )
    await open(warmSchemas)
    await until(async () => (await rowsOf('select from tenantry.warm_schema')).length === warmSchemas)
    await createTenants('acme', 'globex')
    // Otherwise its files were replayed, and nothing was copied.
    expect(warnings).toEqual([])
  })

  it('has row-level security in force on every table, and no policy that is for PUBLIC', async () => {
    const tables =
      await rowsOf(`select n.nspname as schema, c.relname as name, c.relforcerowsecurity and c.relrowsecurity as forced
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('tenant_acme', 'tenant_globex') and c.relkind in ('r', 'p') order by 1, 2`)
    const names = ['note', 'part', 'part_2026']
    expect(tables).toEqual(
      ['tenant_acme', 'tenant_globex'].flatMap((schema) => names.map((name) => ({ schema, name, forced: true }))),
    )
    const policies = await rowsOf(`select policyname as name, count(*)::int as tables from pg_policies
      where schemaname in ('tenant_acme', 'tenant_globex') and not 'public' = any (roles) group by 1 order by 1`)
    expect(policies).toEqual([
      { name: 'own', tables: 2 },
      { name: 'tenantry_central', tables: 6 },
      { name: 'tenantry_guard', tables: 6 },
    ])
    expect(
      await rowsOf(`select from pg_policies where schemaname like 'tenant\\_%' and 'public' = any (roles)`),
    ).toEqual([])
    expect(await rowsOf(`select distinct roles::text[] as roles from pg_policies where policyname = 'own'`)).toEqual([
      { roles: ['pg_monitor', 'pg_read_all_stats'] },
    ])
  })

  it('gives its rows to its own tenant alone, whoever names it', async () => {
    await tenantry.scope('acme').query("insert into note values ('secret')")
    const other = tenantry.scope('globex')
    expect((await other.query('select * from tenant_acme.note')).rows).toEqual([])
    await expect(other.query("insert into tenant_acme.note values ('planted')")).rejects.toMatchObject({
      code: '42501',
    })
    expect((await other.query('delete from tenant_acme.note')).rowCount).toBe(0)
    expect((await tenantry.scope('acme').query('select * from note')).rows).toEqual([{ text: 'secret' }])
  })
})

describe('L15: a migration', () => {
  const slugs = Array.from({ length: 5 }, (_, at) => `t-${at}`)
  const tablesBySchema = () =>
    rowsOf(`select n.nspname as schema, array_agg(c.relname::text order by c.relname) as names
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and (n.nspname = 'public' or n.nspname like 'tenant\\_%') group by 1 order by 1`)

  beforeEach(async () => {
    await write('0001_note.sql', 'create table note (text text)')
    await open()
    await createTenants(...slugs)
  })

  it.each([1, 25])(
    'that sets a search path leads none after it astray, %i tenants a transaction',
    async (batchSize) => {
      await write('0002_path.sql', 'create table before_path (id int); set search_path = tenant_t_0')
      await write('0003_after.sql', 'create table after_path (id int)')
      await reopen()
      const run = await tenantry.migrations.up({ connections: 4, batchSize })
      expect(run).toMatchObject({ state: 'complete', done: 5, failed: 0 })
      const names = ['after_path', 'before_path', 'note']
      const schemas = slugs.map((slug) => `tenant_${slug.replace('-', '_')}`).sort()
      expect(await tablesBySchema()).toEqual(schemas.map((schema) => ({ schema, names })))
    },
  )

  it('that reaches into the shared schema is refused, and recorded nowhere', async () => {
    await write('0002_astray.sql', 'set search_path = public; create table astray (id int)')
    await reopen()
    await expect(tenantry.migrations.up()).rejects.toMatchObject({ code: 'MIGRATION_FAILED' })
    expect(await rowsOf(`select to_regclass('public.astray') as astray`)).toEqual([{ astray: null }])
    expect(await rowsOf(`select from tenantry.migration where name = '0002_astray.sql'`)).toEqual([])
    expect(await tenantry.migrations.status()).toMatchObject({ upToDate: 0, pending: 5 })
  })

  it('that passes a tenant over is not recorded as done there, and is counted as a failure', async () => {
    await admin.query('alter table tenant_t_2.note rename to note_by_hand')
    await write('0002_due.sql', 'alter table if exists note add column due date')
    await reopen()
    const run = await tenantry.migrations.up()
    expect(run).toMatchObject({ state: 'failed', done: 4, failed: 1, failures: [{ slug: 't-2' }] })
    expect(await tenantry.migrations.status()).toMatchObject({ upToDate: 4, failed: 1 })
    const recorded = await rowsOf(
      `select t.slug from tenantry.migration m join tenantry.tenant t on t.id = m.tenant_id where m.name = '0002_due.sql'`,
    )
    expect(recorded).toHaveLength(4)
    expect(recorded).not.toContainEqual({ slug: 't-2' })
  })

  it('that is in the ledger of a tenant without having run there counts as nothing', async () => {
    await write('0002_due.sql', 'alter table note add column due date')
    await reopen()
    await tenantry.migrations.up({ tenants: ['t-0'] })
    await admin.query(`insert into tenantry.migration (tenant_id, name, checksum)
      select t.id, m.name, m.checksum from tenantry.tenant t, tenantry.migration m
       where t.slug = 't-3' and m.name = '0002_due.sql' and m.tenant_id is not null limit 1`)
    const run = await tenantry.migrations.up()
    expect(run).toMatchObject({ done: 3, failed: 1, failures: [{ slug: 't-3', code: 'MIGRATION_UNPROVEN' }] })
  })
})

describe('L15: the making of a tenant', () => {
  it('drops nothing that others share, though its files begin by dropping what is there', async () => {
    await write('0001_note.sql', 'drop table if exists note cascade; create table note (text text)')
    await admin.query(`create table note (text text); insert into note values ('shared')`)
    await open(1)
    await until(async () => (await rowsOf('select from tenantry.warm_schema')).length === 1)
    await createTenants('warm', 'copied')
    await createTenants('later')
    expect(await rowsOf('select text from public.note')).toEqual([{ text: 'shared' }])
    expect(
      await rowsOf(`select from pg_tables where tablename = 'note' and schemaname like 'tenant\\_%'`),
    ).toHaveLength(3)
  })
})
