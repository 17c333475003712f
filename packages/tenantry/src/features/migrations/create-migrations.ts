// Shared and tenant migrations of an instance: shared ones at start, tenant ones as a participant of provisioning.
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { refuseWhileRunning } from '../../tenants/lifecycle.ts'
import { inTenantTransaction } from '../../tenants/lock.ts'
import type { TenantRoles } from '../../tenants/options.ts'
import type { Participant } from '../../tenants/participant.ts'
import { tenantKey } from '../../tenants/reference.ts'
import { guardSchema } from '../../tenants/schema.ts'
import type { Tenant, TenantRef } from '../../tenants/tenant.ts'
import type { MigrationFile, MigrationFiles } from './migration-files.ts'
import { pendingFiles, readLedger, writeLedger } from './migration-ledger.ts'
import { runMigrations } from './migration-run.ts'

export interface Migrations {
  /** Goes first among the participants: others may use the tables it makes. */
  readonly participant: Participant
  /**
   * Applies the pending shared migrations in one transaction, once however many processes ask; returns their names.
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
    participant: migrationsParticipant(files.tenant),
    applyShared: (database) => applyShared(database, files.shared),
    migrateTenant: (database, ref) =>
      inTenantTransaction({ database }, tenantKey(ref), async (tx, tenant) => {
        refuseUnready(tenant)
        await refuseWhileRunning(tx, tenant)
        const applied = await applyToTenant(tx, tenant, files.tenant)
        if (applied.length === 0) return applied
        await guardSchema(tx, tenant, roles)
        await tx.query(
          `update tenantry.tenant set migration_version =
             (select count(*) from tenantry.migration where tenant_id = $1) where id = $1`,
          [tenant.id],
        )
        return applied
      }),
  }
}

function migrationsParticipant(files: readonly MigrationFile[]): Participant {
  const forgetLedger = async (tx: Sql, tenant: Tenant) => {
    await tx.query('delete from tenantry.migration where tenant_id = $1', [tenant.id])
  }
  return {
    name: 'migrations',
    provision: async (tx, tenant) => {
      await applyToTenant(tx, tenant, files)
    },
    undoProvision: forgetLedger,
    purge: forgetLedger,
    leftovers: async (tx, tenant) => ((await readLedger(tx, tenant.id)).length > 0 ? ['migration ledger'] : []),
  }
}

async function applyToTenant(tx: Sql, tenant: Tenant, files: readonly MigrationFile[]): Promise<readonly string[]> {
  if (tenant.isolation !== 'schema') return []
  const pending = pendingFiles(files, await readLedger(tx, tenant.id))
  await runMigrations(tx, pending, tenant.schemaName)
  if (pending.length > 0) await writeLedger(tx, tenant.id, pending)
  return pending.map((file) => file.name)
}

async function applyShared(database: CentralDatabase, files: readonly MigrationFile[]): Promise<readonly string[]> {
  return database.transaction(async (tx) => {
    // One at a time: the row every process knows, because tenants can take advisory locks.
    await tx.query('select from tenantry.instance for update')
    const pending = pendingFiles(files, await readLedger(tx, null))
    await runMigrations(tx, pending)
    if (pending.length > 0) await writeLedger(tx, null, pending)
    return pending.map((file) => file.name)
  })
}

function refuseUnready(tenant: Tenant): void {
  if (tenant.status === 'deleted') throw new TenantryError('TENANT_DELETED', `The tenant ${tenant.slug} is deleted.`)
  if (tenant.status === 'purged') throw new TenantryError('TENANT_PURGED', 'The tenant was purged.')
  if (tenant.provisionedAt !== null) return
  throw new TenantryError('TENANT_NOT_PROVISIONED', `The tenant ${tenant.slug} is not provisioned.`)
}
