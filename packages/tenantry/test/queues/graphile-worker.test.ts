// Graphile Worker with its real package on a real server: what holds for each queue, and what is its own.
import { Logger, makeWorkerUtils, run, type Runner, type Task } from 'graphile-worker'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { centralTask, tenantJobs, tenantTask } from '../../src/bridges/graphile-worker.ts'
import { until } from '../harness/wait.ts'
import { type OpenQueue, openStage, queueTests, type Stage } from './fixture.ts'

const logger = new Logger(() => () => {})

interface StoredJob {
  readonly payload: unknown
  readonly last_error: string | null
  readonly wait: number
}

const openGraphile: OpenQueue = async ({ database, tenantry }) => {
  const pool = new pg.Pool({ connectionString: database.adminUrl })
  const utils = await makeWorkerUtils({ pgPool: pool, logger })
  await utils.migrate()
  const jobs = tenantJobs(utils, tenantry)
  const runners: Runner[] = []
  const start = async (task: Task) => {
    runners.push(await run({ pgPool: pool, taskList: { note: task }, concurrency: 4, noHandleSignals: true, logger }))
  }
  const read = async (id: string) => {
    const { rows } = await pool.query<StoredJob>(
      `select payload, last_error, extract(epoch from run_at - now())::float8 * 1000 as wait
       from graphile_worker._private_jobs where id = $1 and locked_at is null`,
      [id],
    )
    return rows[0]
  }
  return {
    send: async (data, key) => (await jobs.addJob('note', data as object, key === undefined ? {} : { jobKey: key })).id,
    sendCentral: async (data) => (await jobs.addCentralJob('note', data)).id,
    forge: async (payload) => (await utils.addJob('note', payload)).id,
    stored: async (id) => (await read(id))?.payload,
    failure: async (id) => (await read(id))?.last_error ?? undefined,
    waitMs: async (id) => (await read(id))?.wait ?? 0,
    hurry: async (id) => {
      await utils.rescheduleJobs([id], { runAt: new Date() })
      // A change of run_at tells the workers nothing.
      await utils.addJob('nothing', {})
    },
    work: (handler) => start(tenantTask(tenantry, handler)),
    workCentral: (handler) => start(centralTask(tenantry, handler)),
    reset: async () => {
      for (const runner of runners.splice(0)) await runner.stop()
      await pool.query('delete from graphile_worker._private_jobs')
    },
    close: async () => {
      for (const runner of runners.splice(0)) await runner.stop()
      await utils.release()
      await pool.end()
    },
  }
}

queueTests({ name: 'Graphile Worker', open: openGraphile })

describe('Graphile Worker', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await openStage()
  })

  afterAll(() => stage.close())

  it('gives tasks of tenants no connection of the queue, and lets them add jobs of their tenant only', async () => {
    const { tenantry, database, one } = stage
    const utils = await makeWorkerUtils({ connectionString: database.adminUrl, logger })
    await utils.migrate()
    const given: unknown[] = []
    const first = tenantTask(tenantry, async (_payload, helpers) => {
      given.push(Object.keys(helpers).sort())
      await helpers.addJob('second')
    })
    const second = tenantTask(tenantry, (_payload, _helpers, scope) => given.push(scope.tenantId))
    const taskList = { first, second }
    const runner = await run({ connectionString: database.adminUrl, taskList, noHandleSignals: true, logger })
    await tenantry.run(one, () => tenantJobs(utils, tenantry).addJob('first'))
    await until(() => given.length === 2)
    await runner.stop()
    await utils.release()
    expect(given).toEqual([['abortPromise', 'abortSignal', 'addJob', 'getQueueName', 'job', 'logger'], one.id])
  })

  it('over the scoped pool fails at its first statement, inside of a tenant as well as outside', async () => {
    const { tenantry, one } = stage
    const start = async () => {
      const utils = await makeWorkerUtils({ pgPool: tenantry.pool, logger })
      await utils.migrate()
    }
    await expect(start()).rejects.toMatchObject({ code: 'TENANT_CONTEXT_MISSING' })
    await expect(tenantry.run(one, start)).rejects.toThrow(/permission denied|refused/i)
    const utils = { addJob: () => tenantry.pool.query('select 1') as never }
    const sent = tenantry.run(one, () => tenantJobs(utils, tenantry).addJob('note'))
    await expect(sent).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' })
  })
})
