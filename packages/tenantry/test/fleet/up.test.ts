import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { MigrationProgress } from '../../src/features/migrations/fleet.ts'
import { fileOf, type FleetFixture, first, openFleetFixture, second } from './fixture.ts'

let fixture: FleetFixture

beforeAll(async () => {
  fixture = await openFleetFixture()
})
afterAll(() => fixture.close())
afterEach(() => fixture.clear())

const versions = () =>
  fixture.rows('select migration_version as version, count(*)::int from tenantry.tenant group by 1 order by 1')

test('brings every tenant to the newest migration, proven, and then finds nothing to do', async () => {
  await fixture.add(60)
  const fleet = fixture.fleet([first, second])
  expect(await fleet.status()).toMatchObject({
    target: second.name,
    total: 60,
    upToDate: 0,
    pending: 60,
    failed: 0,
    run: null,
  })
  const told: MigrationProgress[] = []
  const run = await fleet.up({ onProgress: (progress) => told.push(progress) })
  expect(run).toMatchObject({
    ...{
      state: 'complete',
      target: second.name,
      total: 60,
      done: 60,
      failed: 0,
      upToDate: 0,
      failures: [],
      reason: null,
    },
    finishedAt: expect.any(String) as string,
  })
  expect(told.at(-1)).toMatchObject({ state: 'complete', total: 60, done: 60 })
  expect(await versions()).toEqual([{ version: 2, count: 60 }])
  expect(await fixture.unlikeReference()).toEqual([])
  expect(await fleet.status()).toMatchObject({
    ...{ upToDate: 60, pending: 0, versions: [{ migration: second.name, tenants: 60 }] },
    run: { runId: run.runId, state: 'complete' },
  })
  expect(await fleet.up()).toMatchObject({ state: 'complete', upToDate: 60, total: 0, done: 0 })
  expect(await fleet.runs()).toHaveLength(1)
  expect(
    await fixture.rows(
      `select action, detail->>'runId' as run from tenantry.audit_entry where action like 'migrations.%'
      and detail->>'runId' = $1 order by seq`,
      [run.runId],
    ),
  ).toEqual(['migrations.up', 'migrations.complete'].map((action) => ({ action, run: run.runId })))
  expect(
    await fixture.rows(`select type from tenantry.event where payload->>'runId' = $1 order by seq`, [run.runId]),
  ).toEqual([{ type: 'migrations.started' }, { type: 'migrations.ended' }])
})

test('guards a table that a migration makes', async () => {
  await fixture.add(30)
  const run = await fixture.fleet([first, fileOf('0002_note.sql', 'create table note (text text)')]).up()
  expect(run).toMatchObject({ state: 'complete', done: 30 })
  expect(
    await fixture.rows(`select count(*)::int from pg_policy p join pg_class c on c.oid = p.polrelid
      where c.relname = 'note' and p.polname = 'tenantry_guard'`),
  ).toEqual([{ count: 31 }])
})

test('a file that cannot work fails before any tenant is touched', async () => {
  await fixture.add(5)
  const fleet = fixture.fleet([first, fileOf('0002_bad.sql', 'alter table invoice\nadd colunm x text')])
  await expect(fleet.up()).rejects.toMatchObject({ code: 'MIGRATION_FAILED', sqlState: '42601' })
  expect(await versions()).toEqual([{ version: 1, count: 5 }])
  expect(await fleet.runs()).toMatchObject([
    { state: 'failed', done: 0, reason: expect.stringContaining('0002_bad.sql, line 2') as string },
  ])
})

test('one tenant of 500 whose data a migration does not fit fails, 499 are done and proven, and retry mends', async () => {
  await fixture.add(500)
  await fixture.rows(`insert into tenant_t_37.customer (name) values ('twice'), ('twice')`)
  const unique = fileOf('0002_unique.sql', 'alter table customer add unique (name)')
  const fleet = fixture.fleet([first, unique])
  const run = await fleet.up()
  expect(run).toMatchObject({ state: 'failed', total: 500, done: 499, failed: 1, reason: null })
  expect(run.failures).toMatchObject([
    { slug: 't-37', code: 'MIGRATION_FAILED', sqlState: '23505', migration: unique.name, attempts: 1 },
  ])
  expect(JSON.stringify(run.failures)).not.toContain('twice')
  expect(await fixture.unlikeReference()).toEqual(['t-37'])
  expect(await fleet.status()).toMatchObject({ upToDate: 499, failed: 1, pending: 0 })
  expect((await fleet.retry()).failures).toMatchObject([{ slug: 't-37', attempts: 2 }])
  await fixture.rows('delete from tenant_t_37.customer where id = 2')
  expect(await fleet.retry()).toMatchObject({ state: 'complete', total: 1, done: 1, failures: [] })
  expect(await fleet.status()).toMatchObject({ upToDate: 500, failed: 0, pending: 0 })
  expect(await fleet.runs()).toHaveLength(3)
}, 60_000)

