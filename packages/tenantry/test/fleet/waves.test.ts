// Canary, waves, when a run stops, who joins it on its way, and what comes back after it.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createMigrations } from '../../src/features/migrations/create-migrations.ts'
import type { MigrationProgress } from '../../src/features/migrations/fleet.ts'
import { Progress } from '../../src/features/migrations/runner/progress.ts'
import { until } from '../harness/wait.ts'
import { fileOf, type FleetFixture, first, openFleetFixture, second } from './fixture.ts'

let fixture: FleetFixture

beforeAll(async () => {
  fixture = await openFleetFixture()
})
afterAll(() => fixture.close())
afterEach(() => fixture.clear())

const unique = fileOf('0002_unique.sql', 'alter table customer add unique (name)')
const spoil = (...numbers: readonly number[]) =>
  fixture.rows(numbers.map((n) => `insert into tenant_t_${n}.customer (name) values ('x'), ('x')`).join(';'))

test('the canary goes first, and where it fails nobody follows', async () => {
  await fixture.add(30)
  await spoil(9)
  const fleet = fixture.fleet([first, unique])
  const run = await fleet.up({ canary: ['t-20', 't-9', 't-1'] })
  expect(run).toMatchObject({ state: 'failed', done: 1, failed: 1, wave: 0, reason: 'The canary t-9 failed.' })
  expect(await fleet.status()).toMatchObject({ upToDate: 1, failed: 1, pending: 28 })
})

test('waves bring the fleet to their shares, one after the other', async () => {
  await fixture.add(50)
  const told: MigrationProgress[] = []
  const fleet = fixture.fleet([first, second])
  expect(await fleet.up({ waves: [0.1, 0.5] })).toMatchObject({
    ...{ state: 'stopped', done: 25, total: 50, wave: 2, reason: 'Its last wave does not reach all tenants.' },
  })
  const options = {
    canary: ['t-50'],
    waves: [0.2, 1],
    pauseMs: 5,
    onProgress: (at: MigrationProgress) => told.push(at),
  }
  expect(await fleet.up(options)).toMatchObject({ state: 'complete', done: 25, total: 25, wave: 2, upToDate: 25 })
  expect(told[0]).toMatchObject({ wave: 0, done: 0, leftMs: null })
})

test('the last of several tenants is told of, also where nothing follows for long', async () => {
  const told: number[] = []
  let done = 0
  const tally = () => ({ total: 9, upToDate: 0, done, failed: 0, wave: 1 })
  const progress = new Progress({ runId: 'one', tally, tell: (seen) => told.push(seen.done) })
  for (done of [1, 2, 3]) progress.update()
  await until(() => told.at(-1) === 3)
  progress.close()
  expect(told).toEqual([1, 3])
})

