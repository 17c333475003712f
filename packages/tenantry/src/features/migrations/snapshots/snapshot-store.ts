// The script of the newest reference: made once for each chain, tried before it counts, and read by every provisioning.
import { fingerprintsOf } from '../../../engine/catalogue/fingerprints.ts'
import type { GuardedSchema } from '../../../engine/catalogue/catalogue.ts'
import { snapshotOf } from '../../../engine/catalogue/snapshot.ts'
import type { CentralDatabase, Sql } from '../../../engine/sql/database.ts'
import { isTenantryError } from '../../../kernel/errors.ts'
import { newId } from '../../../kernel/ids.ts'
import { quoteIdentifier as quote } from '../../../kernel/identifiers.ts'
import type { Logger } from '../../../kernel/logger.ts'
import type { TenantRoles } from '../../../tenants/options.ts'
import type { LedgerEntry } from '../migration-ledger.ts'
import { referenceSchema } from '../reference.ts'
import { guardsFor, readGuards } from './guards-script.ts'
import { warmName } from './warm-name.ts'

/** What a new schema is made from. */
export interface Snapshot {
  readonly script: string
  readonly guards: string
}

/** The reference as it is, and stays until the transaction ends. */
export interface Newest {
  readonly chain: string
  readonly fingerprint: string
  readonly files: readonly LedgerEntry[]
  /** Null where there is no snapshot of this chain yet. */
  readonly isFaithful: boolean | null
  /** Null where the caller has the one of this chain. */
  readonly script: string | null
  readonly guards: string | null
}

// Shared with all who provision, and with nobody who would move it: a migration that wants to waits for them, and then
// finds their tenants.
const selectNewest = `
select r.chain, r.fingerprint, r.files, s.is_faithful as "isFaithful",
       case when r.chain is distinct from $1 then s.script end as script,
       case when r.chain is distinct from $1 then s.guards end as guards
  from tenantry.migration_reference r left join tenantry.snapshot s on s.chain = r.chain
 where r.chain is not null for share of r`

/** The newest reference, locked; undefined where there is none. */
export async function lockNewest(tx: Sql, known: string | null): Promise<Newest | undefined> {
  return (await tx.query<Newest>(selectNewest, [known])).rows[0]
}

export interface SnapshotContext {
  readonly database: CentralDatabase
  readonly roles: TenantRoles
  readonly logger: Logger
}

/** Makes the snapshot of the reference, where there is none. */
export async function ensureSnapshot({ database, roles, logger }: SnapshotContext): Promise<void> {
  await database.transaction(async (tx) => {
    const newest = await lockNewest(tx, null)
    if (newest === undefined || newest.isFaithful !== null) return
    const script = await snapshotOf(tx, referenceSchema).catch((error: unknown) => {
      if (isTenantryError(error, 'MIGRATION_UNPROVEN')) return undefined
      throw error
    })
    const snapshot = { script: script ?? '', guards: await readGuards(tx, roles) }
    const isFaithful = script !== undefined && (await isLike(tx, { snapshot, roles, fingerprint: newest.fingerprint }))
    if (!isFaithful) {
      logger.warn('new tenants replay their migrations: a snapshot does not make the same schema', {
        chain: newest.chain,
      })
    }
    await tx.query('delete from tenantry.snapshot where chain <> $1', [newest.chain])
    await tx.query(
      `insert into tenantry.snapshot (chain, fingerprint, is_faithful, script, guards) values ($1, $2, $3, $4, $5)
       on conflict (chain) do nothing`,
      [newest.chain, newest.fingerprint, isFaithful, snapshot.script, snapshot.guards],
    )
  })
}

interface Trial {
  readonly snapshot: Snapshot
  readonly roles: TenantRoles
  readonly fingerprint: string
}

/** Whether a schema that is made from it has the fingerprint; nothing is left of that one. */
async function isLike(tx: Sql, { snapshot, roles, fingerprint }: Trial): Promise<boolean> {
  const trial = { name: warmName(), tenantId: newId() }
  await tx.query(`savepoint tenantry_trial; create schema ${trial.name}`)
  const isLike = await fillFrom(tx, trial, { snapshot, roles, fingerprint })
  await tx.query('rollback to savepoint tenantry_trial')
  return isLike
}

/**
 * Fills an empty schema from a snapshot; true where it has the fingerprint then. Where it has not, and where the script
 * fails, the schema is empty again.
 */
export async function fillFrom(
  tx: Sql,
  schema: GuardedSchema,
  { snapshot, roles, fingerprint }: Trial,
): Promise<boolean> {
  const text = `savepoint tenantry_snapshot;
grant usage on schema ${quote(schema.name)} to ${quote(roles.app)}, ${quote(roles.central)};
set local search_path = ${quote(schema.name)}, pg_temp;
${snapshot.script}${guardsFor(snapshot.guards, schema.tenantId)}
set local search_path to default`
  try {
    const [, fingerprints] = await Promise.all([tx.query(text), fingerprintsOf(tx, [schema])])
    if (fingerprints.get(schema.name) === fingerprint) return true
  } catch (error) {
    if (isTenantryError(error)) throw error
  }
  await tx.query('rollback to savepoint tenantry_snapshot')
  return false
}
