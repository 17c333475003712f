// Keeps a number of schemas ready, in the background. Each is made, or dropped, in one transaction that also writes its row
// and holds the lease: a process that dies leaves nothing half made, and no two work at once.
import type { Sql } from '../../../engine/sql/database.ts'
import { fingerprintsOf } from '../../../engine/catalogue/fingerprints.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { newId } from '../../../kernel/ids.ts'
import { dropSchema, renameSchema } from '../../../tenants/schema.ts'
import type { Tenant } from '../../../tenants/tenant.ts'
import type { MadeSchema, SchemaMaker } from '../../../tenants/schema-maker.ts'
import { type SchemaMakerOptions, SnapshotMaker } from './schema-maker.ts'
import type { Newest } from './snapshot-store.ts'
import { warmName } from './warm-name.ts'

export interface WarmPoolOptions extends SchemaMakerOptions {
  /** How many to keep; 0 drops what is left of them; undefined leaves them alone. */
  readonly size: number | undefined
}

const LEASE_SECONDS = 30

/** The maker of schemas, with its pool. */
export class WarmPool implements SchemaMaker {
  readonly #maker: SnapshotMaker
  readonly #options: WarmPoolOptions
  readonly #holder = newId()
  #work: Promise<void> | undefined
  #isDue = false
  #isClosed = false

  constructor(options: WarmPoolOptions) {
    this.#options = options
    this.#maker = new SnapshotMaker(options)
  }

  async reserve(tx: Sql): Promise<string | undefined> {
    return this.#size > 0 ? this.#maker.reserve(tx) : undefined
  }

  prepare(): Promise<void> {
    return this.#maker.prepare()
  }

  async make(tx: Sql, tenant: Tenant): Promise<MadeSchema> {
    const made = await this.#maker.make(tx, tenant)
    if (this.#size > 0) this.refill()
    return made
  }

  prove(tx: Sql, tenant: Tenant): Promise<void> {
    return this.#maker.prove(tx, tenant)
  }

  isNewest(tx: Sql, tenant: Tenant): Promise<boolean> {
    return this.#maker.isNewest(tx, tenant)
  }

  /** Starts filling, or emptying, the pool; what is under way already looks once more when it is through. */
  refill(): void {
    if (this.#options.size === undefined || this.#isClosed) return
    this.#isDue = true
    this.#work ??= this.#run().finally(() => {
      this.#work = undefined
      // Asked for when it had looked for the last time.
      if (this.#isDue) this.refill()
    })
  }

  /** Resolves when the pool is as it should be, as far as this process is to see to that. */
  async settled(): Promise<void> {
    while (this.#work !== undefined) await this.#work
  }

  /** Ends with the schema that is being made. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.settled()
  }

  get #size(): number {
    return this.#options.size ?? 0
  }

  async #run(): Promise<void> {
    const { database, logger } = this.#options
    try {
      while (this.#isDue) {
        this.#isDue = false
        if (this.#size > 0) await this.#maker.prepare()
        while (await this.#step()) continue
      }
      await database.query('update tenantry.warm_lease set holder = null where holder = $1', [this.#holder])
    } catch (error) {
      this.#isDue = false
      const code = error instanceof TenantryError ? error.code : 'DATABASE_ERROR'
      logger.warn('schemas could not be made ahead', { code })
    }
  }

  /** Drops one schema too many, or makes one that is missing; false where there is nothing to do, or another one does it. */
  #step(): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false)
    return this.#options.database.transaction((tx) => this.#stepIn(tx))
  }

  async #stepIn(tx: Sql): Promise<boolean> {
    if ((await tx.query(takeLease, [this.#holder, LEASE_SECONDS])).rows.length === 0) return false
    const newest = this.#size > 0 ? await this.#maker.newest(tx) : undefined
    if (newest === 'unprepared') {
      this.#isDue = true
      return false
    }
    const { rows } = await tx.query<{ name: string }>(removeOne, [newest?.chain ?? null, this.#size])
    if (rows[0] !== undefined) {
      await dropSchema(tx, rows[0].name)
      return true
    }
    if (newest === undefined || newest.isFaithful !== true) return false
    const { rows: counted } = await tx.query<{ ready: number }>(countReady)
    return (counted[0]?.ready ?? 0) < this.#size && this.#makeOne(tx, newest)
  }

  async #makeOne(tx: Sql, newest: Newest): Promise<boolean> {
    const schema = { name: warmName(), tenantId: newId() }
    await tx.query(`create schema ${schema.name}`)
    const isLike = await this.#maker.fill(tx, schema, newest)
    if (!isLike || !(await this.#survivesRename(tx, schema, newest))) {
      await dropSchema(tx, schema.name)
      return false
    }
    await tx.query('insert into tenantry.warm_schema (tenant_id, schema_name, chain) values ($1, $2, $3)', [
      schema.tenantId,
      schema.name,
      newest.chain,
    ])
    return true
  }

  /** Where text of a function, or a setting of it, names the schema, a rename would leave it behind. */
  async #survivesRename(
    tx: Sql,
    { name, tenantId }: { readonly name: string; readonly tenantId: string },
    { fingerprint }: Newest,
  ): Promise<boolean> {
    const other = warmName()
    await renameSchema(tx, name, other)
    const found = (await fingerprintsOf(tx, [{ name: other, tenantId }])).get(other)
    await renameSchema(tx, other, name)
    if (found !== fingerprint) this.#options.logger.warn('schemas of this kind cannot be made ahead: one names itself')
    return found === fingerprint
  }
}

const takeLease = `
update tenantry.warm_lease set holder = $1, renewed_at = clock_timestamp()
 where only_row = (select l.only_row from tenantry.warm_lease l
   where l.holder is null or l.holder = $1 or l.renewed_at < clock_timestamp() - make_interval(secs => $2)
     for update skip locked)
returning holder`

// Of another chain, too many, or taken by a tenant whose creation was undone.
const removeOne = `
delete from tenantry.warm_schema where tenant_id = (
  select w.tenant_id from tenantry.warm_schema w
   where (w.state = 'ready' and (w.chain is distinct from $1::text
       or (select count(*) from tenantry.warm_schema o where o.state = 'ready' and o.tenant_id < w.tenant_id) >= $2::integer))
      or (w.state = 'taken' and not exists (select from tenantry.tenant t where t.id = w.tenant_id))
   order by w.tenant_id limit 1 for update skip locked)
returning schema_name as name`

const countReady = `select count(*)::integer as ready from tenantry.warm_schema where state = 'ready'`
