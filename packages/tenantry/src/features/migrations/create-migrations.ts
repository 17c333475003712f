// Shared and tenant migrations of an instance: shared ones at start, tenant ones as a participant of provisioning.
import { setTimeout as delay } from 'node:timers/promises'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { sqlStateOf } from '../../engine/sql/database-errors.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { refuseWhileRunning } from '../../tenants/lifecycle.ts'
import { inTenantTransaction } from '../../tenants/lock.ts'
import type { TenantRoles } from '../../tenants/options.ts'
import type { Participant } from '../../tenants/participant.ts'
import { tenantKey } from '../../tenants/reference.ts'
import type { Tenant, TenantRef } from '../../tenants/tenant.ts'
import type { MigrationFile, MigrationFiles } from './migration-files.ts'
import { pendingFiles, readLedger, writeLedger } from './migration-ledger.ts'
import { chainOf, ensureReference, storedReference } from './reference.ts'
import { applyBatch } from './runner/apply-batch.ts'
import { stepTenant, type TenantStep, together } from './runner/apply-tenant.ts'
import { forNewSchema } from './new-schema.ts'
import { runMigrations } from './migration-run.ts'
import { needsCommit } from './migration-session.ts'
import { runOutsideTransaction } from './outside/run-outside-transaction.ts'
import { forgetSteps, resumption } from './outside/step-store.ts'

export interface Migrations {
  /** Goes first among the participants: others may use the tables it makes. */
  readonly participant: Participant
  /**
   * Applies the pending shared migrations in one transaction, and those that say `no-transaction` between, once however many processes ask; returns their names.
   * Throws MIGRATION_FAILED, MIGRATION_CHANGED, MIGRATION_MISSING.
   */
  applyShared(database: CentralDatabase): Promise<readonly string[]>
  /**
   * Brings a provisioned schema tenant up to date in one transaction, guards included; returns the names applied.
   * Throws as `applyShared`, and TENANT_NOT_PROVISIONED, TENANT_DELETED, TENANT_PURGED, TENANT_BUSY.
   */
  migrateTenant(database: CentralDatabase, ref: TenantRef): Promise<readonly string[]>
}

export interface MigrationsOptions {
  readonly files: MigrationFiles
  readonly roles: TenantRoles
}

/**
 * The migrations of an instance, from files that were read before.
 *
 * @example
 * ```ts
 * const migrations = createMigrations({ files: await readMigrationFiles('./migrations'), roles: instance.roles })
 * await migrations.applyShared(database)
 * ```
 */
export function createMigrations({ files, roles }: MigrationsOptions): Migrations {
  return {
    participant: migrationsParticipant({ files: files.tenant, roles }),
    applyShared: (database) => applyShared(database, files.shared),
    migrateTenant: (database, ref) => migrateTenant(database, ref, { files: files.tenant, roles }),
  }
}

interface TenantSet {
  readonly files: readonly MigrationFile[]
  readonly roles: TenantRoles
}

async function migrateTenant(
  database: CentralDatabase,
  ref: TenantRef,
  { files, roles }: TenantSet,
): Promise<readonly string[]> {
  await inTenantTransaction({ database }, tenantKey(ref), async (_tx, tenant) => refuseUnready(tenant))
  const reference = await ensureReference(database, files, roles)
  const goal = { files, reference, roles, runId: null }
  return inSteps((isSeparate) =>
    inTenantTransaction({ database }, tenantKey(ref), async (tx, tenant) => {
      refuseUnready(tenant)
      await refuseWhileRunning(tx, tenant)
      if (tenant.isolation !== 'schema') return { applied: [], isDone: true }
      return stepTenant(tx, tenant, { database, goal, isSeparate })
    }),
  )
}

/** Steps until one is the last; with a transaction for each file from the first on that needs another one's commit. */
async function inSteps(run: (isSeparate: boolean) => Promise<TenantStep>): Promise<readonly string[]> {
  const applied: string[] = []
  for (let isSeparate = false; ; ) {
    try {
      const step = await run(isSeparate)
      applied.push(...step.applied)
      if (step.isDone) return applied
    } catch (error) {
      if (isSeparate || !needsCommit(error)) throw error
      isSeparate = true
    }
  }
}