test('too many failures stop it, counted from the tenth tenant', async () => {
  await fixture.add(60)
  await spoil(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
  const fleet = fixture.fleet([first, unique])
  const run = await fleet.up({ connections: 1, batchSize: 5 })
  expect(run).toMatchObject({ state: 'failed', done: 0, failed: 10, reason: 'Of 10 tenants 10 failed.' })
  expect(run.failures).toHaveLength(10)
  expect(await fleet.status()).toMatchObject({ pending: 50 })
  expect(await fleet.up({ maxFailureRatio: 1 })).toMatchObject({ state: 'failed', done: 50, failed: 10, reason: null })
})

test('a signal stops it after what is under way, and the next run goes on', async () => {
  await fixture.add(40)
  const controller = new AbortController()
  const fleet = fixture.fleet([first, second])
  const release = await fixture.hold('tenant_t_20.invoice')
  const running = fleet.up({ batchSize: 2, connections: 1, signal: controller.signal, lockTimeoutMs: 60_000 })
  await until(async () => (await fleet.status()).upToDate > 0)
  controller.abort()
  await release()
  const run = await running
  expect(run).toMatchObject({ state: 'stopped', reason: 'It was told to stop.', failed: 0 })
  expect(run.done).toBeLessThan(40)
  expect(await fleet.up()).toMatchObject({ state: 'complete', done: 40 - run.done, upToDate: run.done })
})

test('tenants that appear while it runs are brought along', async () => {
  await fixture.add(10)
  const fleet = fixture.fleet([first, second])
  const release = await fixture.hold('tenant_t_10.invoice')
  const running = fleet.up({ batchSize: 2, connections: 1, lockTimeoutMs: 60_000 })
  await until(async () => (await fleet.status()).upToDate > 0)
  await late()
  await release()
  expect(await running).toMatchObject({ state: 'complete', done: 15 })
  expect(await fleet.status()).toMatchObject({ pending: 0 })

  async function late(): Promise<void> {
    await fixture.rows(`with made as (
        insert into tenantry.tenant (id, slug, name, status, isolation, schema_name, provisioned_at, migration_version)
        select gen_random_uuid(), 'late-' || n, 'late', 'active', 'schema', 'tenant_late_' || n, now(), 0 from generate_series(1, 5) n
        returning schema_name)
      select count(*) from made`)
    await fixture.rows(Array.from({ length: 5 }, (_, at) => `create schema tenant_late_${at + 1}`).join(';'))
  }
})

test('a deleted tenant comes back as the others are, or not at all', async () => {
  await fixture.add(3)
  const files = [
    first,
    unique,
    fileOf('0003_idx.sql', '-- tenantry: no-transaction\ncreate index concurrently by_total on invoice (total)'),
  ]
  const migrations = createMigrations({ files: { shared: [], tenant: files }, roles: fixture.instance.roles })
  const tenants = fixture.tenants({ participants: [migrations.participant] })
  await spoil(3)
  await tenants.delete('t-2')
  await tenants.delete('t-3')
  await expect(tenants.restore('t-2')).rejects.toMatchObject({ code: 'MIGRATION_INCOMPLETE' })
  expect(await fixture.fleet(files).up()).toMatchObject({ state: 'complete', total: 1, done: 1 })
  expect(await tenants.restore('t-2')).toMatchObject({ status: 'active' })
  await expect(tenants.restore('t-3')).rejects.toMatchObject({ code: 'MIGRATION_FAILED' })
  expect(await tenants.get('t-3')).toMatchObject({ status: 'deleted' })
  expect(await fixture.unlikeReference()).toEqual([])
  expect(await fixture.fleet(files).status()).toMatchObject({ total: 2, upToDate: 2 })
})

test('files that run outside of a transaction run between the others, tenant by tenant, and the end is proven', async () => {
  await fixture.add(6)
  const files = [
    first,
    second,
    fileOf('0003_idx.sql', '-- tenantry: no-transaction\ncreate index concurrently by_total on invoice (total)'),
    fileOf('0004_note.sql', 'create table note (text text)'),
  ]
  await fixture.rows('alter table tenant_t_4.invoice add column by_hand text')
  const fleet = fixture.fleet(files)
  const run = await fleet.up({ connections: 2 })
  expect(run).toMatchObject({
    state: 'failed',
    done: 5,
    failed: 1,
    failures: [{ slug: 't-4', code: 'MIGRATION_UNPROVEN' }],
  })
  expect(await fixture.unlikeReference()).toEqual(['t-4'])
  expect(await fleet.status()).toMatchObject({ upToDate: 5, failed: 1, pending: 0 })
  await fixture.rows('alter table tenant_t_4.invoice drop column by_hand')
  expect(await fleet.retry()).toMatchObject({ state: 'complete', done: 1 })
  expect(await fixture.rows('select from tenantry.migration_step')).toHaveLength(0)
})

test('one tenant is migrated through the same proof', async () => {
  await fixture.add(2)
  const migrations = createMigrations({ files: { shared: [], tenant: [first, second] }, roles: fixture.instance.roles })
  expect(await migrations.migrateTenant(fixture.admin, 't-1')).toEqual([second.name])
  expect(await migrations.migrateTenant(fixture.admin, 't-1')).toEqual([])
  await fixture.rows('alter table tenant_t_2.invoice add column by_hand text')
  await expect(migrations.migrateTenant(fixture.admin, 't-2')).rejects.toMatchObject({ code: 'MIGRATION_UNPROVEN' })
  expect(await fixture.fleet([first, second]).status()).toMatchObject({ upToDate: 1, pending: 1 })
})
