// The point read in Kysely.
import { Kysely, PostgresDialect, sql } from 'kysely'

export const kyselyOrm = {
  name: 'kysely',
  open({ pool }, table) {
    const db = new Kysely({ dialect: new PostgresDialect({ pool }) })
    const find = (on, id) => on.selectFrom(table).select(['id', 'body', 'amount']).where('id', '=', id)
    return {
      find: (id, tenant) =>
        (tenant === undefined ? find(db, id) : find(db, id).where('tenant_id', '=', tenant)).execute(),
      findInTransaction: (id, tenant) =>
        db.transaction().execute(async (tx) => {
          await sql`select set_config('app.tenant', ${tenant}, true)`.execute(tx)
          return find(tx, id).execute()
        }),
    }
  },
}
