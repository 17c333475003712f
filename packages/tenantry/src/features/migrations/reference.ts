// The reference: a schema that carries every tenant migration and belongs to no tenant. Faults of the files themselves show
// in it before any tenant is touched, and its fingerprint is what a tenant's schema must equal to count as up to date.
import { createHash } from 'node:crypto'
import type { GuardedSchema } from '../../engine/catalogue/catalogue.ts'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { isTenantryError, TenantryError } from '../../kernel/errors.ts'
import type { TenantRoles } from '../../tenants/options.ts'
import { dropSchema, guardSchema } from '../../tenants/schema.ts'
import type { MigrationFile } from './migration-file.ts'
import { type LedgerEntry, pendingFiles } from './migration-ledger.ts'
import { runMigrations } from './migration-run.ts'
import { needsCommit } from './migration-session.ts'
import { forNewSchema } from './new-schema.ts'
import { fingerprintsOf } from '../../engine/catalogue/fingerprints.ts'

export interface Reference {
  readonly schemaName: string
  /** SHA-256 over names and checksums of the files in order, in hex. */
  readonly chain: string
  readonly fingerprint: string
  /** The newest file; null where there is none. */
  readonly newest: string | null
}

/** No tenant has the nil UUID, so nobody can sign a context that gets past these guards. */
export const referenceSchema: GuardedSchema = {
  name: 'tenantry_reference',
  tenantId: '00000000-0000-0000-0000-000000000000',
}

/** Tells two sets of files apart: SHA-256 over their names and checksums, in hex. */
export function chainOf(files: readonly LedgerEntry[]): string {
  const hash = createHash('sha256')
  for (const { name, checksum } of files) hash.update(`${name}\0${checksum}\n`)
  return hash.digest('hex')
}

/**
 * Brings the reference to these files, and returns it; one query where it is there already. It is made anew where
 * somebody changed it, and where files that no tenant carries yet were changed or taken away.
 * Throws MIGRATION_FAILED, MIGRATION_CHANGED, MIGRATION_MISSING, and SCHEMA_EXISTS where the schema is not ours.
 */
export async function ensureReference(
  database: CentralDatabase,
  files: readonly MigrationFile[],
  roles: TenantRoles,
): Promise<Reference> {
  const chain = chainOf(files)
  const newest = files.at(-1)?.name ?? null
  let known = await readReference(database)
  for (let isSeparate = false; known?.chain !== chain || !known.isIntact; ) {
    try {
      const making = { files, roles, isSeparate }
      known = await database.transaction((tx) => advanceReference(tx, making))
    } catch (error) {
      // Each file on the way is a reference of its own then, for those that end with it.
      if (isSeparate || !needsCommit(error)) throw error
      isSeparate = true
    }
  }
  return { schemaName: referenceSchema.name, chain, fingerprint: known.fingerprint, newest }
}

/** The reference as it is now, whatever the files are; undefined where there is none. */
export async function storedReference(sql: Sql): Promise<Reference | undefined> {
  const known = await readReference(sql)
  if (known?.isIntact !== true) return undefined
  const { chain, fingerprint, files } = known
  return { schemaName: referenceSchema.name, chain, fingerprint, newest: files.at(-1)?.name ?? null }
}

interface ReferenceRow {
  readonly files: readonly LedgerEntry[]
  readonly chain: string
  readonly fingerprint: string
}

/** The reference as it is, where it is there and as it was made. */
export async function readIntactReference(sql: Sql): Promise<ReferenceRow | undefined> {
  const known = await readReference(sql)
  return known?.isIntact === true ? known : undefined
}

interface KnownReference extends ReferenceRow {
  /** The schema is there, and as it was made. */
  readonly isIntact: boolean
}

async function readReference(sql: Sql): Promise<KnownReference | undefined> {
  const { rows } = await sql.query<ReferenceRow>(
    'select files, chain, fingerprint from tenantry.migration_reference where chain is not null',
  )
  const row = rows[0]
  if (row === undefined) return undefined
  return { ...row, isIntact: (await actualFingerprint(sql)) === row.fingerprint }
}

