// Knex over the scoped pool. Knex checks a connection out for every statement; what it gets here goes over the shared
// connections until a transaction begins.
import type { Knex } from 'knex'
import { LazyClient } from '../engine/sql/lazy-client.ts'
import type { Pool } from '../engine/sql/pg.ts'
import { StatementReader } from '../engine/sql/statement.ts'
import { TenantryError } from '../kernel/errors.ts'

/** What the host's own `knex` function is called with; nothing else of the host is used. */
type KnexFunction = (config: Knex.Config) => Knex

/** Knex's settings but for those that would name another database. */
export type ScopedKnexConfig = Omit<Knex.Config, 'client' | 'connection' | 'connectionPool' | 'dialect' | 'pool'>

/** Knex sets it where a connection must not be used again. */
interface KnexConnection extends LazyClient {
  __knex__disposed?: unknown
}

/**
 * Makes a Knex whose every statement runs inside the tenant of the code that sent it. Knex 3.3 or newer; an older one
 * throws CONFIGURATION_INVALID. `knex.destroy()` leaves the pool open.
 *
 * @example
 * ```ts
 * import knex from 'knex'
 * import { scopedKnex } from 'tenantry/knex'
 *
 * const db = scopedKnex(knex, tenantry.pool)
 * const unpaid = await tenantry.run('acme-corp', async () => await db('invoices').where({ paid: false }))
 * ```
 */
export function scopedKnex(knex: KnexFunction, pool: Pool, config: ScopedKnexConfig = {}): Knex {
  const connectionPool = lazyPool(pool)
  const made = knex({ ...config, client: 'pg', connectionPool })
  // Older ones ignore a pool that they are handed, and would say nothing before the first statement.
  const client: unknown = made.client
  if (typeof client === 'object' && client !== null && Reflect.get(client, 'pool') === connectionPool) return made
  throw new TenantryError('CONFIGURATION_INVALID', 'This version of Knex takes no pool.', {
    fix: 'Install knex 3.3 or newer; tenantry/knex supports ^3.3.0.',
  })
}

/** As Knex expects a pool of tarn's to look. */
function lazyPool(pool: Pool) {
  const reader = new StatementReader()
  let used = 0
  return {
    acquire() {
      used++
      return { promise: Promise.resolve(new LazyClient(pool, reader)) }
    },
    release(connection: KnexConnection) {
      used--
      connection.release(connection.__knex__disposed !== undefined)
      return true
    },
    // The pool is not Knex's own.
    destroy: () => Promise.resolve(),
    numFree: () => pool.idleCount,
    numUsed: () => used,
    numPendingAcquires: () => pool.waitingCount,
  }
}
