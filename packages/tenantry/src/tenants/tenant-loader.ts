// Reads tenants for the cached registry: the misses of one turn of the event loop in one query, and one query for all
// who wait for the same tenant. Strangers who make names up are read a few dozen times a second, all of them together.
// What was invalidated while its query ran is answered but not remembered.
import type { Sql } from '../engine/sql/database.ts'
import type { CachedTenant } from './admission.ts'
import { Pace } from './pace.ts'
import type { TenantKey } from './reference.ts'

export interface LoadedTenants {
  /** A tenant that may be remembered. */
  readonly found: (tenant: CachedTenant) => void
  /** A key that may be remembered as unknown. */
  readonly missing: (key: TenantKey) => void
}

export interface TenantLoader {
  load(key: TenantKey): Promise<CachedTenant | undefined>
  invalidate(tenantId: string): void
  invalidateAll(): void
}

interface Waiting {
  readonly key: TenantKey
  readonly promise: Promise<CachedTenant | undefined>
  readonly resolve: (tenant: CachedTenant | undefined) => void
  readonly reject: (error: unknown) => void
}

/** What became stale while a query ran. */
interface Flight {
  readonly ids: Set<string>
  all: boolean
}

const MAX_BATCH = 1_000
// Reads that found something missing. Past them the next read waits its turn, 20 ms at most, and takes along all that
// came meanwhile: a flood of names that do not exist costs no more, and a tenant that does comes 20 ms later.
const MISSING_READS = { perSecond: 50, burst: 50 }
// A tenant that changes with every read is answered with the last read rather than never.
const MAX_READS = 3

const selectTenants = `
select id, slug, status, isolation, schema_name as "schemaName", provisioned_at is not null as provisioned,
       migration_version as "migrationVersion", mode, mode_operators as "modeOperators", plan
  from tenantry.tenant where id = any($1::uuid[]) or slug = any($2::text[])`

/** Opens a loader over the control plane's database. */
export function openTenantLoader(sql: Sql, loaded: LoadedTenants): TenantLoader {
  return new BatchingLoader(sql, loaded)
}

class BatchingLoader implements TenantLoader {
  readonly #sql: Sql
  readonly #loaded: LoadedTenants
  readonly #pending = new Map<string, Waiting>()
  readonly #flights = new Set<Flight>()
  readonly #pace = new Pace(MISSING_READS)
  readonly #queue: Waiting[] = []

  constructor(sql: Sql, loaded: LoadedTenants) {
    this.#sql = sql
    this.#loaded = loaded
  }

  load(key: TenantKey): Promise<CachedTenant | undefined> {
    const pending = this.#pending.get(key.value)
    if (pending !== undefined) return pending.promise
    const waiting = waitFor(key)
    if (this.#queue.length === 0) this.#sendSoon()
    this.#queue.push(waiting)
    this.#pending.set(key.value, waiting)
    return waiting.promise
  }

  invalidate(tenantId: string): void {
    for (const flight of this.#flights) flight.ids.add(tenantId)
    // Whoever asks from now on must not be given the answer of a query that began before.
    if (this.#flights.size > 0) this.#pending.clear()
  }

  invalidateAll(): void {
    for (const flight of this.#flights) flight.all = true
    if (this.#flights.size > 0) this.#pending.clear()
  }

  #sendSoon(): void {
    const waitMs = this.#pace.reserve() ?? 0
    if (waitMs === 0) setImmediate(() => this.#send())
    else setTimeout(() => this.#send(), waitMs)
  }

  #send(): void {
    const batch = this.#queue.splice(0, MAX_BATCH)
    // The rest waits for a turn of its own, so that a turn is one query.
    if (this.#queue.length > 0) this.#sendSoon()
    void this.#settle(this.#read(batch, 1))
  }

  /** A read that found everything was one of real tenants and costs no turn. */
  async #settle(read: Promise<boolean>): Promise<void> {
    if (await read) this.#pace.giveBack()
  }

  /** Whether each tenant of the batch was found. */
  async #read(batch: readonly Waiting[], reads: number): Promise<boolean> {
    const flight: Flight = { ids: new Set(), all: false }
    this.#flights.add(flight)
    try {
      const tenants = await this.#select(batch)
      this.#flights.delete(flight)
      const isToRead = ({ key }: Waiting) => reads < MAX_READS && isStale(tenants.get(key.value), flight)
      const stale = batch.filter(isToRead)
      this.#answer(stale.length === 0 ? batch : batch.filter((waiting) => !isToRead(waiting)), { tenants, flight })
      if (stale.length > 0) await this.#read(stale, reads + 1)
      return batch.every(({ key }) => tenants.has(key.value))
    } catch (error) {
      this.#flights.delete(flight)
      for (const waiting of batch) this.#forget(waiting).reject(error)
      return true
    }
  }

  async #select(batch: readonly Waiting[]): Promise<ReadonlyMap<string, CachedTenant>> {
    const valuesOf = (column: TenantKey['column']) =>
      batch.filter(({ key }) => key.column === column).map(({ key }) => key.value)
    const { rows } = await this.#sql.query<CachedTenant>(selectTenants, [valuesOf('id'), valuesOf('slug')])
    const tenants = rows.map((row) => Object.freeze(row))
    return new Map(
      tenants.flatMap((tenant) => [
        [tenant.id, tenant],
        [tenant.slug, tenant],
      ]),
    )
  }

  #answer(batch: readonly Waiting[], read: { tenants: ReadonlyMap<string, CachedTenant>; flight: Flight }): void {
    const isQuiet = read.flight.ids.size === 0 && !read.flight.all
    for (const waiting of batch) {
      const tenant = read.tenants.get(waiting.key.value)
      // Which slug an invalidated id has is not known, so "unknown" is remembered only where nothing changed at all.
      if (tenant === undefined && isQuiet) this.#loaded.missing(waiting.key)
      if (tenant !== undefined && !isStale(tenant, read.flight)) this.#loaded.found(tenant)
      this.#forget(waiting).resolve(tenant)
    }
  }

  /** Takes the waiting call off the list, unless a newer one for the same key took its place. */
  #forget(waiting: Waiting): Waiting {
    if (this.#pending.get(waiting.key.value) === waiting) this.#pending.delete(waiting.key.value)
    return waiting
  }
}

function waitFor(key: TenantKey): Waiting {
  let resolve: Waiting['resolve'] = () => {}
  let reject: Waiting['reject'] = () => {}
  const promise = new Promise<CachedTenant | undefined>((...settle) => {
    ;[resolve, reject] = settle
  })
  return { key, promise, resolve, reject }
}

function isStale(tenant: CachedTenant | undefined, flight: Flight): boolean {
  return flight.all || (tenant === undefined ? flight.ids.size > 0 : flight.ids.has(tenant.id))
}
