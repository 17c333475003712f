// BullMQ with tenants: a job is added with the id of the tenant that adds it, and processed inside of that tenant.
import type { BulkJobOptions, FlowJob, FlowProducer, Job, JobNode, JobsOptions, Queue } from 'bullmq'
import type { RunningScope } from '../engine/sql/scope-handle.ts'
import {
  asCentralJob,
  inTenantOf,
  type JobHost,
  JobRefusal,
  keyOf,
  labelled,
  outside,
  relabelled,
  senderOf,
  unlabelled,
} from '../features/jobs/job-tenant.ts'
import { TenantryError } from '../kernel/errors.ts'

/** A job to add with others. */
export interface TenantBulkJob {
  readonly name: string
  readonly data?: object
  readonly opts?: BulkJobOptions
}

/** A job in the hands of its handler; `data` is what its sender gave. */
export interface TenantJob<T extends object> extends Job {
  data: T
}

/** What BullMQ passes to a processor beside the job. */
export interface ProcessorContext {
  /** What the worker holds the job by, for moving it. */
  readonly token: string | undefined
  readonly signal: AbortSignal | undefined
}

/** Processes one job in its tenant. */
export type TenantHandler<T extends object, R> = (
  job: TenantJob<T>,
  scope: RunningScope,
  context: ProcessorContext,
) => R | PromiseLike<R>

/** Processes one job that belongs to no tenant. */
export type CentralHandler<T extends object, R> = (job: TenantJob<T>, context: ProcessorContext) => R | PromiseLike<R>

/** A processor for a BullMQ worker. */
export type TenantProcessor<R> = (job: Job, token?: string, signal?: AbortSignal) => Promise<R>

export interface TenantProcessorOptions {
  /** How long a job waits whose tenant may not be entered for now, in milliseconds; default 60,000. */
  readonly delayMs?: number
}

/** A BullMQ queue for jobs of tenants. */
export interface TenantQueue {
  /**
   * Adds a job of the current tenant. Ids of jobs and of deduplication count within the tenant: they are stored as
   * `<tenant id>-<id>`. Throws TENANT_CONTEXT_MISSING outside of every tenant, TENANT_READ_ONLY in a scope that only reads, and
   * INVALID_INPUT for data that are no object or have the field that says the tenant.
   */
  add(name: string, data?: object, options?: JobsOptions): Promise<Job>
  /** Adds many jobs of the current tenant, as `add` does one. */
  addBulk(jobs: readonly TenantBulkJob[]): Promise<Job[]>
  /** Adds a job that belongs to no tenant, on purpose, from wherever. */
  addCentral(name: string, data?: object, options?: JobsOptions): Promise<Job>
}

/** A BullMQ flow producer for jobs of tenants. */
export interface TenantFlow {
  /** Adds a flow of which every job belongs to the current tenant. Throws as `add` of a queue. */
  add(flow: FlowJob): Promise<JobNode>
}

/**
 * Adds jobs of tenants to a queue. For BullMQ 6.
 *
 * @example
 * ```ts
 * import { Queue } from 'bullmq'
 * import { tenantQueue } from 'tenantry/bullmq'
 *
 * const reminders = tenantQueue(new Queue('reminders', { connection: { host: 'localhost' } }), tenantry)
 * await tenantry.run('acme-corp', () => reminders.add('remind', { invoice: 7 }))
 * ```
 */
export function tenantQueue(queue: Pick<Queue, 'add' | 'addBulk'>, tenantry: JobHost): TenantQueue {
  return {
    add: async (name, data, options) => {
      const tenantId = senderOf(tenantry)
      const payload = labelled(data, tenantId)
      return outside(tenantry, () => queue.add(name, payload, ownIds(tenantId, options)))
    },
    addBulk: async (jobs) => {
      const tenantId = senderOf(tenantry)
      const kept = jobs.map(({ name, data, opts }) => ({
        ...{ name, data: labelled(data, tenantId) },
        opts: ownIds(tenantId, opts),
      }))
      return outside(tenantry, () => queue.addBulk(kept))
    },
    addCentral: async (name, data, options) => {
      const payload = labelled(data, null)
      return outside(tenantry, () => queue.add(name, payload, options))
    },
  }
}

/**
 * Adds flows of tenants: the parent and all of its children belong to the tenant that adds them, and each runs in it.
 *
 * @example
 * ```ts
 * import { FlowProducer } from 'bullmq'
 * import { tenantFlow } from 'tenantry/bullmq'
 *
 * const flows = tenantFlow(new FlowProducer({ connection: { host: 'localhost' } }), tenantry)
 * const children = [{ name: 'page', queueName: 'pages', data: { page: 1 } }]
 * await tenantry.run('acme-corp', () => flows.add({ name: 'report', queueName: 'reports', children }))
 * ```
 */
