// Shared migrations that run outside of a transaction, whose process is killed between two statements.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createMigrations } from '../../src/features/migrations/create-migrations.ts'
import type { MigrationFile } from '../../src/features/migrations/migration-file.ts'
import { startChild } from '../harness/child-process.ts'
import { until } from '../harness/wait.ts'
import { fileOf, type FleetFixture, openFleetFixture } from './fixture.ts'

let fixture: FleetFixture

beforeAll(async () => {
  fixture = await openFleetFixture()
})
afterAll(() => fixture.close())
afterEach(async () => {
  await fixture.rows('drop table if exists public.step; drop table if exists public.held')
  await fixture.clear()
})

const done = 'create table public.step (n integer);\ninsert into public.step values (1);\n'
const fileWith = (text: string) => fileOf('0001_steps.sql', `-- tenantry: no-transaction\n${text}`)
const file = fileWith(
  `${done}alter table public.held add more integer;\ncreate index concurrently by_more on public.held (more)`,
)

const apply = (shared: MigrationFile) =>
  createMigrations({ files: { shared: [shared], tenant: [] }, roles: fixture.instance.roles }).applyShared(
    fixture.admin,
  )

/** Kills a process that applies the file while its third statement waits for a lock. */
const killInTheMiddle = async (): Promise<void> => {
  await fixture.rows('create table public.held (id integer)')
  const release = await fixture.hold('public.held')
  const running = startChild(new URL('fleet-child.ts', import.meta.url), {
    args: [fixture.url, '[]', JSON.stringify({ heartbeatMs: 50, leaseMs: 400 }), '{}', JSON.stringify([file])],
  })
  await until(
    async () =>
      (await fixture.rows('select done from tenantry.migration_step where tenant_id is null'))[0]?.['done'] === 2,
  )
  await running.kill()
  await release()
}

test('one goes on at the first statement that is not done', async () => {
  await killInTheMiddle()
  expect(await apply(file)).toEqual([file.name])
  expect(await fixture.rows('select n from public.step')).toEqual([{ n: 1 }])
  expect(
    await fixture.rows(`select indisvalid as valid from pg_index where indexrelid = 'public.by_more'::regclass`),
  ).toEqual([{ valid: true }])
  expect(await fixture.rows('select from tenantry.migration_step')).toEqual([])
  expect(await apply(file)).toEqual([])
})

test('what is done of one must not change, what is not may be mended', async () => {
  await killInTheMiddle()
  await expect(apply(fileWith('create table public.step (n bigint);\nselect 1;\nselect 2'))).rejects.toMatchObject({
    code: 'MIGRATION_CHANGED',
  })
  expect(await apply(fileWith(`${done}select 'something else'`))).toEqual([file.name])
  expect(await fixture.rows('select n from public.step')).toEqual([{ n: 1 }])
})
