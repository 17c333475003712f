// Brings one tenant to the newest migration where one transaction does not do for all of them: so far as one transaction goes,
// then the next. What is written down on the way counts as nothing but the way; the end is proven as ever.
import type { CentralDatabase, Sql } from '../../../engine/sql/database.ts'
import type { MigrationFile } from '../migration-file.ts'
import { pendingFiles, readLedger } from '../migration-ledger.ts'
import { runMigrations } from '../migration-run.ts'
import { runOutsideTransaction } from '../outside/run-outside-transaction.ts'
import { resumption } from '../outside/step-store.ts'
import { applyBatch, type Goal } from './apply-batch.ts'
import { type TenantSchema, writePartial } from './state-store.ts'

/** Whether tenants may have to be brought there one by one. */
export function leavesTransactions(files: readonly MigrationFile[]): boolean {
  return files.some(({ transaction }) => !transaction)
}

/** What a step came to: the names it applied, and whether the tenant is up to date, proven. */
export interface TenantStep {
  readonly applied: readonly string[]
  readonly isDone: boolean
}

export interface StepOptions {
  readonly database: CentralDatabase
  readonly goal: Goal
  /** Each file in a transaction of its own. */
  readonly isSeparate?: boolean
}

/**
 * Goes one step; the transaction must hold the tenant's row, and does so while a file runs outside of it over another
 * connection. Throws as `applyBatch`.
 */
export async function stepTenant(
  tx: Sql,
  tenant: TenantSchema,
  { database, goal, isSeparate = false }: StepOptions,
): Promise<TenantStep> {
  const ledger = await readLedger(tx, tenant.id)
  const pending = pendingFiles(goal.files, ledger)
  const first = pending[0]
  const count = together(pending, isSeparate)
  if (first === undefined || count === pending.length) {
    return { applied: (await applyBatch(tx, [tenant], goal)).get(tenant.id) ?? [], isDone: true }
  }
  const added = pending.slice(0, Math.max(1, count))
  if (count === 0) await runOutside(tx, tenant, { database, goal, file: first })
  else await runMigrations(tx, added, { schemas: [tenant.schemaName], ...lockTimeoutOf(goal) })
  const names = new Set([...ledger, ...added].map(({ name }) => name))
  const carried = goal.files.filter(({ name }) => names.has(name))
  await writePartial(tx, tenant.id, { carried, added, runId: goal.runId })
  return { applied: added.map(({ name }) => name), isDone: false }
}

/** How many of the first may share a transaction; 0 where the first of them can be in none. */
export function together(pending: readonly MigrationFile[], isSeparate: boolean): number {
  const outside = pending.findIndex(({ transaction }) => !transaction)
  const count = outside < 0 ? pending.length : outside
  return isSeparate ? Math.min(1, count) : count
}

const lockTimeoutOf = ({ lockTimeoutMs }: Goal) => (lockTimeoutMs === undefined ? {} : { lockTimeoutMs })

interface Outside {
  readonly database: CentralDatabase
  readonly goal: Goal
  readonly file: MigrationFile
}

async function runOutside(tx: Sql, { id, schemaName }: TenantSchema, { database, goal, file }: Outside): Promise<void> {
  const steps = await resumption(tx, id, file.name)
  // Of a statement with values the server keeps portal and snapshot to the next one, and to build an index concurrently is
  // to wait for all snapshots before it.
  await tx.query('select')
  await database.session((session) =>
    runOutsideTransaction(session, file, { schema: schemaName, ...lockTimeoutOf(goal), ...steps }),
  )
}
