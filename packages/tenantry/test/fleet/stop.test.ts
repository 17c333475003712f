// Stopping a run from another process than the one it is in.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startChild, type TestChild } from '../harness/child-process.ts'
import { until } from '../harness/wait.ts'
import { type FleetFixture, first, openFleetFixture, second } from './fixture.ts'

let fixture: FleetFixture

beforeAll(async () => {
  fixture = await openFleetFixture()
})
afterAll(() => fixture.close())
afterEach(() => fixture.clear())

const files = [first, second]
const child = (options: object): TestChild =>
  startChild(new URL('fleet-child.ts', import.meta.url), {
    args: [
      ...[fixture.url, JSON.stringify(files), JSON.stringify({ heartbeatMs: 50, leaseMs: 400 })],
      JSON.stringify(options),
    ],
  })

/** The id of the run that the child has under way, once it has brought some tenants along. */
const underWay = async (): Promise<string> => {
  const fleet = fixture.fleet(files)
  await until(async () => (await fleet.status()).upToDate > 0)
  return (await fleet.runs())[0]?.runId ?? ''
}

test('ends it after what is under way; what is done stays done, and the next run goes on', async () => {
  await fixture.add(40)
  const fleet = fixture.fleet(files)
  const release = await fixture.hold('tenant_t_20.invoice')
  const running = child({ batchSize: 2, connections: 1, lockTimeoutMs: 60_000 })
  try {
    const runId = await underWay()
    expect(await fleet.stop(runId, { actor: 'somebody else' })).toMatchObject({ runId, state: 'running' })
    await fleet.stop(runId)
    await release()
    expect(await running.line(/^ended/)).toBe('ended stopped')
    const [run] = await fleet.runs()
    expect(run).toMatchObject({ runId, state: 'stopped', reason: 'It was told to stop.', failed: 0 })
    expect(await fleet.status()).toMatchObject({ upToDate: run?.done, pending: 40 - (run?.done ?? 0) })
    expect(run?.done).toBeLessThan(40)
    expect(await fleet.stop(runId)).toMatchObject({ state: 'stopped' })
    expect(
      await fixture.rows(
        `select actor from tenantry.audit_entry where action = 'migrations.stop' and detail->>'runId' = $1`,
        [runId],
      ),
    ).toEqual([{ actor: 'somebody else' }])
    expect(await fleet.up()).toMatchObject({ state: 'complete', upToDate: run?.done })
  } finally {
    await running.kill()
  }
})

test('does not wait for a pause between waves to end', async () => {
  await fixture.add(10)
  const running = child({ waves: [0.5, 1], pauseMs: 600_000 })
  try {
    const runId = await underWay()
    await running.line(/^done 5/)
    await fixture.fleet(files).stop(runId)
    expect(await running.line(/^ended/)).toBe('ended stopped')
    expect(await fixture.fleet(files).status()).toMatchObject({ upToDate: 5, pending: 5 })
  } finally {
    await running.kill()
  }
})

test('writes down as interrupted what nobody is there to stop', async () => {
  await fixture.add(10)
  const running = child({ waves: [0.5, 1], pauseMs: 600_000 })
  const runId = await underWay()
  await running.kill()
  const fleet = fixture.fleet(files)
  await until(async () => (await fleet.stop(runId)).state !== 'running')
  expect(await fleet.runs()).toMatchObject([{ runId, state: 'interrupted' }])
})

test('finds no run that there is not', async () => {
  const fleet = fixture.fleet(files)
  for (const id of ['01900000-0000-7000-8000-000000000000', 'no id at all']) {
    await expect(fleet.stop(id)).rejects.toMatchObject({ code: 'MIGRATION_RUN_NOT_FOUND' })
  }
})
