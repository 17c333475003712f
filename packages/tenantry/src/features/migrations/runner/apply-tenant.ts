// Brings one tenant to the newest migration where some of them run outside of a transaction: so far as one transaction goes,
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

/**
 * Goes one step; the transaction must hold the tenant's row, and does so while a file runs outside of it over another
 * connection. Throws as `applyBatch`.
 */
export async function stepTenant(
  tx: Sql,
  tenant: TenantSchema,
  { database, goal }: { readonly database: CentralDatabase; readonly goal: Goal },
): Promise<TenantStep> {
  const ledger = await readLedger(tx, tenant.id)
  const pending = pendingFiles(goal.files, ledger)
  const first = pending.findIndex(({ transaction }) => !transaction)
  const [outside] = pending.slice(first)
  if (first < 0 || outside === undefined) {
    return { applied: (await applyBatch(tx, [tenant], goal)).get(tenant.id) ?? [], isDone: true }
  }
  const added = first === 0 ? [outside] : pending.slice(0, first)
  if (first === 0) await runOutside(tx, tenant, { database, goal, file: outside })
  else await runMigrations(tx, added, { schemas: [tenant.schemaName], ...lockTimeoutOf(goal) })
  const names = new Set([...ledger, ...added].map(({ name }) => name))
  const carried = goal.files.filter(({ name }) => names.has(name))
  await writePartial(tx, tenant.id, { carried, added, runId: goal.runId })
  return { applied: added.map(({ name }) => name), isDone: false }
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
