// pg-boss with its real package on a real server: what holds for each queue, and what is its own.
import pg from 'pg'
import PgBoss from 'pg-boss'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tenantBoss } from '../../src/bridges/pg-boss.ts'
import { until } from '../harness/wait.ts'
import { type OpenQueue, openStage, queueTests, type Stage } from './fixture.ts'

interface StoredJob {
  readonly data: unknown
  readonly state: string
  readonly output: { readonly message?: string } | null
  readonly wait: number
  readonly retry_count: number
}

interface Boss {
  readonly boss: PgBoss
  readonly read: (id: string) => Promise<StoredJob | undefined>
  readonly query: (text: string, values?: unknown[]) => Promise<unknown>
  close(): Promise<void>
}

async function startBoss(adminUrl: string): Promise<Boss> {
  const boss = new PgBoss({ connectionString: adminUrl, supervise: false, schedule: false })
  boss.on('error', () => {})
  await boss.start()
  const pool = new pg.Pool({ connectionString: adminUrl, max: 1 })
  const read = async (id: string) => {
    const { rows } = await pool.query<StoredJob>(
      `select data, state::text, output, retry_count, extract(epoch from start_after - now())::float8 * 1000 as wait
       from pgboss.job where id = $1`,
      [id],
    )
    return rows[0]
  }
  const close = async () => {
    await boss.stop({ graceful: false, wait: true })
    await pool.end()
  }
  return { boss, read, query: (text, values) => pool.query(text, values), close }
}

const POLLING = { pollingIntervalSeconds: 0.5 }

const openBoss: OpenQueue = async ({ database, tenantry }) => {
  const opened = await startBoss(database.adminUrl)
  const { boss, read, query } = opened
  const jobs = tenantBoss(boss, tenantry)
  let queue = ''
  let workers: string[] = []
  let count = 0
  const next = async () => {
    queue = `notes${count++}`
    await boss.createQueue(queue)
  }
  await next()
  const sent = (id: string | null) => {
    for (const worker of workers) boss.notifyWorker(worker)
    return id ?? 'throttled'
  }
  const start = async (worker: Promise<string>) => {
    workers.push(await worker)
  }
  return {
    send: async (data, key) => {
      const throttled = key === undefined ? {} : { singletonKey: key, singletonHours: 1 }
      return sent(await jobs.send(queue, data as object, throttled))
    },
    sendCentral: async (data) => sent(await jobs.sendCentral(queue, data)),
    forge: async (payload) => sent(await boss.send(queue, payload, { retryDelay: 60 })),
    stored: async (id) => (await read(id))?.data,
    failure: async (id) => {
      const job = await read(id)
      return job?.state === 'active' ? undefined : job?.output?.message
    },
    waitMs: async (id) => (await read(id))?.wait ?? 0,
    hurry: async (id) => {
      await query('update pgboss.job set start_after = now() where id = $1', [id])
      sent(id)
    },
    work: (handler) =>
      start(jobs.work<{ note: string }>(queue, ({ data }) => handler(data), { ...POLLING, batchSize: 8 })),
    workCentral: (handler) => start(jobs.workCentral<{ note: string }>(queue, ({ data }) => handler(data), POLLING)),
    reset: async () => {
      for (const id of workers) await boss.offWork({ id })
      workers = []
      await next()
    },
    close: () => opened.close(),
  }
}

queueTests({ name: 'pg-boss', open: openBoss })

