// The point read in Drizzle.
import { and, eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, numeric, pgTable, text, uuid } from 'drizzle-orm/pg-core'

export const drizzleOrm = {
  name: 'drizzle',
  open({ pool }, table) {
    const db = drizzle({ client: pool })
    const tenantId = uuid('tenant_id')
    const item = pgTable(table, { id: integer(), body: text(), amount: numeric(), tenantId })
    const columns = { id: item.id, body: item.body, amount: item.amount }
    return {
      find: (id, tenant) =>
        db
          .select(columns)
          .from(item)
          .where(tenant === undefined ? eq(item.id, id) : and(eq(item.id, id), eq(item.tenantId, tenant))),
      findInTransaction: (id, tenant) =>
        db.transaction(async (tx) => {
          await tx.execute(sql`select set_config('app.tenant', ${tenant}, true)`)
          return tx.select(columns).from(item).where(eq(item.id, id))
        }),
    }
  },
}
