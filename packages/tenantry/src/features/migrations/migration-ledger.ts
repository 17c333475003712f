// What was applied where: one row for each file and tenant, shared migrations without a tenant.
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { MigrationFile } from './migration-file.ts'

export interface LedgerEntry {
  readonly name: string
  readonly checksum: string
}

/** The ledger of a tenant, or of the shared migrations for null. */
export async function readLedger(sql: Sql, tenantId: string | null): Promise<readonly LedgerEntry[]> {
  const { rows } = await sql.query<LedgerEntry>(
    'select name, checksum from tenantry.migration where tenant_id is not distinct from $1::uuid order by name',
    [tenantId],
  )
  return rows
}

export async function writeLedger(sql: Sql, tenantId: string | null, files: readonly MigrationFile[]): Promise<void> {
  await sql.query(
    `insert into tenantry.migration (tenant_id, name, checksum)
     select $1::uuid, name, checksum from unnest($2::text[], $3::text[]) as file (name, checksum)`,
    [tenantId, files.map((file) => file.name), files.map((file) => file.checksum)],
  )
}

/**
 * The files that the ledger does not have yet, in order.
 * Throws MIGRATION_CHANGED where a file is no longer what was applied, MIGRATION_MISSING where one is gone.
 */
export function pendingFiles(
  files: readonly MigrationFile[],
  ledger: readonly LedgerEntry[],
): readonly MigrationFile[] {
  const byName = new Map(files.map((file) => [file.name, file]))
  for (const { name, checksum } of ledger) {
    const file = byName.get(name)
    if (file === undefined) throw new TenantryError('MIGRATION_MISSING', `The applied migration ${name} has no file.`)
    if (file.checksum !== checksum) {
      throw new TenantryError('MIGRATION_CHANGED', `The migration ${name} was changed after it was applied.`)
    }
  }
  const applied = new Set(ledger.map((entry) => entry.name))
  return files.filter((file) => !applied.has(file.name))
}