test('a text that is wrong in one tenant alone fails there, and nowhere else', async () => {
  await fixture.add(60)
  await fixture.rows(`insert into tenant_t_37.customer (name) values ('colunm')`)
  const built = `do $do$ begin
      execute 'alter table invoice add ' || coalesce((select name from customer), 'column') || ' extra text';
    end $do$`
  const run = await fixture.fleet([first, fileOf('0002_built.sql', built)]).up()
  expect(run).toMatchObject({ state: 'failed', done: 59, failed: 1 })
  expect(run.failures).toMatchObject([{ slug: 't-37', code: 'MIGRATION_FAILED', sqlState: '42601' }])
  expect(await fixture.unlikeReference()).toEqual(['t-37'])
})

test('a schema that was changed by hand is reported unproven, and untouched', async () => {
  await fixture.add(30)
  await fixture.rows('alter table tenant_t_7.invoice add column by_hand text')
  const run = await fixture.fleet([first, second]).up()
  expect(run).toMatchObject({ state: 'failed', done: 29, failed: 1 })
  expect(run.failures).toMatchObject([{ slug: 't-7', code: 'MIGRATION_UNPROVEN', migration: null }])
  expect(
    await fixture.rows(
      `select attname from pg_attribute where attrelid = 'tenant_t_7.invoice'::regclass and attnum > 0`,
    ),
  ).not.toContainEqual({ attname: 'paid' })
  expect(
    await fixture.rows(`select m.name from tenantry.migration m join tenantry.tenant t on t.id = tenant_id
    where slug = 't-7'`),
  ).toEqual([{ name: first.name }])
})

test('a guard that was taken away is no proof either, also of a tenant that lacks no file', async () => {
  await fixture.add(3)
  await fixture.rows(`delete from tenantry.migration_state;
    alter policy tenantry_guard on tenant_t_2.invoice using (true) with check (true)`)
  const run = await fixture.fleet([first]).up()
  expect(run).toMatchObject({ done: 2, failed: 1, failures: [{ slug: 't-2', code: 'MIGRATION_UNPROVEN' }] })
})

test('a file that tenants carry otherwise stops the run before it begins', async () => {
  await fixture.add(3)
  const changed = fileOf(first.name, `${first.text}; select 1`)
  await expect(fixture.fleet([changed, second]).up()).rejects.toMatchObject({ code: 'MIGRATION_CHANGED' })
  await expect(fixture.fleet([second]).up()).rejects.toMatchObject({ code: 'MIGRATION_MISSING' })
  await expect(fixture.fleet([second]).up({ dryRun: true })).rejects.toMatchObject({ code: 'MIGRATION_MISSING' })
  expect(await versions()).toEqual([{ version: 1, count: 3 }])
})

test('a dry run says what there is to do, and does nothing', async () => {
  await fixture.add(4)
  const fleet = fixture.fleet([first, second])
  expect(await fleet.up({ dryRun: true })).toMatchObject({ dryRun: true, total: 4, done: 0, target: second.name })
  expect(await versions()).toEqual([{ version: 1, count: 4 }])
  expect(await fleet.runs()).toEqual([])
})

test('may be over named tenants or a plan alone', async () => {
  await fixture.add(6)
  await fixture.rows(`update tenantry.tenant set plan = 'pro' where slug in ('t-2', 't-3')`)
  const fleet = fixture.fleet([first, second])
  expect(await fleet.up({ tenants: ['t-1'] })).toMatchObject({ state: 'complete', total: 1, done: 1 })
  expect(await fleet.up({ filter: { plan: 'pro' } })).toMatchObject({ total: 2, done: 2 })
  expect(await fleet.up({ filter: { isolation: 'row' } })).toMatchObject({ total: 0, done: 0 })
  expect(await fleet.status()).toMatchObject({ upToDate: 3, pending: 3 })
  await expect(fleet.up({ tenants: ['nobody'] })).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
})

test('suspended tenants are brought along, deleted ones are not', async () => {
  await fixture.add(4)
  await fixture.rows(`update tenantry.tenant set status = 'suspended' where slug = 't-1';
    update tenantry.tenant set status = 'inactive' where slug = 't-2'`)
  await fixture.tenants().delete('t-3')
  expect(await fixture.fleet([first, second]).up()).toMatchObject({ state: 'complete', total: 3, done: 3 })
})

test('shared migrations go first', async () => {
  await fixture.add(2)
  const currency = fileOf('0001_currency.sql', 'create table public.currency (code text primary key)')
  const tenant = [
    first,
    fileOf('0002_currency.sql', 'alter table invoice add currency text references public.currency'),
  ]
  const fleet = fixture.fleet(tenant, { files: { shared: [currency], tenant } })
  expect(await fleet.status()).toMatchObject({ shared: { applied: 0, pending: [currency.name] } })
  expect(await fleet.up()).toMatchObject({ state: 'complete', shared: [currency.name], done: 2 })
  expect(await fleet.status()).toMatchObject({ shared: { applied: 1, pending: [] } })
})

test('numbers that are none are refused', async () => {
  const fleet = fixture.fleet([first])
  for (const wrong of [{ connections: 0 }, { batchSize: 1.5 }, { waves: [] }, { waves: [0.5, 0.1] }, { waves: [2] }]) {
    await expect(fleet.up(wrong)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  }
  await expect(fleet.up({ maxFailureRatio: 7 })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
})
