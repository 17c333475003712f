// Adoption as the library, HTTP and the command line offer it.
import type { PlanRequest } from './plan-make.ts'
import type { AdoptPlan, AdoptProgress, AdoptStage, AdoptStatus } from './plan.ts'

export interface ApplyOptions {
  /** The last stage to apply; default: all of the plan's target. */
  readonly to?: AdoptStage
  readonly onProgress?: (progress: AdoptProgress) => void
  /** Stops between two batches or steps; what was done stays, and the next apply goes on there. */
  readonly signal?: AbortSignal
  /** Rows a transaction of the backfill; default 5,000. */
  readonly batchSize?: number
  /** Pause after each batch, as a multiple of the time it took; default 0. */
  readonly throttle?: number
  /**
   * Pauses after a batch for as long as a streaming replica replays what was written longer ago than this, in milliseconds;
   * default: replicas are not looked at. The admin login needs pg_read_all_stats, otherwise INVALID_INPUT.
   */
  readonly maxLagMs?: number
  /** How long one attempt to take a lock may hold others up, in milliseconds; default 2,000. */
  readonly lockTimeoutMs?: number
  /** How long attempts are repeated before LOCK_NOT_TAKEN, in milliseconds; default 60,000. */
  readonly lockWaitMs?: number
  /** How long foreign accesses are noted from the stage `observe` on, in milliseconds; default one day. */
  readonly observeMs?: number
}

export interface RevertOptions extends Pick<ApplyOptions, 'signal' | 'lockTimeoutMs' | 'lockWaitMs' | 'onProgress'> {
  /** The stage that stays, and all before it; default: none does. */
  readonly to?: AdoptStage
}

/** What a stage would run, in order. */
export interface StageStatements {
  readonly stage: AdoptStage
  readonly statements: readonly string[]
}

/** Turns a single-tenant database into a multi-tenant one while its application goes on working. */
export interface Adopt {
  /**
   * Looks at the database and makes a plan, with questions where the keys do not say whose a table is. Changes nothing.
   * Throws INVALID_INPUT, TABLE_NOT_FOUND, SLUG_INVALID and PLAN_INVALID.
   *
   * @example
   * ```ts
   * import { writeFile } from 'node:fs/promises'
   *
   * const plan = await tenantry.adopt.plan({ root: { table: 'public.customer' } })
   * await writeFile('adopt.json', JSON.stringify(plan, null, 2))
   * ```
   */
  plan(request: PlanRequest): Promise<AdoptPlan>
  /**
   * Applies a plan, stage by stage. What is done already is left alone, so after an interruption of any kind the same call
   * goes on where it stopped. Throws PLAN_INVALID, PLAN_UNDECIDED, PLAN_OUTDATED, TABLE_NOT_FOUND, TABLE_NOT_OWNED and
   * TABLE_UNSUPPORTED before anything is changed; then INVALID_INPUT, ADOPT_ORPHANS, ADOPT_MISMATCH, ADOPT_STAGE_FAILED, LOCK_NOT_TAKEN,
   * and MIGRATION_RUNNING while another session applies it.
   *
   * @example
   * ```ts
   * import { readFile } from 'node:fs/promises'
   * import type { AdoptPlan } from 'tenantry'
   *
   * const plan = JSON.parse(await readFile('adopt.json', 'utf8')) as AdoptPlan
   * const { stage, observed } = await tenantry.adopt.apply(plan, { to: 'observe', throttle: 0.5 })
   * ```
   */
  apply(plan: AdoptPlan, options?: ApplyOptions): Promise<AdoptStatus>
  /**
   * Takes stages back, the last one first: columns, keys, indexes, policies, rights and tenants that they made. Throws
   * PLAN_NOT_FOUND, and as `apply` does.
   *
   * @example
   * ```ts
   * await tenantry.adopt.revert({ to: 'keys' })
   * ```
   */
  revert(options?: RevertOptions): Promise<AdoptStatus>
  /** How far the newest plan is. Throws PLAN_NOT_FOUND where there is none. */
  status(): Promise<AdoptStatus>
  /**
   * What each stage would run, for review; changes nothing. Ids that are not chosen yet are the nil UUID.
   *
   * @example
   * ```ts
   * import type { AdoptPlan } from 'tenantry'
   *
   * declare const plan: AdoptPlan
   * for (const { stage, statements } of await tenantry.adopt.statements(plan)) console.log(stage, statements)
   * ```
   */
  statements(plan: AdoptPlan): Promise<readonly StageStatements[]>
}
