// Makes `tenantry.fleet`: puts the question on record, asks each tenant by itself, and hands on what they answer.
import type { CentralDatabase } from '../../engine/sql/database.ts'
import type { ScopedPool } from '../../engine/sql/scoped-pool.ts'
import type { Clock } from '../../kernel/clock.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { CachedTenant } from '../../tenants/admission.ts'
import { recordEntry } from '../../tenants/events.ts'
import { forEachTenant } from '../../tenants/for-each.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import { BatchQueue } from './batch-queue.ts'
import { TENANT } from './column.ts'
import type { Fleet, FleetRow, FleetRows } from './fleet.ts'
import { failureOf, refusalOf } from './fleet-failure.ts'
import { type FleetRequest, fleetRequest } from './fleet-request.ts'
import { Merge, refuseTenantColumn } from './merge.ts'
import { readStatistics, refreshStatistics } from './statistics.ts'
import { withoutLiterals } from './statement-text.ts'
import { readTenant, type TenantRead, toRow } from './tenant-read.ts'

export interface FleetParts {
  readonly database: CentralDatabase
  /** Of its own: a report that takes long does not keep the application's requests waiting. */
  readonly pool: ScopedPool
  readonly lookup: (tenantId: string) => Promise<CachedTenant>
  readonly clock: Clock
}

/** The reads of a started instance. */
export function createFleet(parts: FleetParts): Fleet {
  return {
    query: (reason, sql, options = {}) => new FleetAnswer(parts, () => fleetRequest(reason, sql, options)),
    statistics: ({ filter } = {}) => readStatistics(parts.database, filter),
    refreshStatistics: () => refreshStatistics(parts.database),
  }
}

interface Answered {
  answered: number
  readonly failed: { tenantId: string; error: unknown }[]
}

class FleetAnswer implements FleetRows {
  readonly tenants: Answered = { answered: 0, failed: [] }
  readonly #parts: FleetParts
  readonly #request: () => FleetRequest
  #isRead = false

  constructor(parts: FleetParts, request: () => FleetRequest) {
    this.#parts = parts
    this.#request = request
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FleetRow, undefined> {
    if (this.#isRead) throw new TenantryError('INVALID_INPUT', 'The rows of this query were read already.')
    this.#isRead = true
    const request = this.#request()
    request.signal?.throwIfAborted()
    await recordQuery(this.#parts, request)
    const reading = new FleetReading(this.#parts, request, this.tenants)
    try {
      yield* reading.rows()
    } finally {
      await reading.stop()
    }
    request.signal?.throwIfAborted()
    refuseIncomplete(this.tenants)
  }
}

/** One walk over the tenants, and the rows on their way to whoever reads them. */
class FleetReading {
  readonly #parts: FleetParts
  readonly #request: FleetRequest
  readonly #tenants: Answered
  readonly #queue = new BatchQueue<readonly FleetRow[]>()
  readonly #merge: Merge | undefined
  readonly #stopped = new AbortController()
  #refusal: Error | undefined
  #walk: Promise<unknown> | undefined

  constructor(parts: FleetParts, request: FleetRequest, tenants: Answered) {
    const { sum = [], order = [] } = request.merge
    this.#parts = parts
    this.#request = request
    this.#tenants = tenants
    this.#merge = sum.length + order.length > 0 ? new Merge(request.merge) : undefined
  }

  async *rows(): AsyncGenerator<FleetRow, undefined> {
    const { signal, merge } = this.#request
    const abort = () => this.#halt()
    signal?.addEventListener('abort', abort, { once: true })
    this.#walk = this.#readAll().finally(() => signal?.removeEventListener('abort', abort))
    let left = this.#merge ? Infinity : (merge.limit ?? Infinity)
    for (let batch = await this.#queue.next(); batch && left > 0; batch = await this.#queue.next()) {
      yield* batch.slice(0, left)
      left -= batch.length
      if (left <= 0) return
    }
    signal?.throwIfAborted()
    if (this.#refusal !== undefined) throw this.#refusal
    if (this.#merge) yield* mergedRows(this.#merge)
  }

  /** Ends every cursor; resolves when their connections are back. */
  async stop(): Promise<void> {
    this.#halt()
    await this.#walk
  }

  #halt(): void {
    this.#queue.close()
    this.#stopped.abort()
  }

  async #readAll(): Promise<void> {
    const { database, lookup } = this.#parts
    const { filter, concurrency } = this.#request
    const signal = this.#stopped.signal
    const run = (tenant: Tenant) => this.#readOne(tenant)
    try {
      const { failed } = await forEachTenant({ database, filter, concurrency, lookup, run, signal })
      this.#tenants.failed.push(...failed.map(({ tenantId, error }) => ({ tenantId, error: failureOf(error) })))
    } catch (error) {
      this.#refusal ??= error instanceof Error ? error : failureOf(error)
    }
    this.#queue.end()
  }

  async #readOne(tenant: Tenant): Promise<void> {
    const { sql, values } = this.#request
    const signal = this.#stopped.signal
    const take: TenantRead['take'] = async (columns, rows, at) => {
      if (this.#merge) {
        this.#merge.add(columns, rows, { slug: tenant.slug, at })
        return true
      }
      refuseTenantColumn(columns)
      const all = [TENANT, ...columns]
      return this.#queue.put(rows.map((row) => toRow(all, [tenant.slug, ...row])))
    }
    try {
      if (await readTenant(this.#parts.pool, tenant, { sql, values, signal, take })) this.#tenants.answered++
    } catch (error) {
      if (signal.aborted) return
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      this.#refusal ??= refusal
      this.#halt()
    }
  }
}

function* mergedRows(merge: Merge): Generator<FleetRow, undefined> {
  const { columns, rows } = merge.end()
  for (const row of rows) yield toRow(columns, row)
}

/** Before anything is read: who asks what, and why. Values are not kept. */
async function recordQuery({ database, clock }: FleetParts, request: FleetRequest): Promise<void> {
  const { reason, actor, filter, merge, sql } = request
  const detail = { statement: withoutLiterals(sql), filter, merge }
  await recordEntry(database, { action: 'fleet.query', tenant: null, actor, reason, detail, at: new Date(clock.now()) })
}

const MOST_NAMED = 5

function refuseIncomplete({ answered, failed }: Answered): void {
  if (failed.length === 0) return
  const named = failed.slice(0, MOST_NAMED).map(({ tenantId }) => tenantId)
  const who = [...named, ...(failed.length > named.length ? ['…'] : [])].join(', ')
  const message = `${failed.length} of ${failed.length + answered} tenants did not answer: ${who}. The rows are not all.`
  throw new TenantryError('FLEET_INCOMPLETE', message)
}
