// What becomes of runs that meet, stop, die, or find locks taken and servers gone.
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { startChild } from '../harness/child-process.ts'
import { until } from '../harness/wait.ts'
import { type FleetFixture, first, openFleetFixture, second } from './fixture.ts'

let fixture: FleetFixture

beforeAll(async () => {
  fixture = await openFleetFixture()
})
afterAll(() => fixture.close())
afterEach(() => fixture.clear())

const child = (files: readonly object[], leaseMs: number, options: object = {}) =>
  startChild(new URL('fleet-child.ts', import.meta.url), {
    args: [fixture.url, JSON.stringify(files), JSON.stringify({ heartbeatMs: 50, leaseMs }), JSON.stringify(options)],
  })

test('of two runs at once the second is refused, and the first comes to its end', async () => {
  await fixture.add(20)
  const release = await fixture.hold('tenant_t_5.invoice')
  try {
    const firstRun = fixture.fleet([first, second]).up({ lockTimeoutMs: 60_000, connections: 2 })
    await until(async () => (await fixture.fleet([first, second]).runs()).some(({ state }) => state === 'running'))
    await expect(fixture.fleet([first, second]).up()).rejects.toMatchObject({
      code: 'MIGRATION_RUNNING',
      retryable: true,
    })
    await release()
    expect(await firstRun).toMatchObject({ state: 'complete', done: 20 })
  } finally {
    await release()
  }
})

test('a lock that is held for ever leaves that tenant behind, and no other', async () => {
  await fixture.add(40)
  const release = await fixture.hold('tenant_t_5.invoice')
  try {
    const run = await fixture.fleet([first, second]).up({ lockTimeoutMs: 20, lockRetries: 2 })
    expect(run).toMatchObject({ state: 'failed', done: 39, failed: 1 })
    expect(run.failures).toMatchObject([{ slug: 't-5', code: 'LOCK_NOT_TAKEN', attempts: 1 }])
  } finally {
    await release()
  }
  expect(await fixture.fleet([first, second]).retry()).toMatchObject({ state: 'complete', done: 1 })
})

test('so does a row of the registry that another operation holds', async () => {
  await fixture.add(8)
  const client = new pg.Client({ connectionString: fixture.url })
  await client.connect()
  try {
    await client.query(`begin; select from tenantry.tenant where slug = 't-3' for update`)
    const run = await fixture.fleet([first, second]).up({ lockTimeoutMs: 20, lockRetries: 0 })
    expect(run).toMatchObject({ done: 7, failed: 1, failures: [{ slug: 't-3', code: 'LOCK_NOT_TAKEN' }] })
  } finally {
    await client.end()
  }
})

test('a run whose process is frozen while another takes over can commit nothing more', async () => {
  await fixture.add(30)
  const frozen = child([first, second], 400, { batchSize: 1, connections: 1 })
  await frozen.line(/^done [1-9]/)
  process.kill(frozen.pid, 'SIGSTOP')
  try {
    // Its open transaction is waited for, so let the server end it, as it would at the end of the connection.
    await until(async () => {
      const left = await fixture.rows(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'a fleet child' and state <> 'idle'`,
      )
      return left.length === 0
    })
    expect(await fixture.fleet([first, second]).up()).toMatchObject({ state: 'complete', failed: 0 })
    process.kill(frozen.pid, 'SIGCONT')
    expect(await frozen.line(/^ended/)).toBe('ended interrupted')
  } finally {
    await frozen.kill()
  }
  expect(await fixture.unlikeReference()).toEqual([])
  expect((await fixture.fleet([first, second]).runs()).map(({ state }) => state)).toEqual(['complete', 'interrupted'])
})

test('a run goes on when the server ends all its connections in the middle', async () => {
  await fixture.add(60)
  // Until the connections were ended the run cannot come to its own end.
  const release = await fixture.hold('tenant_t_60.invoice')
  let isCut = false
  let cutting: Promise<void> | undefined
  // A connection that is just ending may refuse to be ended: then the next progress tries again.
  const cut = async (): Promise<void> => {
    const ended = await fixture
      .rows(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'a fleet run'`)
      .catch(() => [])
    isCut = ended.length > 0
    if (isCut) await release()
    cutting = undefined
  }
  const run = await fixture.fleet([first, second]).up({
    ...{ batchSize: 3, connections: 2, lockTimeoutMs: 100, lockRetries: 1_000 },
    onProgress: ({ done }) => {
      if (!isCut && done >= 10) cutting ??= cut()
    },
  })
  expect(isCut).toBe(true)
  expect(run).toMatchObject({ state: 'complete', done: 60, failed: 0 })
  expect(await fixture.unlikeReference()).toEqual([])
})

test('a run whose server stays away throws, and is written down as interrupted by the next one', async () => {
  await fixture.add(20)
  const blocked = { isAway: false }
  let transactions = 0
  const fleet = fixture.fleet([first, second], {
    outageMs: 200,
    open: (max) => {
      const real = openCentralDatabase({ url: fixture.url, max })
      const gone = () => Promise.reject(new Error('Nobody listens.'))
      const away = openCentralDatabase({ url: 'postgres://127.0.0.1:1/none', connectTimeoutMs: 100 })
      const pick = () => (blocked.isAway ? away : real)
      return {
        query: (text, values) => pick().query(text, values),
        transaction: async (work) => {
          const result = await pick().transaction(work)
          transactions += 1
          // Some batches have been committed by now, and some are still to come.
          if (transactions === 8) blocked.isAway = true
          return result
        },
        session: (work) => pick().session(work),
        listen: gone,
        close: async () => {
          await away.close()
          await real.close()
        },
      }
    },
  })
  await expect(fleet.up({ batchSize: 2, connections: 1 })).rejects.toMatchObject({
    code: 'DATABASE_UNAVAILABLE',
  })
  blocked.isAway = false
  const [lost] = await fleet.runs()
  expect(lost).toMatchObject({ state: 'running' })
  // Whoever comes next finds it silent, says so, and goes on.
  expect(await fixture.fleet([first, second]).up()).toMatchObject({ state: 'complete', failed: 0 })
  expect((await fleet.runs()).map(({ state }) => state)).toEqual(['complete', 'interrupted'])
})

test('a run that has lost its lease commits nothing more, before it hears of it', async () => {
  await fixture.add(30)
  const fleet = fixture.fleet([first, second], { times: { heartbeatMs: 60_000, leaseMs: 60_000 } })
  const release = await fixture.hold('tenant_t_15.invoice')
  const running = fleet.up({ batchSize: 1, connections: 1, lockTimeoutMs: 60_000 })
  await until(async () => (await fleet.status()).upToDate > 0)
  await fixture.rows(`update tenantry.migration_run set state = 'interrupted'`)
  await release()
  const run = await running
  expect(run.state).toBe('interrupted')
  expect((await fleet.status()).pending).toBeGreaterThan(0)
})
