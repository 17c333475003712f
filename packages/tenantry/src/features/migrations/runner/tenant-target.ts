// How a run reaches tenants: the one place that knows where their tables are. A run chooses who is next, holds their rows and
// its lease, and decides what a failure means; a target applies, proves and writes down.
import type { CentralDatabase, Sql } from '../../../engine/sql/database.ts'
import { applyBatch, type Goal } from './apply-batch.ts'
import { leavesTransactions, stepTenant } from './apply-tenant.ts'
import type { TenantSchema } from './state-store.ts'

export interface TenantTarget {
  /**
   * Brings these tenants to the goal, or one alone a step nearer; whether they are there now, proven. `tx` is a transaction
   * of the control plane that holds the run and the tenants: what is written down of them goes through it, so that it
   * counts only where they were brought along. Throws as `applyBatch`; nothing may count as done then.
   */
  apply(tx: Sql, tenants: readonly TenantSchema[], options: { readonly isSeparate: boolean }): Promise<boolean>
}

/** Tenants that have a schema in the control plane's own database: their tables change in the very transaction. */
export function schemaTarget(database: CentralDatabase, goal: Goal): TenantTarget {
  return {
    apply: async (tx, tenants, { isSeparate }) => {
      const [only] = tenants
      if (only === undefined) return true
      if (tenants.length === 1 && (isSeparate || leavesTransactions(goal.files))) {
        return (await stepTenant(tx, only, { database, goal, isSeparate })).isDone
      }
      await applyBatch(tx, tenants, goal)
      return true
    },
  }
}
