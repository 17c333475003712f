// `tenantry.fleet` of an instance that starts when its first rows are asked for: rows are handed out at once, as a pg query
// stream's are.
import type { Fleet, FleetRow, FleetRows } from './fleet.ts'

/** The noun before the instance has started. */
export function lazyFleet(started: () => Promise<Fleet>): Fleet {
  return {
    query: (reason, sql, options) => new LazyRows(async () => (await started()).query(reason, sql, options)),
    statistics: async (options) => (await started()).statistics(options),
    refreshStatistics: async () => (await started()).refreshStatistics(),
  }
}

class LazyRows implements FleetRows {
  readonly #open: () => Promise<FleetRows>
  #rows: FleetRows | undefined

  constructor(open: () => Promise<FleetRows>) {
    this.#open = open
  }

  get tenants(): FleetRows['tenants'] {
    return this.#rows?.tenants ?? { answered: 0, failed: [] }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FleetRow, undefined> {
    this.#rows ??= await this.#open()
    yield* this.#rows
  }
}
