// What the guards in the database are worth: each one is taken away, in the database alone, and the very rows that the
// other tests never see come into view. Without these, those tests could pass for a reason of their own.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
let admin: CentralDatabase
let tenantry: Tenantry
let folder: string
const ids: Record<string, string> = {}

beforeAll(async () => {
  database = await createTestDatabase()
  admin = openCentralDatabase({ url: database.adminUrl })
  folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-guards-'))
  await mkdir(path.join(folder, 'tenant'))
  await writeFile(path.join(folder, 'tenant', '0001_own.sql'), 'create table own (text text);')
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: folder })
  await tenantry.asCentral('a table', (central) => central.query('create table shared (text text)'))
  await tenantry.protect('shared')
  for (const slug of ['acme', 'globex', 'north', 'south']) {
    const isolation = slug === 'north' || slug === 'south' ? 'schema' : 'row'
    ids[slug] = (await tenantry.tenants.create({ name: slug, slug, isolation })).id
    const table = isolation === 'schema' ? 'own' : 'shared'
    await tenantry.scope(slug).query(`insert into ${table} (text) values ($1)`, [slug])
  }
})

afterAll(async () => {
  await tenantry.close()
  await admin.close()
  await rm(folder, { recursive: true, force: true })
  await database.drop()
})

const seen = async (slug: string, text: string) =>
  (await tenantry.scope(slug).query<{ text: string }>(text)).rows.map((row) => row.text).sort()

/** Runs the work while the guard is away. */
async function without<T>(guard: { away: string; back: string }, work: () => Promise<T>): Promise<T> {
  await admin.query(guard.away)
  try {
    return await work()
  } finally {
    await admin.query(guard.back)
  }
}

/** A function or policy as the catalogue has it. */
async function definition(text: string): Promise<string> {
  const { rows } = await admin.query<{ text: string }>(text)
  return rows[0]?.text ?? ''
}

test('without the signature check a swapped tenant id reads the other tenant', async () => {
  const swap = `select (xpath('//text/text()', query_to_xml('select text from shared', true, false, '')))[1]::text as text
    from (select set_config('tenantry.context', replace(current_setting('tenantry.context'), '${ids.acme ?? ''}',
      '${ids.globex ?? ''}'), true) as set) s where set is not null`
  const refused = { code: 'CONTEXT_INVALID' }
  await expect(seen('acme', swap)).rejects.toMatchObject(refused)
  const trusting = {
    away: `create or replace function tenantry.current_tenant_id() returns uuid language plpgsql stable parallel safe
      security definer set search_path = pg_catalog, pg_temp as $$ begin return tenantry.claimed_tenant_id(); end $$`,
    back: await definition("select pg_get_functiondef('tenantry.current_tenant_id()'::regprocedure) as text"),
  }
  expect(await without(trusting, () => seen('acme', swap))).toEqual(['globex'])
  await expect(seen('acme', swap)).rejects.toMatchObject(refused)
})

test('beside an open policy, or without row security, a shared table shows the rows of every tenant', async () => {
  const all = 'select text from shared'
  expect(await seen('acme', all)).toEqual(['acme'])
  const app = await definition("select quote_ident('tn_' || id || '_app') as text from tenantry.instance")
  const open = {
    away: `create policy everyone on shared to ${app} using (true)`,
    back: 'drop policy everyone on shared',
  }
  expect(await without(open, () => seen('acme', all))).toEqual(['acme', 'globex'])
  const unforced = {
    away: 'alter table shared disable row level security',
    back: 'alter table shared enable row level security',
  }
  expect(await without(unforced, () => seen('acme', all))).toEqual(['acme', 'globex'])
  expect(await seen('acme', all)).toEqual(['acme'])
})

test('without the guard a qualified name reads the other schema', async () => {
  const across = 'select text from tenant_south.own'
  expect(await seen('north', across)).toEqual([])
  // What the guard shows nobody else, nobody else may write either.
  const write = "insert into tenant_south.own (text) values ('foreign') returning text"
  await expect(seen('north', write)).rejects.toMatchObject({ code: '42501' })
  // The guard as it was made, as a statement that makes it again.
  const back = await definition(
    `select format('create policy tenantry_guard on tenant_south.own to %I using (%s)',
       pg_get_userbyid(polroles[1]), pg_get_expr(polqual, polrelid)) as text
     from pg_policy where polrelid = 'tenant_south.own'::regclass and polname = 'tenantry_guard'`,
  )
  const unguarded = {
    away: 'alter table tenant_south.own disable row level security',
    back: 'alter table tenant_south.own enable row level security',
  }
  expect(await without(unguarded, () => seen('north', across))).toEqual(['south'])
  const dropped = { away: 'drop policy tenantry_guard on tenant_south.own', back }
  // Without any policy for app, forced row security shows nothing at all, to the owner's tenant neither.
  expect(await without(dropped, () => seen('south', 'select text from own'))).toEqual([])
  const opened = {
    away: 'alter policy tenantry_guard on tenant_south.own using (true)',
    back: `drop policy tenantry_guard on tenant_south.own; ${back}`,
  }
  expect(await without(opened, () => seen('north', across))).toEqual(['south'])
  expect(await seen('north', across)).toEqual([])
  expect(await seen('south', 'select text from own')).toEqual(['south'])
})

test.each([
  ['a shared table', 'public.shared', 2],
  ['a table of a tenant’s schema', 'tenant_south.own', 1],
])(
  'without its central policy the owner of %s is blind: no row to update, no orphan to find',
  async (_what, table, rows) => {
    const touch = async () => (await admin.query(`update ${table} set text = text`)).rowCount
    expect(await touch()).toBe(rows)
    const back = await definition(
      `select format('create policy tenantry_central on ${table} to %I using (true) with check (true)',
       pg_get_userbyid(polroles[1])) as text
     from pg_policy where polrelid = '${table}'::regclass and polname = 'tenantry_central'`,
    )
    await without({ away: `drop policy tenantry_central on ${table}`, back }, async () => {
      expect(await touch()).toBe(0)
      const { rows: counted } = await tenantry.asCentral('count', (central) =>
        central.query(`select count(*)::int as n from ${table}`),
      )
      expect(counted).toEqual([{ n: 0 }])
    })
    expect(await touch()).toBe(rows)
  },
)
