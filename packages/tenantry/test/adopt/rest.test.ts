// The pause between batches while replicas are behind; what replicas report is made up, and so is the clock.
import { describe, expect, test } from 'vitest'
import { type ReplicaState, REPLICA_STATE, Rest } from '../../src/features/adopt/stages/rest.ts'
import { shopPlan, shopTables, useInstance } from './fixture.ts'

const shop = useInstance()

/** Rests over these reports, one each 200 ms of a clock of its own; says what was waited for and how long. */
function resting(reports: readonly Partial<ReplicaState>[], { maxLagMs = 1000, throttle = 0, gapMs = 0 } = {}) {
  let clock = 0
  let at = 0
  const waits: number[] = []
  const told: number[] = []
  const rest = new Rest({
    ...{ throttle, maxLagMs, signal: undefined, now: () => clock },
    read: () => {
      clock += gapMs
      const report = reports[Math.min(at++, reports.length - 1)]
      return Promise.resolve({ isVisible: true, written: 0, replayed: null, lagMs: 0, ...report })
    },
    onWait: (_, lagMs) => told.push(lagMs),
    wait: (ms) => {
      waits.push(ms)
      clock += ms
      return Promise.resolve()
    },
  })
  return { rest, waits, told }
}

describe('between two batches', () => {
  test('nothing is waited for without replicas, or with replicas that keep up', async () => {
    for (const report of [
      {},
      { written: 100, replayed: 100, lagMs: 5000 },
      { written: 100, replayed: 50, lagMs: 900 },
    ]) {
      const { rest, waits } = resting([report])
      await rest.after('backfill', 10)
      expect(waits).toEqual([])
    }
  })

  test('a replica that says it is too far behind is waited for until it has caught up', async () => {
    const behind = { written: 100, replayed: 50 }
    const { rest, waits, told } = resting([
      ...[
        { ...behind, lagMs: 4000 },
        { ...behind, lagMs: 2000 },
      ],
      { ...behind, lagMs: 1000 },
    ])
    await rest.after('backfill', 10)
    expect(waits).toEqual([200, 200])
    expect(told).toEqual([4000])
  })

  test('a replica that stands still, and reports no lag, is too far behind after that time', async () => {
    const stuck = { written: 100, replayed: 50, lagMs: 0 }
    const { rest, waits } = resting([stuck, stuck, stuck, stuck, { written: 100, replayed: 100, lagMs: 0 }], {
      gapMs: 600,
    })
    await rest.after('backfill', 10)
    expect(waits).toEqual([])
    await rest.after('backfill', 10)
    expect(waits).toEqual([])
    await rest.after('backfill', 10)
    expect(waits).toEqual([200, 200])
  })

  test('the pause in proportion to the work comes as well', async () => {
    const { rest, waits } = resting([{}], { throttle: 2 })
    await rest.after('backfill', 10)
    expect(waits).toEqual([20])
  })

  test('what the login may not see ends the run instead of being taken for no lag', async () => {
    const { rest } = resting([{ isVisible: false }])
    await expect(rest.after('backfill', 10)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('asked of a real server', () => {
  test('replicas are seen by who may see them, and a run without that right is refused with the fix', async () => {
    const { admin, database, tenantry } = shop()
    const { rows } = await database.superuser.query(REPLICA_STATE)
    expect(rows).toMatchObject([{ isVisible: true, replayed: null, lagMs: 0 }])
    await admin.transaction((tx) => tx.query(shopTables('lagging')))
    const plan = await shopPlan(admin, 'lagging')
    await expect(tenantry.adopt.apply(plan, { to: 'backfill', maxLagMs: 100 })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      field: 'maxLagMs',
    })
    await tenantry.adopt.apply(plan, { to: 'backfill' })
    await tenantry.adopt.revert()
  })
})
