// Knex through its bridge, and through the one setting of its own that takes a pool.
import knex, { type Knex } from 'knex'
import { scopedKnex } from '../../src/bridges/knex.ts'
import type { Bridge } from '../../src/testing/index.ts'
import { describeBridge } from '../support/bridge-tests.ts'
import { knexOperations } from '../support/knex-operations.ts'

// Every refusal is expected here.
const log = { warn: () => {} }

const sessionOf = (db: Knex) => ({
  ...knexOperations(db),
  transaction: <T>(run: (tx: ReturnType<typeof knexOperations>) => Promise<T>) =>
    db.transaction((tx) => run(knexOperations(tx))),
  lazyList: () => db('suite_note').select('id', 'body'),
  close: () => db.destroy(),
})

const bridge: Bridge = { name: 'Knex', open: async (pool) => sessionOf(scopedKnex(knex, pool, { log })) }
const native: Bridge = {
  name: 'Knex without the bridge',
  open: async (connectionPool) => sessionOf(knex({ client: 'pg', connectionPool, log })),
}

describeBridge(bridge)
describeBridge(native)
