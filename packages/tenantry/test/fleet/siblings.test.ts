// Tenant migrations that name the schema of one tenant: whatever they would do there, no tenant is touched.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { MigrationFile } from '../../src/features/migrations/migration-file.ts'
import { fileOf, type FleetFixture, first, openFleetFixture } from './fixture.ts'

let fixture: FleetFixture

beforeAll(async () => {
  fixture = await openFleetFixture()
})
afterAll(() => fixture.close())
afterEach(() => fixture.clear())

const statements: readonly (readonly [string, string])[] = [
  ['reads', 'insert into customer (name) select name from tenant_t_2.customer'],
  ['writes', `update tenant_t_2.customer set name = 'mine'`],
  ['empties', 'truncate tenant_t_2.invoice'],
  ['alters', 'alter table tenant_t_2.customer add column mine text'],
  ['drops a table of', 'drop table tenant_t_2.invoice'],
  ['drops', 'drop schema tenant_t_2 cascade'],
  ['makes a table in', 'create table tenant_t_2.mine (id integer)'],
  ['points at', 'alter table invoice add foreign key (customer_id) references tenant_t_2.customer'],
  ['by a text of its own, writes', `do $do$ begin execute 'delete from ' || 'tenant_' || 't_2.customer'; end $do$`],
  [
    'by a text of its own, drops a table of',
    `do $do$ begin execute 'drop table ' || 'tenant_' || 't_2.invoice'; end $do$`,
  ],
]

test.each(statements)('one that %s another tenant’s schema fails before any tenant is touched', async (_, text) => {
  await fixture.add(3)
  await expect(fixture.fleet([first, fileOf('0002_sibling.sql', text)]).up()).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringMatching(/reached outside of the schema tenantry_reference: /) as string,
  })
  expect(await fixture.fleet([first]).status()).toMatchObject({ total: 3, upToDate: 3 })
  expect(await fixture.unlikeReference()).toEqual([])
})

test('so does one in code that does it for one tenant alone, in that tenant', async () => {
  await fixture.add(6)
  const text = 'code that is not loaded'
  const code: MigrationFile = {
    ...fileOf('0002_sibling.ts', text),
    run: async (client) => {
      if (client.schemaName === 'tenant_t_1') await client.query('drop table tenant_t_2.invoice')
    },
  }
  const run = await fixture.fleet([first, code]).up({ maxFailureRatio: 1 })
  expect(run).toMatchObject({ state: 'failed', done: 5, failed: 1 })
  expect(run.failures).toMatchObject([
    { slug: 't-1', code: 'MIGRATION_FAILED', message: expect.stringContaining('another tenant’s invoice') as string },
  ])
  expect(await fixture.unlikeReference()).toEqual([])
})

test('what a tenant drops of its own, rewrites and makes for a while is its own', async () => {
  await fixture.add(4)
  const own = fileOf(
    '0002_own.sql',
    `alter table invoice alter total type double precision; create temporary table sum as select 1 as n; drop table sum;
     create table gone (id integer); drop table gone; drop table invoice`,
  )
  expect(await fixture.fleet([first, own]).up()).toMatchObject({ state: 'complete', done: 4, failures: [] })
})

test('tenants that lack different files share a transaction', async () => {
  await fixture.add(4)
  const [second, third] = ['second', 'third'].map((name, at) =>
    fileOf(`000${at + 2}_${name}.sql`, `alter table invoice add column ${name} text`),
  ) as [MigrationFile, MigrationFile]
  await fixture.fleet([first, second]).up({ tenants: ['t-1', 't-2'] })
  expect(await fixture.fleet([first, second, third]).up({ connections: 1 })).toMatchObject({ done: 4, failures: [] })
  const { rows } = await fixture.admin.query<{ ids: number }>(
    `select count(distinct xmin::text)::int as ids from tenantry.migration_state`,
  )
  expect(rows).toEqual([{ ids: 1 }])
})