export function tenantFlow(producer: Pick<FlowProducer, 'add'>, tenantry: JobHost): TenantFlow {
  return {
    add: async (flow) => {
      const kept = ownFlow(senderOf(tenantry), flow)
      return outside(tenantry, () => producer.add(kept))
    },
  }
}

/**
 * A processor that handles each job in its tenant. A job whose tenant may not be entered for now (suspended, deactivated, deleted,
 * not provisioned, under maintenance) is not handled: the code is written to its log and the instance's, and it is delayed
 * without losing an attempt. Where its tenant is missing, unknown or purged it fails with that code.
 *
 * @example
 * ```ts
 * import { Worker } from 'bullmq'
 * import { tenantProcessor } from 'tenantry/bullmq'
 *
 * const remind = tenantProcessor<{ invoice: number }>(tenantry, async ({ data }) => {
 *   await tenantry.pool.query('update invoices set reminded = true where id = $1', [data.invoice])
 * })
 * const worker = new Worker('reminders', remind, { connection: { host: 'localhost' } })
 * ```
 */
export function tenantProcessor<T extends object, R = unknown>(
  tenantry: JobHost,
  handler: TenantHandler<T, R>,
  { delayMs = 60_000 }: TenantProcessorOptions = {},
): TenantProcessor<R> {
  if (!Number.isInteger(delayMs) || delayMs < 1) {
    throw new TenantryError('CONFIGURATION_INVALID', '"delayMs" must be a whole number from 1.', { field: 'delayMs' })
  }
  return async (job, token, signal) => {
    try {
      const work = (scope: RunningScope) => handler(bareJob<T>(job), scope, { token, signal })
      return await inTenantOf(tenantry, job.data, work)
    } catch (error) {
      if (!(error instanceof JobRefusal) || !error.isForNow) throw error
      await delay(job, { token, delayMs, error, tenantry })
      throw new DelayedError(error.message)
    }
  }
}

/** A processor of jobs that belong to no tenant, outside of every scope; the job of a tenant fails with SCOPE_CONFLICT. */
export function centralProcessor<T extends object, R = unknown>(
  tenantry: JobHost,
  handler: CentralHandler<T, R>,
): TenantProcessor<R> {
  return (job, token, signal) => asCentralJob(tenantry, job.data, () => handler(bareJob<T>(job), { token, signal }))
}

/** BullMQ knows by this name that the job was moved, and its class need not be loaded for it. */
class DelayedError extends Error {
  override readonly name = 'DelayedError'
}

interface Delay {
  readonly token: string | undefined
  readonly delayMs: number
  readonly error: JobRefusal
  readonly tenantry: JobHost
}

async function delay(job: Job, { token, delayMs, error, tenantry }: Delay): Promise<void> {
  tenantry.logger.warn('a job waits for its tenant', { code: error.code, queue: job.queueName, job: job.id })
  await job.log(error.message)
  await job.moveToDelayed(Date.now() + delayMs, token)
}

/** The same job as its sender knows it. What its handler stores as its new data keeps the tenant. */
function bareJob<T extends object>(job: Job): TenantJob<T> {
  const stored: unknown = job.data
  const updateData = job.updateData.bind(job)
  job.data = unlabelled(stored)
  job.updateData = async (data: unknown) => {
    await updateData(relabelled(data, stored))
    job.data = data
  }
  return job
}

function ownFlow<F extends Pick<FlowJob, 'data' | 'opts' | 'children'>>(tenantId: string, flow: F): F {
  const { opts, children } = flow
  return {
    ...flow,
    data: labelled(flow.data, tenantId),
    ...(opts && { opts: ownIds(tenantId, opts) }),
    ...(children && { children: children.map((child) => ownFlow(tenantId, child)) }),
  }
}

interface Ids {
  readonly jobId?: string
  readonly deduplication?: { readonly id: string }
}

/** A job is not added where its id is there already, and no tenant may keep another's from being added. */
function ownIds<O extends Ids | undefined>(tenantId: string, options: O): O {
  if (options === undefined) return options
  const { jobId, deduplication } = options
  return {
    ...options,
    ...(jobId !== undefined && { jobId: keyOf(tenantId, jobId) }),
    ...(deduplication && { deduplication: { ...deduplication, id: keyOf(tenantId, deduplication.id) } }),
  }
}
