// Runs whose process is killed at random, again and again. TENANTRY_FLEET says over how many tenants; default 120.
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChild, type TestChild } from '../harness/child-process.ts'
import { until } from '../harness/wait.ts'
import { fileOf, type FleetFixture, first, openFleetFixture, second } from './fixture.ts'

let fixture: FleetFixture

beforeAll(async () => {
  fixture = await openFleetFixture()
})
afterAll(() => fixture.close())

const MANY = Number(process.env['TENANTRY_FLEET'] ?? 120)
const KILLS = 10

const files = [
  first,
  second,
  fileOf('0003_lines.sql', '-- tenantry: no-transaction\ncreate table line (id bigint); insert into line values (1)'),
  fileOf('0004_total.sql', '-- tenantry: no-transaction\ncreate index concurrently by_total on invoice (total)'),
  // Slow enough that ten of them do not get to the end before they are killed.
  fileOf('0005_note.sql', 'create table note (id bigint primary key, text text); select pg_sleep(0.02)'),
]

const start = (): TestChild =>
  startChild(new URL('fleet-child.ts', import.meta.url), {
    args: [
      ...[fixture.url, JSON.stringify(files), JSON.stringify({ heartbeatMs: 50, leaseMs: 300 })],
      JSON.stringify({ batchSize: 4, connections: 2 }),
    ],
  })

test(`a run over ${MANY} tenants that is killed ten times ends complete and proven`, async () => {
  await fixture.add(MANY)
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const running = start()
    // Some before they touch a tenant: while they take the lease over, or see to the reference.
    const isEarly = kill % 4 === 0
    if (isEarly) await running.line(/^started/)
    else await hasDone(running, Math.random() * (MANY / 12))
    await delay(Math.random() * (isEarly ? 400 : 50))
    await running.kill()
    expect(running.lines.filter((line) => line.startsWith('ended'))).toEqual([])
  }
  expect((await fixture.fleet(files).status()).pending).toBeGreaterThan(0)
  const last = start()
  await last.exited
  expect(last.lines.at(-1)).toBe('ended complete')
  expect(await fixture.fleet(files).status()).toMatchObject({ total: MANY, upToDate: MANY, pending: 0, failed: 0 })
  expect(await fixture.unlikeReference()).toEqual([])
  expect(
    await fixture.rows(`select from tenantry.tenant t where migration_version <> ${files.length}
        or ${files.length} <> (select count(*) from tenantry.migration m where m.tenant_id = t.id)`),
  ).toHaveLength(0)
  await expectOneLineEach()
  const states = (await fixture.fleet(files).runs()).map(({ state }) => state)
  expect(states.filter((state) => !['interrupted', 'complete'].includes(state))).toEqual([])
  expect(states.filter((state) => state === 'complete')).toHaveLength(1)
}, 1_200_000)

const hasDone = (running: TestChild, count: number): Promise<boolean> =>
  until(() => running.lines.some((line) => Number(/^done (\d+)/.exec(line)?.[1] ?? -1) >= count), { timeoutMs: 60_000 })

/** What a `no-transaction` file did is there once, however often its process was killed beside it. */
async function expectOneLineEach(): Promise<void> {
  for (let from = 1; from <= MANY; from += 50) {
    const numbers = Array.from({ length: Math.min(50, MANY - from + 1) }, (_, at) => from + at)
    await fixture.admin.transaction(async (tx) => {
      await tx.query(numbers.map((n) => `alter table tenant_t_${n}.line no force row level security`).join(';'))
      const counts = numbers.map((n) => `select ${n} as tenant, count(*)::int as lines from tenant_t_${n}.line`)
      const { rows } = await tx.query<{ tenant: number; lines: number }>(counts.join(' union all '))
      expect(rows.filter(({ lines }) => lines !== 1)).toEqual([])
      await tx.query(numbers.map((n) => `alter table tenant_t_${n}.line force row level security`).join(';'))
    })
  }
}
