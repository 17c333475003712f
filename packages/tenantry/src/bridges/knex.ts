// Knex over the scoped pool: its own setting for a pool that it did not make, with what would not work refused at once.
import type { Knex } from 'knex'
import type { Pool } from '../engine/sql/pg.ts'
import { TenantryError } from '../kernel/errors.ts'

/** The host's own `knex` function. */
type KnexFunction = (config: Knex.Config) => Knex

/** Knex's settings but for those that would name another database. */
export type ScopedKnexConfig = Omit<Knex.Config, (typeof REPLACED)[number]>

const REPLACED = ['client', 'dialect', 'connection', 'connectionPool', 'pool', 'searchPath'] as const

/**
 * Makes a Knex whose every statement runs inside the tenant of the code that sent it. Knex 3.3 or newer. `destroy()` leaves
 * the pool open. Throws CONFIGURATION_INVALID for an older Knex, and for settings that name a database of their own.
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
  const given = REPLACED.find((name) => name in config)
  if (given !== undefined) {
    throw new TenantryError('CONFIGURATION_INVALID', `The setting "${given}" of Knex does not go with a scoped pool.`, {
      fix: 'Leave it out: server, login and search path are the pool’s.',
    })
  }
  const made = knex({ ...config, client: 'pg', connectionPool: pool })
  // An older one ignores the pool, and would say nothing before the first statement.
  const client = made.client as { readonly pool?: unknown }
  if (client.pool !== undefined) return made
  throw new TenantryError('CONFIGURATION_INVALID', 'This version of Knex takes no pool.', {
    fix: 'Install knex 3.3 or newer; tenantry/knex supports ^3.3.0.',
  })
}