async function actualFingerprint(sql: Sql): Promise<string | undefined> {
  return (await fingerprintsOf(sql, [referenceSchema])).get(referenceSchema.name)
}

interface Making {
  readonly files: readonly MigrationFile[]
  readonly roles: TenantRoles
  /** One file a transaction. */
  readonly isSeparate: boolean
}

/** Applies what is missing; or takes the reference away where it is to be made anew, and returns undefined. */
async function advanceReference(tx: Sql, making: Making): Promise<KnownReference | undefined> {
  // One at a time, the first time too: the row is there before it is locked.
  await tx.query('insert into tenantry.migration_reference default values on conflict do nothing')
  await tx.query('select from tenantry.migration_reference for update')
  const known = await readReference(tx)
  if (known === undefined) {
    await makeSchema(tx)
    return applyToReference(tx, making, [])
  }
  const pending = await pendingOfReference(tx, making.files, known)
  if (pending !== undefined) return pending.length === 0 ? known : applyToReference(tx, making, known.files)
  // In a transaction of its own: dropping foreign keys locks what they point at, which would look like migrations that
  // reach out of their schema.
  await dropSchema(tx, referenceSchema.name)
  await tx.query(`update tenantry.migration_reference set files = '[]', chain = null, fingerprint = null`)
  return undefined
}

async function applyToReference(
  tx: Sql,
  { files, roles, isSeparate }: Making,
  carried: readonly LedgerEntry[],
): Promise<KnownReference> {
  const missing = pendingFiles(files, carried)
  const pending = isSeparate ? missing.slice(0, 1) : missing
  // Nobody uses the schema, so nothing in it has to be built concurrently.
  await runMigrations(tx, forNewSchema(pending), referenceSchema.name)
  await guardSchema(tx, { id: referenceSchema.tenantId, schemaName: referenceSchema.name }, roles)
  const fingerprint = await actualFingerprint(tx)
  if (fingerprint === undefined) throw new Error('the reference schema has no fingerprint')
  const ledger = files
    .filter((file) => !missing.includes(file) || pending.includes(file))
    .map(({ name, checksum }) => ({ name, checksum }))
  const chain = chainOf(ledger)
  await tx.query('update tenantry.migration_reference set files = $1, chain = $2, fingerprint = $3, made_at = now()', [
    JSON.stringify(ledger),
    chain,
    fingerprint,
  ])
  return { files: ledger, chain, fingerprint, isIntact: true }
}

/** What it lacks; undefined where it is to be made anew. */
async function pendingOfReference(
  tx: Sql,
  files: readonly MigrationFile[],
  known: KnownReference,
): Promise<readonly MigrationFile[] | undefined> {
  if (!known.isIntact) return undefined
  try {
    return pendingFiles(files, known.files)
  } catch (error) {
    const differs = isTenantryError(error, 'MIGRATION_CHANGED') || isTenantryError(error, 'MIGRATION_MISSING')
    if (!differs) throw error
    await refuseOtherThanApplied(tx, files)
    return undefined
  }
}

/** Throws MIGRATION_CHANGED or MIGRATION_MISSING where any tenant carries a file that is not one of these. */
export async function refuseOtherThanApplied(sql: Sql, files: readonly MigrationFile[]): Promise<void> {
  const { rows } = await sql.query<LedgerEntry>(
    `select name, checksum from tenantry.migration where tenant_id is not null group by name, checksum order by name`,
  )
  pendingFiles(files, rows)
}

async function makeSchema(tx: Sql): Promise<void> {
  const { rows } = await tx.query('select from pg_namespace where nspname = $1', [referenceSchema.name])
  if (rows.length > 0) {
    throw new TenantryError(
      'SCHEMA_EXISTS',
      `The database has a schema ${referenceSchema.name} that is not Tenantry's.`,
    )
  }
  await tx.query(`create schema ${referenceSchema.name}`)
}
