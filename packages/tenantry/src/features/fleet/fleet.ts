// Reads over many tenants at once, as the library, HTTP and the command line offer them.
import type { TenantFilter } from '../../tenants/for-each.ts'
import type { FleetStatistics } from './statistics.ts'
import type { ActOptions } from '../../tenants/tenants.ts'

/** How the rows of the tenants become one answer. Without any of it they come as they are, tenant by tenant. */
export interface FleetMerge {
  /** Columns that are added up over rows that are equal in all others; the tenant is not in the answer then. */
  readonly sum?: readonly string[]
  /** Columns to sort by; `-total` is descending. */
  readonly order?: readonly string[]
  readonly limit?: number
}

export interface FleetQueryOptions extends ActOptions {
  readonly values?: readonly unknown[]
  readonly filter?: TenantFilter
  readonly merge?: FleetMerge
  /** How many tenants at a time. Default: 4. */
  readonly concurrency?: number
  readonly signal?: AbortSignal
}

export type FleetRow = Readonly<Record<string, unknown>>

/** The rows, as they come; sorted or summed ones when all have. */
export interface FleetRows extends AsyncIterable<FleetRow> {
  /** Known when the rows have been read: who answered, and who did not and why. */
  readonly tenants: { readonly answered: number; readonly failed: readonly { tenantId: string; error: unknown }[] }
}

/** `tenantry.fleet`. */
export interface Fleet {
  /**
   * One read-only statement in each active tenant that matches, for a stated reason that is audited. Each row carries
   * `tenant`, the slug, unless rows are summed. Throws REASON_REQUIRED, STATEMENT_REFUSED, MULTIPLE_STATEMENTS and
   * INVALID_INPUT before anything is read; FLEET_INCOMPLETE at the end where a tenant failed.
   */
  query(reason: string, sql: string, options?: FleetQueryOptions): FleetRows
  /**
   * The numbers of all tenants that match, as they were last counted: `refreshedAt` says when. `serve` counts every hour.
   *
   * @example
   * ```ts
   * const { items, refreshedAt } = await tenantry.fleet.statistics({ filter: { plan: 'free' } })
   * console.log(refreshedAt, items.filter(({ sizeBytes }) => sizeBytes > 1e9).map(({ slug }) => slug))
   * ```
   */
  statistics(options?: { readonly filter?: TenantFilter }): Promise<FleetStatistics>
  /** Counts everything anew, which reads an index of every shared table; returns how many tenants there are numbers of. */
  refreshStatistics(): Promise<number>
}