describe('pg-boss', () => {
  let stage: Stage
  let opened: Boss

  beforeAll(async () => {
    stage = await openStage()
    opened = await startBoss(stage.database.adminUrl)
  })

  afterAll(async () => {
    await opened.close()
    await stage.close()
  })

  it('completes the jobs of a batch that were done, and fails the others with their own reasons', async () => {
    const { tenantry, one, two } = stage
    const { boss, read } = opened
    const jobs = tenantBoss(boss, tenantry)
    await boss.createQueue('batches')
    const send = (tenant: typeof one, data: object) => tenantry.run(tenant, () => jobs.send('batches', data))
    const good = (await send(one, { fails: false })) ?? ''
    const bad = (await send(two, { fails: true })) ?? ''
    const lost = (await boss.send('batches', {}, { retryDelay: 60 })) ?? ''
    const handled: unknown[] = []
    const work = async (fails: boolean, tenantId: string) => {
      handled.push([fails, tenantId])
      if (fails) throw new Error('this one breaks')
    }
    await jobs.work<{ fails: boolean }>('batches', ({ data }, scope) => work(data.fails, scope.tenantId), {
      ...{ batchSize: 3, ...POLLING },
    })
    await until(async () => (await read(bad))?.state === 'retry')
    expect(handled).toHaveLength(2)
    expect(handled).toEqual(
      expect.arrayContaining([
        [false, one.id],
        [true, two.id],
      ]),
    )
    expect(await read(good)).toMatchObject({ state: 'completed' })
    expect((await read(bad))?.output?.message).toContain(`${bad}: this one breaks`)
    expect((await read(lost))?.output?.message).toContain(`${lost}: TENANT_CONTEXT_MISSING: `)
    expect(await read(lost)).toMatchObject({ state: 'retry' })
    await boss.offWork('batches')
  })

  it('tries a tenant’s job again over hours, unless its sender says otherwise, sent alone or with others', async () => {
    const { tenantry, one } = stage
    const { boss, query } = opened
    const jobs = tenantBoss(boss, tenantry)
    await boss.createQueue('retries')
    await tenantry.run(one, async () => {
      await jobs.send('retries', { note: 'send' })
      await jobs.send('retries', { note: 'own' }, { retryLimit: 1, retryDelay: 5, retryBackoff: false })
      await jobs.insert([{ name: 'retries', data: { note: 'insert' } }, { name: 'retries' }])
    })
    const { rows } = (await query(
      `select data, retry_limit, retry_delay, retry_backoff from pgboss.job where name = 'retries' order by data ->> 'note'`,
    )) as { rows: unknown[] }
    const usual = { retry_limit: 10, retry_delay: 30, retry_backoff: true }
    const label = { 'tenantry:tenant': one.id }
    expect(rows).toEqual([
      { data: { note: 'insert', ...label }, ...usual },
      { data: { note: 'own', ...label }, retry_limit: 1, retry_delay: 5, retry_backoff: false },
      { data: { note: 'send', ...label }, ...usual },
      { data: label, ...usual },
    ])
    const inserted = () => jobs.insert([{ name: 'retries' }])
    await expect(inserted()).rejects.toMatchObject({ code: 'TENANT_CONTEXT_MISSING' })
  })

  it('keeps the policies of queues within each tenant', async () => {
    const { tenantry, one, two } = stage
    const jobs = tenantBoss(opened.boss, tenantry)
    await opened.boss.createQueue('short', { name: 'short', policy: 'short' })
    const send = (tenant: typeof one) => tenantry.run(tenant, () => jobs.send('short', {}))
    expect(await send(one)).not.toBeNull()
    expect(await send(two)).not.toBeNull()
    expect(await send(one)).toBeNull()
  })

  it('over the scoped pool fails at its first statement, inside of a tenant as well as outside', async () => {
    const { tenantry, one } = stage
    const executeSql = (text: string, values: unknown[]) => tenantry.pool.query(text, values)
    const start = async () => {
      const boss = new PgBoss({ db: { executeSql }, supervise: false, schedule: false })
      boss.on('error', () => {})
      await boss.start()
    }
    await expect(start()).rejects.toMatchObject({ code: 'TENANT_CONTEXT_MISSING' })
    await expect(tenantry.run(one, start)).rejects.toThrow(/permission denied|refused|one statement/i)
    const jobs = tenantBoss(opened.boss, tenantry)
    const sent = tenantry.run(one, () => jobs.send('retries', {}, { db: { executeSql } }))
    await expect(sent).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' })
  })
})
