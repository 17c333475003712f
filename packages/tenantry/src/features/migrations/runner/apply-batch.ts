// Brings several schema tenants to the newest migration in the caller's transaction, all or none, and proves it: nothing is
// written down as done unless the schema's fingerprint is the reference's.
import { fingerprintsOf } from '../../../engine/catalogue/fingerprints.ts'
import type { GuardedSchema } from '../../../engine/catalogue/catalogue.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { TenantRoles } from '../../../tenants/options.ts'
import { guardSchema } from '../../../tenants/schema.ts'
import type { MigrationFile } from '../migration-file.ts'
import { type LedgerEntry, pendingFiles } from '../migration-ledger.ts'
import { runMigrations } from '../migration-run.ts'
import type { Reference } from '../reference.ts'
import { readLedgers, type TenantSchema, writeProven } from './state-store.ts'

/** What all tenants are brought to. */
export interface Goal {
  readonly files: readonly MigrationFile[]
  readonly reference: Reference
  readonly roles: TenantRoles
  /** How long a statement waits for a lock; default: the server's. */
  readonly lockTimeoutMs?: number
  readonly runId: string | null
}

/**
 * Applies what each of them lacks, guards it, proves it and writes it down; returns the names applied by tenant id. The
 * transaction must hold their rows of the registry.
 * Throws MIGRATION_FAILED, MIGRATION_CHANGED, MIGRATION_MISSING, and MIGRATION_UNPROVEN where a schema is not as the
 * reference; the transaction is then to be rolled back.
 */
export async function applyBatch(
  tx: Sql,
  tenants: readonly TenantSchema[],
  goal: Goal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const startedAt = performance.now()
  const groups = await groupByPending(tx, tenants, goal.files)
  const among = tenants.map(schemaOf)
  for (const { pending, members } of groups) {
    await runMigrations(tx, pending, { schemas: members.map(schemaOf), among, ...lockTimeoutOf(goal) })
  }
  await proveSchemas(tx, tenants, goal)
  const durationMs = (performance.now() - startedAt) / tenants.length
  for (const { pending, members } of groups) await writeProven(tx, { goal, pending, tenants: members, durationMs })
  return new Map(groups.flatMap(({ pending, members }) => members.map(({ id }) => [id, pending.map(nameOf)] as const)))
}

const schemaOf = ({ schemaName }: TenantSchema): string => schemaName
const nameOf = ({ name }: MigrationFile): string => name
const lockTimeoutOf = ({ lockTimeoutMs }: Goal) => (lockTimeoutMs === undefined ? {} : { lockTimeoutMs })

interface Group {
  readonly pending: readonly MigrationFile[]
  readonly members: readonly TenantSchema[]
}

/** Tenants that lack the same files. */
async function groupByPending(
  tx: Sql,
  tenants: readonly TenantSchema[],
  files: readonly MigrationFile[],
): Promise<readonly Group[]> {
  const ledgers = await readLedgers(tx, tenants)
  const groups = new Map<string, { pending: readonly MigrationFile[]; members: TenantSchema[] }>()
  for (const tenant of tenants) {
    const pending = pendingOf(files, ledgers.get(tenant.id) ?? [], tenant)
    const key = pending.map(nameOf).join('\n')
    const group = groups.get(key) ?? { pending, members: [] }
    group.members.push(tenant)
    groups.set(key, group)
  }
  return [...groups.values()]
}

function pendingOf(
  files: readonly MigrationFile[],
  ledger: readonly LedgerEntry[],
  { slug }: TenantSchema,
): readonly MigrationFile[] {
  try {
    return pendingFiles(files, ledger)
  } catch (error) {
    if (!(error instanceof TenantryError)) throw error
    throw new TenantryError(error.code, `${error.message} The tenant ${slug} carries it.`, { cause: error })
  }
}

/**
 * Throws MIGRATION_UNPROVEN unless each schema is as the reference; one that is not is guarded first, which is what a new
 * table lacks.
 */
async function proveSchemas(tx: Sql, tenants: readonly TenantSchema[], { reference, roles }: Goal): Promise<void> {
  const unguarded = await differingFrom(tx, tenants, reference)
  if (unguarded.length === 0) return
  for (const tenant of unguarded) await guardSchema(tx, tenant, roles)
  const unproven = (await differingFrom(tx, unguarded, reference))[0]
  if (unproven === undefined) return
  throw new TenantryError(
    'MIGRATION_UNPROVEN',
    `The schema of the tenant ${unproven.slug} is not as its migrations make one: it was changed otherwise.`,
  )
}

async function differingFrom(
  tx: Sql,
  tenants: readonly TenantSchema[],
  reference: Reference,
): Promise<readonly TenantSchema[]> {
  const fingerprints = await fingerprintsOf(tx, tenants.map(guardedSchema))
  return tenants.filter(({ schemaName }) => fingerprints.get(schemaName) !== reference.fingerprint)
}

const guardedSchema = ({ id, schemaName }: TenantSchema): GuardedSchema => ({ name: schemaName, tenantId: id })
