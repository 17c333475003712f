// Files that need the commit of a file before them, which those that run together do not have.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createMigrations } from '../../src/features/migrations/create-migrations.ts'
import { fileOf, type FleetFixture, first, openFleetFixture } from './fixture.ts'

let fixture: FleetFixture

beforeAll(async () => {
  fixture = await openFleetFixture()
})
afterAll(() => fixture.close())
afterEach(async () => {
  await fixture.rows('drop type if exists public.tone')
  await fixture.clear()
})

const mood = fileOf('0002_mood.sql', `create type mood as enum ('fair'); alter table customer add mood mood`)
const value = fileOf('0003_value.sql', `alter type mood add value 'good'`)
const use = fileOf('0004_use.sql', `alter table customer alter mood set default 'good'`)
const table = fileOf('0005_table.sql', 'create table note (mood mood)')

test('a value that one file adds is used by the next one, in every tenant', async () => {
  await fixture.add(30)
  await fixture.fleet([first, mood]).up()
  const fleet = fixture.fleet([first, mood, value, use, table])
  expect(await fleet.up({ connections: 2 })).toMatchObject({ state: 'complete', done: 30, failures: [] })
  expect(await fixture.unlikeReference()).toEqual([])
  expect(await fleet.status()).toMatchObject({ upToDate: 30, pending: 0 })
})

test('so it is in one tenant alone, and among shared files', async () => {
  await fixture.add(2)
  await fixture.fleet([first, mood]).up()
  const shared = [
    fileOf('0001_tone.sql', `create type public.tone as enum ('low')`),
    fileOf('0002_high.sql', `alter type public.tone add value 'high'`),
    fileOf('0003_use.sql', `do $do$ begin perform 'high'::public.tone; end $do$`),
  ]
  const migrationsOf = (count: number) =>
    createMigrations({
      files: { shared: shared.slice(0, count), tenant: [first, mood, value, use] },
      roles: fixture.instance.roles,
    })
  await migrationsOf(1).applyShared(fixture.admin)
  expect(await migrationsOf(3).applyShared(fixture.admin)).toEqual(['0002_high.sql', '0003_use.sql'])
  expect(await migrationsOf(3).migrateTenant(fixture.admin, 't-1')).toEqual([value.name, use.name])
})

test('where one file adds a value and uses it, the failure says what to do', async () => {
  await fixture.add(3)
  await fixture.fleet([first, mood]).up()
  const both = fileOf('0003_both.sql', `${value.text}; ${use.text}`)
  await expect(fixture.fleet([first, mood, both]).up()).rejects.toMatchObject({
    ...{ code: 'MIGRATION_FAILED', sqlState: '55P04', message: expect.stringContaining(both.name) as string },
    fix: expect.stringContaining('later file') as string,
  })
})

test('a table with checks to come is altered once they were made', async () => {
  await fixture.add(3)
  const deferred = fileOf(
    '0002_deferred.sql',
    `alter table invoice alter constraint invoice_customer_id_fkey deferrable initially deferred`,
  )
  await fixture.fleet([first, deferred]).up()
  await fixture.rows(`alter table tenant_t_2.customer no force row level security;
    insert into tenant_t_2.customer (name) values ('x'); alter table tenant_t_2.customer force row level security`)
  const files = [
    ...[first, deferred],
    fileOf('0003_rows.sql', 'insert into invoice (customer_id, total) select id, 1 from customer'),
    fileOf('0004_alter.sql', 'alter table invoice add column paid boolean'),
  ]
  expect(await fixture.fleet(files).up()).toMatchObject({ state: 'complete', done: 3, failures: [] })
  expect(await fixture.unlikeReference()).toEqual([])
})
