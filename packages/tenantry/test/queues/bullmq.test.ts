// BullMQ with its real package on a real Redis: what holds for each queue, and what is its own.
import { FlowProducer, type Job, Queue, Worker } from 'bullmq'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { centralProcessor, tenantFlow, tenantProcessor, tenantQueue } from '../../src/bridges/bullmq.ts'
import { isTenantryError } from '../../src/kernel/errors.ts'
import { hasRedis, needsRedis, startRedis, type TestRedis } from '../harness/redis.ts'
import { until } from '../harness/wait.ts'
import { type OpenQueue, openStage, queueTests, type Stage } from './fixture.ts'

/** The last that BullMQ or the bridge wrote down of why a job was not processed. */
async function failureOf(queue: Queue, id: string): Promise<string | undefined> {
  const job = (await queue.getJob(id)) as Job | undefined
  const { logs } = await queue.getJobLogs(id)
  return (await job?.isActive()) ? undefined : (job?.failedReason ?? logs.at(-1))
}

const openBull: OpenQueue = async ({ tenantry }) => {
  const redis = await startRedis()
  const connection = { path: redis.path }
  const queue = new Queue('notes', { connection })
  const jobs = tenantQueue(queue, tenantry)
  const workers: Worker[] = []
  const idOf = ({ id }: Job) => id ?? 'none'
  const stop = () => Promise.all(workers.splice(0).map((worker) => worker.close()))
  const start = async (processor: (job: Job, token?: string) => Promise<unknown>) => {
    workers.push(new Worker('notes', processor, { connection, concurrency: 4 }))
  }
  return {
    send: async (data, key) =>
      idOf(await jobs.add('note', data as object, key === undefined ? {} : { jobId: key, deduplication: { id: key } })),
    sendCentral: async (data) => idOf(await jobs.addCentral('note', data)),
    forge: async (payload) => idOf(await queue.add('note', payload)),
    stored: async (id) => ((await queue.getJob(id)) as Job | undefined)?.data as unknown,
    failure: (id) => failureOf(queue, id),
    waitMs: async (id) => {
      const job = (await queue.getJob(id)) as Job | undefined
      return (await job?.isDelayed()) ? (job?.delay ?? 0) : 0
    },
    hurry: async (id) => ((await queue.getJob(id)) as Job | undefined)?.promote(),
    work: (handler) => start(tenantProcessor<{ note: string }>(tenantry, ({ data }) => handler(data))),
    workCentral: (handler) => start(centralProcessor<{ note: string }>(tenantry, ({ data }) => handler(data))),
    reset: async () => {
      await stop()
      await queue.obliterate({ force: true })
    },
    close: async () => {
      await stop()
      await queue.close()
      await redis.close()
    },
  }
}

queueTests({ name: 'BullMQ', open: openBull, needs: needsRedis, isThere: hasRedis })

describe('BullMQ', () => {
  let stage: Stage
  let redis: TestRedis

  beforeAll(async () => {
    if (!hasRedis) return
    stage = await openStage()
    redis = await startRedis()
  })

  afterAll(async () => {
    if (!hasRedis) return
    await stage.close()
    await redis.close()
  })

  it('loses no attempt while the tenant is suspended, and says why in the job’s log', async (context) => {
    needsRedis(context)
    const { tenantry, two } = stage
    const connection = { path: redis.path }
    const queue = new Queue('attempts', { connection })
    const job = await tenantry.run(two, () => tenantQueue(queue, tenantry).add('once', {}, { attempts: 1 }))
    const id = job.id ?? ''
    await tenantry.tenants.suspend(two)
    const handled: unknown[] = []
    const processor = tenantProcessor(tenantry, (_job, scope) => handled.push(scope.tenantId), { delayMs: 50 })
    const worker = new Worker('attempts', processor, { connection })
    await until(async () => (await queue.getJobLogs(id)).logs.length >= 3)
    const waiting = (await queue.getJob(id)) as Job
    expect(waiting).toMatchObject({ attemptsMade: 0 })
    expect((await queue.getJobLogs(id)).logs[0]).toContain('TENANT_SUSPENDED: ')
    expect(handled).toEqual([])
    await tenantry.tenants.activate(two)
    await until(() => handled.length === 1)
    expect(handled).toEqual([two.id])
    await worker.close()
    await queue.close()
  })

  it('runs each job of a flow in the tenant that added the flow, and keeps it through new data', async (context) => {
    needsRedis(context)
    const { tenantry, one, two } = stage
    const connection = { path: redis.path }
    const producer = new FlowProducer({ connection })
    const flows = tenantFlow(producer, tenantry)
    const handled: string[] = []
    const processor = tenantProcessor<{ step?: number }>(tenantry, async (job, scope) => {
      handled.push(`${job.name} ${scope.slug} ${job.data.step ?? 0}`)
      if (job.name !== 'report' && job.data.step === undefined) {
        await job.updateData({ step: 1 })
        throw new Error('again, with the new data')
      }
    })
    const workers = ['reports', 'pages'].map((name) => new Worker(name, processor, { connection, concurrency: 4 }))
    const children = ['a', 'b'].map((name) => ({
      name,
      queueName: 'pages',
      opts: { attempts: 2, jobId: `page-${name}` },
    }))
    const add = (tenant: typeof one) =>
      tenantry.run(tenant, () => flows.add({ name: 'report', queueName: 'reports', children }))
    await Promise.all([add(one), add(two)])
    await until(() => handled.length === 10)
    const of = (slug: string) => [`a ${slug} 0`, `a ${slug} 1`, `b ${slug} 0`, `b ${slug} 1`, `report ${slug} 0`]
    expect(handled.sort()).toEqual([...of('one'), ...of('two')].sort())
    const alone = flows.add({ name: 'report', queueName: 'reports' })
    await expect(alone).rejects.toMatchObject({ code: 'TENANT_CONTEXT_MISSING' })
    for (const worker of workers) await worker.close()
    await producer.close()
  })

  it('adds many jobs at once to the tenant that adds them, and no job names another with new data', async (context) => {
    needsRedis(context)
    const { tenantry, one, two } = stage
    const connection = { path: redis.path }
    const queue = new Queue('bulk', { connection })
    const jobs = tenantQueue(queue, tenantry)
    const added = await tenantry.run(one, () => jobs.addBulk([{ name: 'x', opts: { jobId: 'same' } }, { name: 'y' }]))
    expect(added.map(({ data }) => data as unknown)).toEqual([
      { 'tenantry:tenant': one.id },
      { 'tenantry:tenant': one.id },
    ])
    expect(added[0]?.id).toBe(`${one.id}-same`)
    const codes: unknown[] = []
    const processor = tenantProcessor(tenantry, async (job) => {
      const changed = job.updateData({ 'tenantry:tenant': two.id })
      codes.push(await changed.catch((error: unknown) => isTenantryError(error) && error.code))
    })
    const worker = new Worker('bulk', processor, { connection })
    await until(() => codes.length === 2)
    expect(codes).toEqual(['INVALID_INPUT', 'INVALID_INPUT'])
    await worker.close()
    await queue.close()
  })

  it('is refused a delay that is none', async (context) => {
    needsRedis(context)
    for (const delayMs of [0, -1, 1.5, Number.NaN]) {
      expect(() => tenantProcessor(stage.tenantry, () => undefined, { delayMs })).toThrow(
        expect.objectContaining({ code: 'CONFIGURATION_INVALID' }),
      )
    }
  })
})
