// Makes the schema of a new tenant: one that is ready by renaming it, else from the snapshot in one flush, else by leaving
// it to the files. Whichever it was, its ledger says so, and the fingerprint proves it.
import { fingerprintsOf } from '../../../engine/catalogue/fingerprints.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import { createSchema, dropSchema, renameSchema } from '../../../tenants/schema.ts'
import type { MadeSchema, SchemaMaker } from '../../../tenants/schema-maker.ts'
import type { Tenant } from '../../../tenants/tenant.ts'
import type { MigrationFile } from '../migration-files.ts'
import type { LedgerEntry } from '../migration-ledger.ts'
import { ensureReference } from '../reference.ts'
import {
  ensureSnapshot,
  fillFrom,
  lockNewest,
  type Newest,
  type Snapshot,
  type SnapshotContext,
} from './snapshot-store.ts'

export interface SchemaMakerOptions extends SnapshotContext {
  /** The tenant set of this process. */
  readonly files: readonly MigrationFile[]
}

/** How schemas of the newest reference are made. */
export class SnapshotMaker implements SchemaMaker {
  readonly #options: SchemaMakerOptions
  #known: (Snapshot & { readonly chain: string }) | undefined
  #warned: string | undefined

  constructor(options: SchemaMakerOptions) {
    this.#options = options
  }

  /** Taken by whoever provisions next; one that another transaction has in hand is passed over. */
  async reserve(tx: Sql): Promise<string | undefined> {
    return (await tx.query<{ id: string }>(takeWarm)).rows[0]?.id
  }

  async prepare(): Promise<void> {
    const { database, files, roles } = this.#options
    const { rows } = await database.query<{ files: readonly LedgerEntry[] }>(
      'select files from tenantry.migration_reference where chain is not null',
    )
    if (!carries(rows[0]?.files, files)) await ensureReference(database, files, roles)
    await ensureSnapshot(this.#options)
  }

  async make(tx: Sql, tenant: Tenant): Promise<MadeSchema> {
    // In order on one connection, and together on the way.
    const [newest, { rows }] = await Promise.all([this.newest(tx), tx.query<Warm>(removeTaken, [tenant.id])])
    const [warm] = rows
    if (newest === 'unprepared') {
      if (warm !== undefined) await dropSchema(tx, warm.name)
      return 'unprepared'
    }
    if (warm !== undefined && newest !== undefined && warm.chain === newest.chain) {
      await Promise.all([renameSchema(tx, warm.name, tenant.schemaName), recordWhole(tx, tenant, newest)])
      return 'whole'
    }
    // It was made for an older reference; or for none that this process knows.
    if (warm !== undefined) await dropSchema(tx, warm.name)
    await createSchema(tx, tenant)
    if (newest === undefined || !(await this.fill(tx, { name: tenant.schemaName, tenantId: tenant.id }, newest)))
      return 'empty'
    await recordWhole(tx, tenant, newest)
    return 'whole'
  }

  async prove(tx: Sql, tenant: Tenant): Promise<void> {
    const newest = await lockNewest(tx, this.#known?.chain ?? null)
    if (newest === undefined) return
    const schema = { name: tenant.schemaName, tenantId: tenant.id }
    if ((await fingerprintsOf(tx, [schema])).get(schema.name) === newest.fingerprint)
      await writeState(tx, tenant, newest)
  }

  async isNewest(tx: Sql, tenant: Tenant): Promise<boolean> {
    const { rows } = await tx.query<{ newest: boolean }>(
      `select s.chain = r.chain as newest from tenantry.migration_reference r, tenantry.migration_state s
        where s.tenant_id = $1 and r.chain is not null for share of r`,
      [tenant.id],
    )
    return rows[0]?.newest ?? true
  }

  /** What schemas are made from now; undefined where there is nothing to make. Its reference stays as it is. */
  async newest(tx: Sql): Promise<Newest | 'unprepared' | undefined> {
    const newest = await lockNewest(tx, this.#known?.chain ?? null)
    if (newest === undefined) return this.#options.files.length === 0 ? undefined : 'unprepared'
    if (newest.isFaithful === null || !carries(newest.files, this.#options.files)) return 'unprepared'
    const { chain, script, guards } = newest
    if (script !== null && guards !== null) this.#known = { chain, script, guards }
    return newest
  }

  /** Fills an empty schema; false where it is still empty, because the snapshot does not make what it should. */
  async fill(tx: Sql, schema: { name: string; tenantId: string }, newest: Newest): Promise<boolean> {
    const { roles, logger } = this.#options
    const snapshot = this.#known
    if (newest.isFaithful !== true || snapshot?.chain !== newest.chain) return false
    if (await fillFrom(tx, schema, { snapshot, roles, fingerprint: newest.fingerprint })) return true
    if (this.#warned !== newest.chain) {
      logger.warn('a tenant replays its migrations: its snapshot did not make the same schema', { chain: newest.chain })
    }
    this.#warned = newest.chain
    return false
  }
}

interface Warm {
  readonly name: string
  readonly chain: string
}

const takeWarm = `
update tenantry.warm_schema set state = 'taken' where tenant_id = (
  select w.tenant_id from tenantry.warm_schema w join tenantry.migration_reference r on r.chain = w.chain
   where w.state = 'ready' order by w.tenant_id limit 1 for update of w skip locked)
returning tenant_id as id`

const removeTaken = `delete from tenantry.warm_schema where tenant_id = $1 returning schema_name as name, chain`

// One statement: it is what a handed-out schema costs beside its rename.
const insertLedger = `
with ledger as (
  insert into tenantry.migration (tenant_id, name, checksum)
  select $1, file.name, file.checksum from json_to_recordset($5) as file (name text, checksum text))
insert into tenantry.migration_state (tenant_id, state, newest, chain, fingerprint) values ($1, 'proven', $2, $3, $4)`

async function recordWhole(tx: Sql, { id }: Tenant, { chain, fingerprint, files }: Newest): Promise<void> {
  await tx.query(insertLedger, [id, files.at(-1)?.name ?? null, chain, fingerprint, JSON.stringify(files)])
}

async function writeState(tx: Sql, { id }: Tenant, { chain, fingerprint, files }: Newest): Promise<void> {
  await tx.query(
    `insert into tenantry.migration_state (tenant_id, state, newest, chain, fingerprint) values ($1, 'proven', $2, $3, $4)
     on conflict (tenant_id) do update set state = 'proven', newest = $2, chain = $3, fingerprint = $4, attempts = 0, updated_at = now()`,
    [id, files.at(-1)?.name ?? null, chain, fingerprint],
  )
}

/** Whether a reference has all these files: it may have more, from a newer version of the application. */
function carries(reference: readonly LedgerEntry[] | undefined, files: readonly MigrationFile[]): boolean {
  const known = new Map(reference?.map(({ name, checksum }) => [name, checksum]))
  return files.every(({ name, checksum }) => known.get(name) === checksum)
}