function migrationsParticipant({ files, roles }: TenantSet): Participant {
  const forgetLedger = async (tx: Sql, tenant: Tenant) => {
    for (const table of ['migration', 'migration_state', 'migration_step', 'migration_failure']) {
      await tx.query(`delete from tenantry.${table} where tenant_id = $1`, [tenant.id])
    }
  }
  return {
    name: 'migrations',
    fillsSchema: true,
    provision: async (tx, tenant) => {
      await applyToTenant(tx, tenant, files)
    },
    // A deleted tenant is not in the fleet: it comes back as the others are, or not at all.
    restore: (tx, tenant) => restoreTenant(tx, tenant, { files, roles }),
    undoProvision: forgetLedger,
    purge: forgetLedger,
    leftovers: async (tx, tenant) => ((await readLedger(tx, tenant.id)).length > 0 ? ['migration ledger'] : []),
  }
}

/** Nobody is in the schema yet, so nothing in it has to be built concurrently. */
async function restoreTenant(tx: Sql, tenant: Tenant, { files, roles }: TenantSet): Promise<void> {
  if (tenant.isolation !== 'schema' || tenant.provisionedAt === null) return
  const pending = pendingFiles(files, await readLedger(tx, tenant.id))
  if (pending.length === 0) return
  const reference = await storedReference(tx)
  if (reference === undefined || reference.chain !== chainOf(files)) {
    throw new TenantryError(
      'MIGRATION_INCOMPLETE',
      `The tenant ${tenant.slug} lacks migrations that nothing proves yet.`,
      {
        fix: 'Run `tenantry migrate up`, then restore it.',
      },
    )
  }
  const goal = { files: forNewSchema(files), reference, roles, runId: null }
  await applyBatch(tx, [tenant], goal)
}

async function applyToTenant(tx: Sql, tenant: Tenant, files: readonly MigrationFile[]): Promise<readonly string[]> {
  if (tenant.isolation !== 'schema') return []
  const ledger = await readLedger(tx, tenant.id)
  const pending = pendingFiles(files, ledger)
  await runMigrations(tx, ledger.length === 0 ? forNewSchema(pending) : pending, tenant.schemaName)
  if (pending.length > 0) await writeLedger(tx, tenant.id, pending)
  return pending.map((file) => file.name)
}

async function applyShared(database: CentralDatabase, files: readonly MigrationFile[]): Promise<readonly string[]> {
  return inSteps(async (isSeparate) => {
    const { inside, next } = await database.transaction(async (tx) => {
      // One at a time: the row every process knows, because tenants can take advisory locks.
      await tx.query('select from tenantry.instance for update')
      const pending = pendingFiles(files, await readLedger(tx, null))
      const inside = pending.slice(0, together(pending, isSeparate))
      await runMigrations(tx, inside)
      if (inside.length > 0) await writeLedger(tx, null, inside)
      return { inside, next: pending[inside.length] }
    })
    const applied = inside.map(({ name }) => name)
    if (next === undefined || next.transaction) return { applied, isDone: next === undefined }
    const isOurs = await applySharedOutside(database, next)
    return { applied: isOurs ? [...applied, next.name] : applied, isDone: false }
  })
}

/**
 * Whether it was this process that applied it. Nobody may wait for the lock in a statement: building an index concurrently
 * waits for every statement that runs, and so for those that wait for it. This kind of lock disturbs no reader or writer.
 */
async function applySharedOutside(database: CentralDatabase, file: MigrationFile): Promise<boolean> {
  try {
    return await database.transaction(async (tx) => {
      await tx.query('lock table tenantry.migration in share update exclusive mode nowait')
      if ((await readLedger(tx, null)).some(({ name }) => name === file.name)) return false
      const steps = await resumption(tx, null, file.name)
      // A statement with values keeps its snapshot until the next one, and the build would wait for it.
      await tx.query('select')
      await database.session((session) => runOutsideTransaction(session, file, steps))
      await Promise.all([writeLedger(tx, null, [file]), forgetSteps(tx, null, [file.name])])
      return true
    })
  } catch (error) {
    if (error instanceof TenantryError || sqlStateOf(error) !== LOCK_NOT_AVAILABLE) throw error
    await delay(OTHER_PROCESS_MS)
    return false
  }
}

const LOCK_NOT_AVAILABLE = '55P03'
/** How often to look whether the other process is done. */
const OTHER_PROCESS_MS = 100

function refuseUnready(tenant: Tenant): void {
  if (tenant.status === 'deleted') throw new TenantryError('TENANT_DELETED', `The tenant ${tenant.slug} is deleted.`)
  if (tenant.status === 'purged') throw new TenantryError('TENANT_PURGED', 'The tenant was purged.')
  if (tenant.provisionedAt !== null) return
  throw new TenantryError('TENANT_NOT_PROVISIONED', `The tenant ${tenant.slug} is not provisioned.`)
}
