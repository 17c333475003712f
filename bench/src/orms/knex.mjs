// The point read in Knex: through its bridge, and on a plain pool of pg's own.
import knex from 'knex'
import { scopedKnex } from 'tenantry/knex'

export const knexOrm = {
  name: 'knex',
  open({ pool, tenantry }, table) {
    const db = tenantry ? scopedKnex(knex, pool) : knex({ client: 'pg', connectionPool: pool })
    const find = (on, where) => on(table).select('id', 'body', 'amount').where(where)
    return {
      find: async (id, tenant) => find(db, tenant === undefined ? { id } : { id, tenant_id: tenant }),
      findInTransaction: (id, tenant) =>
        db.transaction(async (tx) => {
          await tx.raw("select set_config('app.tenant', ?, true)", [tenant])
          return find(tx, { id })
        }),
    }
  },
}
