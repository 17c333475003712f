// Graphile Worker with tenants: a job is added with the id of the tenant that adds it, and its task runs inside of that tenant.
import type { Job, JobHelpers, Task, TaskSpec, WorkerUtils } from 'graphile-worker'
import type { RunningScope } from '../engine/sql/scope-handle.ts'
import {
  asCentralJob,
  inTenantOf,
  type JobHost,
  type JobPayload,
  keyOf,
  labelled,
  outside,
  senderOf,
  unlabelled,
} from '../features/jobs/job-tenant.ts'

/** What is used of the worker's utilities, or of a runner. */
type Utilities = Pick<WorkerUtils, 'addJob'>

/** Adds a job of the current tenant. */
export type AddTenantJob = (task: string, payload?: object, spec?: TaskSpec) => Promise<Job>

/** What a tenant's task is given beside its payload: no way to the queue's own connections, which know no tenant. */
export interface TenantJobHelpers
  extends Pick<JobHelpers, 'logger' | 'job' | 'getQueueName' | 'abortSignal' | 'abortPromise'> {
  /** Adds a job of this tenant. */
  readonly addJob: AddTenantJob
}

/** Works one job in its tenant. */
export type TenantTask<P extends object> = (payload: P, helpers: TenantJobHelpers, scope: RunningScope) => unknown

/** Works one job that belongs to no tenant. */
export type CentralTask<P extends object> = (payload: P, helpers: JobHelpers) => unknown

/** Graphile Worker for jobs of tenants. */
export interface TenantJobs {
  /**
   * Adds a job of the current tenant. Job keys count within the tenant: they are stored as `<tenant id>-<key>`. Throws
   * TENANT_CONTEXT_MISSING outside of every tenant, TENANT_READ_ONLY in a scope that only reads, INVALID_INPUT for a payload that
   * is no object or has the field that says the tenant, CONFIGURATION_INVALID where the worker was given tenantry.pool.
   */
  readonly addJob: AddTenantJob
  /** Adds a job that belongs to no tenant, on purpose, from wherever. */
  readonly addCentralJob: AddTenantJob
}

/**
 * Adds jobs of tenants through a Graphile Worker that has its own connections to its own tables. For graphile-worker 0.17.
 *
 * @example
 * ```ts
 * import { makeWorkerUtils } from 'graphile-worker'
 * import { tenantJobs } from 'tenantry/graphile-worker'
 *
 * const utils = await makeWorkerUtils({ connectionString: databaseUrl })
 * const jobs = tenantJobs(utils, tenantry)
 * await tenantry.run('acme-corp', () => jobs.addJob('remind', { invoice: 7 }))
 * ```
 */
export function tenantJobs(utils: Utilities, tenantry: JobHost): TenantJobs {
  return {
    addJob: addTenantJob(utils, tenantry),
    addCentralJob: async (task, payload, spec) => {
      const kept = labelled(payload, null)
      return outside(tenantry, () => utils.addJob(task, kept, spec))
    },
  }
}

/**
 * A task whose jobs run in the tenant that added them. A job whose tenant is missing, unknown, suspended, deleted or purged is not
 * run: it fails with that code, which is the beginning of its `last_error`, and is retried by the worker: 25 times in about
 * four days, unless its `maxAttempts` say otherwise.
 *
 * @example
 * ```ts
 * import { run } from 'graphile-worker'
 * import { tenantTask } from 'tenantry/graphile-worker'
 *
 * const remind = tenantTask<{ invoice: number }>(tenantry, async ({ invoice }) => {
 *   await tenantry.pool.query('update invoices set reminded = true where id = $1', [invoice])
 * })
 * await run({ connectionString: databaseUrl, taskList: { remind } })
 * ```
 */
export function tenantTask<P extends object>(tenantry: JobHost, task: TenantTask<P>): Task {
  return async (payload, helpers) => {
    // Without their worker's own connections: those are no tenant's, and may do what no tenant may.
    const { logger, job, abortSignal, abortPromise } = helpers
    const own: TenantJobHelpers = {
      ...{ logger, job, abortSignal, abortPromise },
      getQueueName: (queueId) => helpers.getQueueName(queueId),
      addJob: addTenantJob(helpers, tenantry),
    }
    // What was sent is the caller's word.
    await inTenantOf(tenantry, payload, (scope) => task(unlabelled(payload) as P, own, scope))
  }
}

/** A task of jobs that belong to no tenant, run outside of every scope; the job of a tenant fails with SCOPE_CONFLICT. */
export function centralTask<P extends object>(tenantry: JobHost, task: CentralTask<P>): Task {
  return async (payload, helpers) => {
    await asCentralJob(tenantry, payload, () => task(unlabelled(payload) as P, helpers))
  }
}

function addTenantJob(utils: Utilities, tenantry: JobHost): AddTenantJob {
  return async (task, payload, spec = {}) => {
    const tenantId = senderOf(tenantry)
    const kept: JobPayload = labelled(payload, tenantId)
    const key = spec.jobKey
    const own = key === undefined ? spec : { ...spec, jobKey: keyOf(tenantId, key) }
    return outside(tenantry, () => utils.addJob(task, kept, own))
  }
}
