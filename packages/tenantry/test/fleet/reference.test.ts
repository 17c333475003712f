import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { chainOf, ensureReference } from '../../src/features/migrations/reference.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'
import { fileOf } from './fixture.ts'

let fixture: TenantsFixture

beforeAll(async () => {
  fixture = await openTenantsFixture()
})
afterAll(() => fixture.close())
beforeEach(async () => {
  await rows('drop schema if exists tenantry_reference cascade; delete from tenantry.migration_reference')
})

const rows = async (text: string, values?: readonly unknown[]) => (await fixture.admin.query(text, values)).rows
const ensure = (...files: readonly ReturnType<typeof fileOf>[]) =>
  ensureReference(fixture.admin, files, fixture.instance.roles)
const tables = () =>
  rows(`select relname as name, relforcerowsecurity as forced from pg_class
    where relnamespace = to_regnamespace('tenantry_reference') and relkind = 'r' order by 1`)

const a = fileOf('0001_a.sql', 'create table a (id integer primary key)')
const b = fileOf('0002_b.sql', 'create table b (id integer references a)')

test('carries every tenant migration, guarded, and grows with the folder', async () => {
  const first = await ensure(a)
  expect(first).toMatchObject({ schemaName: 'tenantry_reference', chain: chainOf([a]), newest: '0001_a.sql' })
  const second = await ensure(a, b)
  expect(second.fingerprint).not.toBe(first.fingerprint)
  expect(await ensure(a, b)).toEqual(second)
  expect(await tables()).toEqual([
    { name: 'a', forced: true },
    { name: 'b', forced: true },
  ])
})

test('is made once by ten processes that ask at once, also of no files at all', async () => {
  const made = await Promise.all(Array.from({ length: 10 }, () => ensure()))
  expect(new Set(made.map(({ fingerprint }) => fingerprint)).size).toBe(1)
  expect(made[0]?.newest).toBeNull()
})

test('that somebody changed or dropped is made anew', async () => {
  const first = await ensure(a)
  await rows('alter table tenantry_reference.a add column by_hand text')
  expect(await ensure(a)).toEqual(first)
  await rows('drop schema tenantry_reference cascade')
  expect(await ensure(a)).toEqual(first)
})

test('lets a file that failed for every tenant be mended, but none that a tenant carries', async () => {
  await rows('create table if not exists public.currency (code text primary key)')
  const first = fileOf('0001_a.sql', 'create table a (code text references public.currency)')
  await ensure(first)
  const mended = fileOf('0001_a.sql', 'create table a (id bigint, code text references public.currency)')
  await ensure(mended)
  const tenants = fixture.tenants()
  const tenant = await tenants.create({ name: 'Carries', slug: 'carries', isolation: 'schema' })
  await rows('insert into tenantry.migration (tenant_id, name, checksum) values ($1, $2, $3)', [
    ...[tenant.id, mended.name, mended.checksum],
  ])
  await expect(ensure(first)).rejects.toMatchObject({ code: 'MIGRATION_CHANGED' })
  await expect(ensure()).rejects.toMatchObject({ code: 'MIGRATION_MISSING' })
  expect(await ensure(mended)).toMatchObject({ newest: '0001_a.sql' })
  await rows('delete from tenantry.migration')
})

test('that a file fails in stays as it was', async () => {
  const first = await ensure(a)
  await expect(ensure(a, fileOf('0002_b.sql', 'create table b (id intger)'))).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringContaining('0002_b.sql, line 1') as string,
  })
  expect(await ensure(a)).toEqual(first)
})

test('never takes a schema that is not its own', async () => {
  await rows('create schema tenantry_reference')
  await expect(ensure(a)).rejects.toMatchObject({ code: 'SCHEMA_EXISTS' })
})

test('cannot be given to a tenant', async () => {
  await expect(
    fixture.tenants().create({ name: 'Sly', slug: 'sly', isolation: 'schema', schemaName: 'tenantry_reference' }),
  ).rejects.toMatchObject({ code: 'SCHEMA_NAME_INVALID' })
})
