// Making the next migration file, and what is said of files that may lie in the wrong folder.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readMigrationFiles } from '../../src/features/migrations/migration-files.ts'
import { migrationWarnings } from '../../src/features/migrations/migration-warnings.ts'
import { newMigration } from '../../src/features/migrations/new-migration.ts'
import { loadConfig } from '../../src/surfaces/config/load-config.ts'
import { errorOf, migrationStage, type Texts } from './fixture.ts'

const stage = migrationStage()
const folder = () => join(stage.folder(), 'migrations')

describe('a new migration', () => {
  test('has the next number of its set, in SQL or TypeScript, and what is written can be read and run', async () => {
    expect(await newMigration(folder(), { name: 'invoices' })).toBe(join(folder(), 'tenant/0001_invoices.sql'))
    await stage.write({ 'migrations/tenant/0041_x.sql': '', 'migrations/tenant/helper.ts': '' })
    const path = await newMigration(folder(), { name: 'add-due_date', ts: true })
    expect(path).toBe(join(folder(), 'tenant/0042_add-due_date.ts'))
    expect(await newMigration(folder(), { name: 'invoices', shared: true })).toBe(
      join(folder(), 'shared/0001_invoices.sql'),
    )
    expect(await readFile(path, 'utf8')).toContain('export default defineMigration({')
    await stage.tenant('made', {})
  })

  const bad = ['', '../x', 'a b', 'a.sql', 'ä', '-a', 'a/b', 'a'.repeat(81), 'taken']
  test.each(bad)('is not made with the name %j', async (name) => {
    await stage.write({ 'migrations/tenant/0001_taken.sql': '' })
    expect(await errorOf(newMigration(folder(), { name }))).toMatchObject({ code: 'INVALID_INPUT', field: 'name' })
  })

  test('is not made past the last number, nor in a folder that another tool writes', async () => {
    await stage.write({ 'migrations/tenant/9999_x.sql': '', 'prisma/1_a/migration.sql': '' })
    expect(await errorOf(newMigration(folder(), { name: 'x2' }))).toMatchObject({ code: 'INVALID_INPUT' })
    const prisma = { tenant: { folder: join(stage.folder(), 'prisma') } }
    expect(await errorOf(newMigration(prisma, { name: 'x' }))).toMatchObject({
      code: 'CONFIGURATION_INVALID',
      fix: expect.stringContaining('prisma migrate dev') as string,
    })
    expect(await errorOf(newMigration(prisma, { name: 'x', shared: true }))).toMatchObject({
      code: 'CONFIGURATION_INVALID',
    })
  })
})

describe('a warning', () => {
  const said: readonly (readonly [string, Texts, RegExp])[] = [
    [
      'a shared table without tenant_id',
      { 'shared/0001_a.sql': 'create table if not exists public."notes" (id integer)' },
      /^shared\/0001_a\.sql makes the table notes without tenant_id/,
    ],
    [
      'a tenant table with tenant_id',
      { 'tenant/0001_a.sql': 'create table notes (id integer, tenant_id uuid)' },
      /^tenant\/0001_a\.sql names tenant_id/,
    ],
    [
      'a tenant table with tenant_id in code',
      { 'tenant/0001_a.ts': `defineMigration; 'tenant_id'` },
      /names tenant_id/,
    ],
    [
      'a tenant migration of the schema public',
      { 'tenant/0001_a.sql': 'select 1; alter table public.notes add a integer' },
      /changes the schema public/,
    ],
    [
      'a function of a tool that names public',
      {
        'tenant/1_a/migration.sql':
          'create table "public"."t" (); create function f() returns int language sql as $$ select 1 from public.t $$',
      },
      /in the body of a function/,
    ],
    [
      'a tenant folder in the shared one',
      { 'shared/tenant/0001_a.sql': 'select 1' },
      /shared\/tenant\/0001_a\.sql is not read/,
    ],
    [
      'a migrations folder in itself',
      { 'migrations/tenant/0001_a.sql': '' },
      /migrations\/migrations\/tenant\/0001_a\.sql is not read/,
    ],
    [
      'one file in both sets',
      { 'shared/0001_a.sql': 'select 1', 'tenant/0002_b.sql': 'select 1' },
      /tenant\/0002_b\.sql is the same as shared\/0001_a\.sql/,
    ],
    [
      'one name under two numbers',
      { 'tenant/0001_a.sql': 'select 1', 'tenant/0002_a.sql': 'select 2' },
      /tenant\/0002_a\.sql has the same name as tenant\/0001_a/,
    ],
  ]
  test.each(said)('is said of %s', async (_, files, message) => {
    for (const [name, text] of Object.entries(files)) await stage.write({ [`migrations/${name}`]: text })
    expect(migrationWarnings(await readMigrationFiles(folder()))).toEqual([expect.stringMatching(message)])
  })

  test('is not said of what is where it belongs', async () => {
    await stage.write({
      'migrations/shared/0001_a.sql': `create table notes (id integer, tenant_id uuid not null);
create table late (id integer);
-- tenantry: global a list of countries
create table countries (code text);
create table parts partition of notes default;
alter table late add tenant_id uuid`,
      'migrations/tenant/0001_a.sql': `create table prices (country text references public.countries, note text default 'public.x tenant_id');
insert into public.countries values ('DE')`,
    })
    expect(migrationWarnings(await readMigrationFiles(folder()))).toEqual([])
  })
})

describe('the setting `migrations`', () => {
  test('names the folders of both sets, from where the file is', async () => {
    await stage.write({
      'tenantry.yaml': 'migrations:\n  shared: { folder: db }\n  tenant: { folder: ./drizzle, format: drizzle }\n',
    })
    expect((await loadConfig({ cwd: stage.folder(), env: {} })).migrations).toEqual({
      shared: { folder: join(stage.folder(), 'db') },
      tenant: { folder: join(stage.folder(), 'drizzle'), format: 'drizzle' },
    })
  })

  test('with a format that does not exist is refused by its key', async () => {
    await stage.write({ 'tenantry.yaml': 'migrations: { tenant: { folder: a, format: rails } }\n' })
    expect(await errorOf(loadConfig({ cwd: stage.folder(), env: {} }))).toMatchObject({ code: 'CONFIGURATION_INVALID' })
  })
})
