// The control plane's own schema: numbered SQL files that are applied once, in order, and never edited. Applied under
// a lock on our own ledger, because tenants can take advisory locks.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { Sql } from '../engine/sql/database.ts'
import { TenantryError } from '../kernel/errors.ts'

export interface ControlMigration {
  readonly name: string
  readonly checksum: string
  readonly sql: string
}

export interface AppliedMigration {
  readonly name: string
  readonly checksum: string
}

// The same two folders up from src/control and from dist/control.
const folder = new URL('../../sql/control/', import.meta.url)

const LEDGER = `
  create table if not exists tenantry.control_migration (
    name       text primary key,
    checksum   text not null,
    applied_at timestamptz not null default now()
  )`

/** The control-plane migrations of this package, in order. */
export async function readControlMigrations(): Promise<readonly ControlMigration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), 'utf8')
      return { name, checksum: createHash('sha256').update(sql).digest('hex'), sql }
    }),
  )
}

/**
 * Which files are still to be applied, given what the ledger holds.
 * Throws MIGRATION_CHANGED for a file that is no longer what was applied, and CONTROL_PLANE_NEWER where the ledger
 * knows a migration that this package does not.
 */
export function pendingMigrations(
  files: readonly ControlMigration[],
  applied: readonly AppliedMigration[],
): readonly ControlMigration[] {
  const checksums = new Map(applied.map(({ name, checksum }) => [name, checksum]))
  const known = new Set(files.map(({ name }) => name))
  const unknown = applied.find(({ name }) => !known.has(name))
  if (unknown !== undefined) {
    throw new TenantryError(
      'CONTROL_PLANE_NEWER',
      `The control plane has migration ${unknown.name}, which this version of Tenantry does not know.`,
    )
  }
  for (const { name, checksum } of files) {
    const before = checksums.get(name)
    if (before !== undefined && before !== checksum) {
      throw new TenantryError(
        'MIGRATION_CHANGED',
        `Control-plane migration ${name} is not the file that was applied.`,
        {
          fix: 'Reinstall the tenantry package; its migrations are never edited.',
        },
      )
    }
  }
  return files.filter(({ name }) => !checksums.has(name))
}

/** Reads the ledger; undefined where there is none yet. */
export async function readLedger(sql: Sql): Promise<readonly AppliedMigration[] | undefined> {
  const ledger = await sql.query(
    `select from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'tenantry' and c.relname = 'control_migration'`,
  )
  if (ledger.rows.length === 0) return undefined
  return (await sql.query<AppliedMigration>('select name, checksum from tenantry.control_migration order by name')).rows
}

/**
 * Brings the control plane's schema up to this package, inside the caller's transaction, and returns the names of
 * what it applied. The ledger stays locked until that transaction ends, so of several starts one works and the
 * others find it done. Throws MIGRATION_CHANGED and CONTROL_PLANE_NEWER.
 */
export async function applyControlMigrations(tx: Sql): Promise<readonly string[]> {
  const schema = await tx.query("select from pg_namespace where nspname = 'tenantry'")
  // Asked first: even with IF NOT EXISTS it demands CREATE on the database.
  if (schema.rows.length === 0) await tx.query('create schema tenantry')
  await tx.query(LEDGER)
  await tx.query('lock table tenantry.control_migration in share row exclusive mode')
  const pending = pendingMigrations(await readControlMigrations(), (await readLedger(tx)) ?? [])
  for (const migration of pending) {
    await tx.query(migration.sql)
    await tx.query('insert into tenantry.control_migration (name, checksum) values ($1, $2)', [
      migration.name,
      migration.checksum,
    ])
  }
  return pending.map(({ name }) => name)
}
