// pg-boss with tenants: a job is sent with the id of the tenant that sends it, and worked inside of that tenant.
import type PgBoss from 'pg-boss'
import type { RunningScope } from '../engine/sql/scope-handle.ts'
import {
  asCentralJob,
  inTenantOf,
  type JobHost,
  keyOf,
  labelled,
  outside,
  senderOf,
  unlabelled,
} from '../features/jobs/job-tenant.ts'

/** What is used of pg-boss. */
type Boss = Pick<PgBoss, 'send' | 'insert' | 'work' | 'complete'>

/** How jobs are fetched; each is handed to its handler alone. */
export type TenantWorkOptions = PgBoss.JobPollingOptions & Pick<PgBoss.JobFetchOptions, 'batchSize' | 'priority'>

/** Works one job in its tenant. */
export type TenantJobHandler<T extends object> = (job: PgBoss.Job<T>, scope: RunningScope) => unknown

/** Works one job that belongs to no tenant. */
export type CentralJobHandler<T extends object> = (job: PgBoss.Job<T>) => unknown

/**
 * How often and when a job is tried again where the sender says nothing: ten times, after 30 seconds and then twice as long each
 * time, so within 8 to 17 hours. pg-boss would try twice at once.
 */
const RETRY = { retryLimit: 10, retryDelay: 30, retryBackoff: true } as const

/** pg-boss for jobs of tenants. */
export interface TenantBoss {
  /**
   * Sends a job of the current tenant; resolves to its id, or null where it was throttled. Singleton keys count within the tenant.
   * Without options of its own it is tried ten times more, after 30 seconds and twice as long each time. Throws
   * TENANT_CONTEXT_MISSING outside of every tenant, TENANT_READ_ONLY in a scope that only reads, INVALID_INPUT for a payload
   * with the field that says the tenant, CONFIGURATION_INVALID where pg-boss was given tenantry.pool.
   */
  send(queue: string, data?: object, options?: PgBoss.SendOptions): Promise<string | null>
  /** Sends many jobs of the current tenant in one statement, as `send` does one. */
  insert(jobs: readonly PgBoss.JobInsert[], options?: PgBoss.InsertOptions): Promise<void>
  /**
   * Works the jobs of a queue, each alone and inside its own tenant, those of one batch at the same time. A job whose tenant is
   * missing, unknown, suspended, deleted or purged is not worked: it fails with that code, and is retried as it was sent. Resolves
   * to the id of the worker.
   */
  work<T extends object>(queue: string, handler: TenantJobHandler<T>, options?: TenantWorkOptions): Promise<string>
  /** Sends a job that belongs to no tenant, on purpose, from wherever. */
  sendCentral(queue: string, data?: object, options?: PgBoss.SendOptions): Promise<string | null>
  /** Works a queue of jobs that belong to no tenant, outside of every scope; the job of a tenant fails with SCOPE_CONFLICT. */
  workCentral<T extends object>(
    queue: string,
    handler: CentralJobHandler<T>,
    options?: TenantWorkOptions,
  ): Promise<string>
}

/**
 * Sends and works jobs of tenants over a pg-boss that has its own connection to its own tables. For pg-boss 10.
 *
 * @example
 * ```ts
 * import PgBoss from 'pg-boss'
 * import { tenantBoss } from 'tenantry/pg-boss'
 *
 * const boss = await new PgBoss(databaseUrl).start()
 * await boss.createQueue('reminders')
 * const jobs = tenantBoss(boss, tenantry)
 *
 * await jobs.work<{ invoice: number }>('reminders', async ({ data }) => {
 *   await tenantry.pool.query('update invoices set reminded = true where id = $1', [data.invoice])
 * })
 * await tenantry.run('acme-corp', () => jobs.send('reminders', { invoice: 7 }))
 * ```
 */
export function tenantBoss(boss: Boss, tenantry: JobHost): TenantBoss {
  const start = (queue: string, options: TenantWorkOptions, work: Work) =>
    outside(tenantry, () => boss.work<object>(queue, options, (jobs) => workBatch(boss, jobs, work)))
  return {
    send: async (queue, data, options = {}) => {
      const tenantId = senderOf(tenantry)
      const payload = labelled(data, tenantId)
      const kept = { ...RETRY, ...options, singletonKey: singletonKeyOf(tenantId, options.singletonKey) }
      return outside(tenantry, () => boss.send(queue, payload, kept))
    },
    insert: async (jobs, options = {}) => {
      const tenantId = senderOf(tenantry)
      const kept = jobs.map((job) => ({
        ...RETRY,
        ...job,
        data: labelled(job.data, tenantId),
        singletonKey: singletonKeyOf(tenantId, job.singletonKey),
      }))
      await outside(tenantry, () => boss.insert(kept, options))
    },
    work: <T extends object>(queue: string, handler: TenantJobHandler<T>, options: TenantWorkOptions = {}) =>
      start(queue, options, (job) => inTenantOf(tenantry, job.data, (scope) => handler(bareJob<T>(job), scope))),
    sendCentral: async (queue, data, options = {}) => {
      const payload = labelled(data, null)
      return outside(tenantry, () => boss.send(queue, payload, options))
    },
    workCentral: <T extends object>(queue: string, handler: CentralJobHandler<T>, options: TenantWorkOptions = {}) =>
      start(queue, options, (job) => asCentralJob(tenantry, job.data, () => handler(bareJob<T>(job)))),
  }
}

type Work = (job: PgBoss.Job) => Promise<unknown>

/** Throttling and the policies of queues go by this key, and no tenant may throttle another. */
function singletonKeyOf(tenantId: string, key: string | undefined): string {
  return key === undefined ? tenantId : keyOf(tenantId, key)
}

function bareJob<T extends object>(job: PgBoss.Job): PgBoss.Job<T> {
  // What was sent is the caller's word.
  return { ...job, data: unlabelled(job.data) as T }
}

/**
 * Works each job of a batch by itself. pg-boss completes or fails a batch as one, so where only some fail, the others are
 * completed first, which its failing of all then leaves as they are.
 */
async function workBatch(boss: Boss, jobs: readonly PgBoss.Job[], work: Work): Promise<unknown> {
  const startedAt = performance.now()
  const outcomes = await Promise.allSettled(jobs.map(work))
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.status === 'rejected' ? { id: jobs[index]?.id ?? '', reason: outcome.reason as unknown } : [],
  )
  const [first] = outcomes
  if (failures.length === 0) return first?.status === 'fulfilled' ? first.value : undefined
  const done = jobs.filter((_, index) => outcomes[index]?.status === 'fulfilled')
  const name = jobs[0]?.name ?? ''
  // pg-boss has given up on a batch that took too long, and another worker may have these jobs by now.
  const isExpired = performance.now() - startedAt > Math.max(...jobs.map((job) => job.expireInSeconds)) * 1000
  if (done.length > 0 && !isExpired)
    await boss.complete(
      name,
      done.map(({ id }) => id),
    )
  throw failureOf(failures)
}

/** What is written to all failed jobs of a batch: the one error, or all of them by job. */
function failureOf(failures: readonly { readonly id: string; readonly reason: unknown }[]): unknown {
  if (failures.length === 1) return failures[0]?.reason
  const lines = failures.map(({ id, reason }) => `${id}: ${reason instanceof Error ? reason.message : String(reason)}`)
  return new Error(lines.join('\n'))
}
