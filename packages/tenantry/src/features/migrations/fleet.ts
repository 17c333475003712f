// Migrations over all tenants, as the library, HTTP and the command line offer them.
import type { Difference } from '../../engine/catalogue/catalogue.ts'
import type { ErrorCode } from '../../kernel/error-codes.ts'
import type { TenantFilter } from '../../tenants/for-each.ts'
import type { TenantRef } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'

/** Which tenants a run is over. Default: every tenant that has its own schema, suspended ones too, deleted ones not. */
export interface FleetSelection {
  /** Only these. */
  readonly tenants?: readonly TenantRef[]
  readonly filter?: TenantFilter
}

export interface MigrateOptions extends FleetSelection, ActOptions {
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean
  /** These go first, one by one; the rest only when all of them are done. */
  readonly canary?: readonly TenantRef[]
  /** How many tenants each wave brings the fleet to, as shares of it: [0.01, 0.1, 1]. Default: [1]. */
  readonly waves?: readonly number[]
  /** Milliseconds between waves. Default: 0. */
  readonly pauseMs?: number
  /** How many connections at a time. Default: 4. */
  readonly connections?: number
  /** How many tenants a transaction at most; their locks bound it further. Default: 50. 1 turns batches off. */
  readonly batchSize?: number
  /** Stops when more than this share of the tenants tried so far failed, counted from the tenth. Default: 0.1. */
  readonly maxFailureRatio?: number
  /** How long a statement waits for a lock, milliseconds. Default: 2,000. */
  readonly lockTimeoutMs?: number
  /** How often a tenant whose locks were taken is tried again. Default: 5, with growing pauses. */
  readonly lockRetries?: number
  /** Stops after the transactions that are under way; what is done stays done. */
  readonly signal?: AbortSignal
  /** Hears of the run as it goes, at most ten times a second. */
  readonly onProgress?: (progress: MigrationProgress) => void
}

export type MigrationRunState = 'running' | 'complete' | 'stopped' | 'failed' | 'interrupted'

export interface MigrationProgress {
  readonly runId: string
  readonly state: MigrationRunState
  readonly total: number
  readonly done: number
  readonly failed: number
  /** Tenants a second over the last while. */
  readonly rate: number
  /** Milliseconds; null before it can be told. */
  readonly leftMs: number | null
  /** 0 is the canary's. */
  readonly wave: number
}

/** Why a tenant is not up to date. */
export interface MigrationFailure {
  readonly tenantId: string
  readonly slug: string
  readonly code: ErrorCode
  readonly sqlState: string | null
  /** The file that failed; null where it was something else, such as a schema that was changed by hand. */
  readonly migration: string | null
  /** What happened, without values. */
  readonly message: string
  readonly attempts: number
}

export interface MigrationRun extends Omit<MigrationProgress, 'rate' | 'leftMs'> {
  /** The newest migration of the tenant set, null where there is none. */
  readonly target: string | null
  readonly dryRun: boolean
  /** Shared migrations that this run applied, or would. */
  readonly shared: readonly string[]
  /** Tenants that were at the target already, proven. */
  readonly upToDate: number
  readonly failures: readonly MigrationFailure[]
  readonly startedAt: string
  readonly finishedAt: string | null
  readonly durationMs: number
  /** Why it stopped before its end; null where it did not. */
  readonly reason: string | null
}

export interface FleetStatus {
  readonly target: string | null
  readonly total: number
  /** At the target, with proof. */
  readonly upToDate: number
  readonly pending: number
  readonly failed: number
  /** How many tenants are at which migration, oldest first; null is none. */
  readonly versions: readonly { readonly migration: string | null; readonly tenants: number }[]
  readonly shared: { readonly applied: number; readonly pending: readonly string[] }
  /** The newest run, running or over. */
  readonly run: MigrationRun | null
  /** Things of the folders to know of, such as a tenant migration among the shared ones. */
  readonly warnings: readonly string[]
}

export interface TenantDrift {
  readonly tenantId: string
  readonly slug: string
  readonly schemaName: string
  readonly differences: readonly Difference[]
}

export interface DriftReport {
  readonly target: string | null
  readonly checked: number
  /** Only tenants that differ. */
  readonly drifted: readonly TenantDrift[]
  /** How many of them are behind the target; they are compared with what the files that they carry make. */
  readonly pending: number
}

/** `tenantry.migrations`. */
export interface FleetMigrations {
  /** One query, however many tenants there are. */
  status(): Promise<FleetStatus>
  /**
   * Brings shared tables, then every chosen tenant, to the newest migration, and proves it. A tenant's failure is in the
   * report. Throws MIGRATION_FAILED where a file fails before any tenant is touched, MIGRATION_CHANGED, MIGRATION_MISSING,
   * MIGRATION_RUNNING while another process runs, TENANT_NOT_FOUND and INVALID_INPUT.
   */
  up(options?: MigrateOptions): Promise<MigrationRun>
  /** `up` over the tenants whose last attempt failed. */
  retry(options?: MigrateOptions): Promise<MigrationRun>
  /**
   * Compares each tenant's schema with what the migrations that it carries make, guards and grants included, and says with
   * which statements each difference is mended. Changes nothing. Throws MIGRATION_CHANGED, MIGRATION_MISSING,
   * TENANT_NOT_FOUND, and MIGRATION_FAILED where the files fail in an empty schema.
   */
  drift(selection?: FleetSelection): Promise<DriftReport>
  /**
   * Tells a run to stop after the transactions that are under way, whichever process it is in, and returns it as it is then:
   * `running` until its process has heard, which takes it a second at most and the time of those transactions. What is
   * done stays done, and the next `up` goes on. One that is over is returned as it ended; one whose process went away
   * ends as `interrupted`. Throws MIGRATION_RUN_NOT_FOUND.
   */
  stop(runId: string, options?: ActOptions): Promise<MigrationRun>
  /** Runs, newest first. */
  runs(): Promise<readonly MigrationRun[]>
}
