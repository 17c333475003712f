// Whether tenants' schemas are what their migrations make, and what they differ in. Changes nothing: where the reference
// is ahead of a tenant, what that tenant's own files make is built beside it and rolled back.
import { compareCatalogues } from '../../engine/catalogue/compare-catalogues.ts'
import type { Difference, GuardedSchema, SchemaCatalogue } from '../../engine/catalogue/catalogue.ts'
import { describeSchema } from '../../engine/catalogue/describe-schema.ts'
import { fingerprintsOf } from '../../engine/catalogue/fingerprints.ts'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { TenantRoles } from '../../tenants/options.ts'
import { guardSchema } from '../../tenants/schema.ts'
import type { DriftReport, TenantDrift } from './fleet.ts'
import type { MigrationFiles } from './migration-files.ts'
import type { LedgerEntry } from './migration-ledger.ts'
import { runMigrations } from './migration-run.ts'
import { forNewSchema } from './new-schema.ts'
import { chainOf, readIntactReference, referenceSchema, refuseOtherThanApplied } from './reference.ts'
import { type Chosen, type LedgerGroup, readLedgerGroups } from './runner/fleet-store.ts'
import { readLedgers, type TenantSchema } from './runner/state-store.ts'

export interface DriftSources {
  readonly database: CentralDatabase
  readonly files: MigrationFiles
  readonly roles: TenantRoles
}

/** How many schemas one statement asks about, so that none takes long. */
const CHUNK = 500

/** Compares these tenants with what their migrations make. Throws MIGRATION_CHANGED, MIGRATION_MISSING, MIGRATION_FAILED. */
export async function driftOf(sources: DriftSources, chosen: Chosen): Promise<DriftReport> {
  const { database, files } = sources
  await refuseOtherThanApplied(database, files.tenant)
  const groups = await readLedgerGroups(database, chosen)
  const newest = files.tenant.at(-1)?.name ?? null
  const drifted: TenantDrift[] = []
  for (const group of groups) drifted.push(...(await driftOfGroup(sources, group)))
  const count = (some: readonly LedgerGroup[]) => some.flatMap(({ tenants }) => tenants).length
  return {
    target: newest,
    checked: count(groups),
    drifted: drifted.toSorted((a, b) => (a.slug < b.slug ? -1 : 1)),
    pending: count(groups.filter(({ files: carried }) => carried.length < files.tenant.length)),
  }
}

/** Tenants that carry the same files. */
async function driftOfGroup(sources: DriftSources, group: LedgerGroup): Promise<readonly TenantDrift[]> {
  const { database } = sources
  const reference = await referenceFor(sources, group.files)
  const drifted: TenantDrift[] = []
  for (let at = 0; at < group.tenants.length; at += CHUNK) {
    const tenants = group.tenants.slice(at, at + CHUNK)
    const fingerprints = await fingerprintsOf(database, tenants.map(guardedOf))
    for (const tenant of tenants) {
      const fingerprint = fingerprints.get(tenant.schemaName)
      if (fingerprint === reference.fingerprint) continue
      const differences =
        fingerprint === undefined ? [gone] : await differencesOf(database, { tenant, reference, group })
      const { id: tenantId, slug, schemaName } = tenant
      if (differences.length > 0) drifted.push({ tenantId, slug, schemaName, differences })
    }
  }
  return drifted
}

const guardedOf = ({ id, schemaName }: TenantSchema): GuardedSchema => ({ name: schemaName, tenantId: id })

interface Compared {
  readonly tenant: TenantSchema
  readonly reference: SchemaCatalogue
  readonly group: LedgerGroup
}

/** None where the tenant was migrated meanwhile: it is no longer what it was to be compared with. */
async function differencesOf(database: CentralDatabase, compared: Compared): Promise<readonly Difference[]> {
  const { tenant, reference, group } = compared
  const actual = await describeSchema(database, guardedOf(tenant))
  if (actual.fingerprint === reference.fingerprint) return []
  const ledger = (await readLedgers(database, [tenant])).get(tenant.id) ?? []
  if (chainOf(ledger) !== chainOf(group.files)) return []
  const differences = compareCatalogues(reference, actual)
  return differences.length > 0 ? differences : [unnamed]
}

const gone: Difference = {
  ...{ kind: 'schema', name: 'schema', change: 'missing', expected: 'schema', actual: null, mend: null },
  warning: 'The schema is gone. Restore it from a backup, or purge the tenant.',
}

// So that a tenant whose fingerprint differs is never passed over.
const unnamed: Difference = {
  ...{ kind: 'schema', name: 'schema', change: 'different', expected: null, actual: null, mend: null },
  warning: 'Its fingerprint differs in something that has no name here. Compare dumps of both schemas.',
}

/** What a schema with these files looks like. */
async function referenceFor(sources: DriftSources, ledger: readonly LedgerEntry[]): Promise<SchemaCatalogue> {
  const known = await readIntactReference(sources.database)
  if (known?.chain === chainOf(ledger)) return describeSchema(sources.database, referenceSchema)
  return buildReference(sources, ledger)
}

class RolledBack extends Error {}

async function buildReference(
  { database, files, roles }: DriftSources,
  ledger: readonly LedgerEntry[],
): Promise<SchemaCatalogue> {
  const names = new Set(ledger.map(({ name }) => name))
  const carried = files.tenant.filter(({ name }) => names.has(name))
  const schema = { name: `tenantry_drift_${newId().replaceAll('-', '')}`, tenantId: referenceSchema.tenantId }
  let built: SchemaCatalogue | undefined
  await database
    .transaction(async (tx) => {
      built = await describeFiles(tx, { schema, carried, roles })
      throw new RolledBack()
    })
    .catch((error: unknown) => {
      if (!(error instanceof RolledBack)) throw error
    })
  if (built === undefined) throw new TenantryError('INTERNAL', 'The reference could not be described.')
  return built
}

interface Building {
  readonly schema: GuardedSchema
  readonly carried: MigrationFiles['tenant']
  readonly roles: TenantRoles
}

async function describeFiles(tx: Sql, { schema, carried, roles }: Building): Promise<SchemaCatalogue> {
  await tx.query(`create schema ${schema.name}`)
  await runMigrations(tx, forNewSchema(carried), schema.name)
  await guardSchema(tx, { id: schema.tenantId, schemaName: schema.name }, roles)
  return describeSchema(tx, schema)
}
