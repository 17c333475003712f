// How many tenants fit a transaction: each of their relations may need an entry in the server's table of locks, which all
// sessions share and which cannot grow.
import type { Sql } from '../../../engine/sql/database.ts'
import { referenceSchema } from '../reference.ts'

const selectLocks = `
select current_setting('max_locks_per_transaction')::integer
    * (current_setting('max_connections')::integer + current_setting('max_prepared_transactions')::integer) as locks,
  (select count(*)::integer from pg_class c where c.relnamespace = to_regnamespace($1)
    or c.oid in (select r.reltoastrelid from pg_class r where r.relnamespace = to_regnamespace($1))) as relations`

/** At most `wanted`, and so few that all connections together hold half of the locks there are. */
export async function batchSizeFor(
  sql: Sql,
  { wanted, connections }: { readonly wanted: number; readonly connections: number },
): Promise<number> {
  const { rows } = await sql.query<{ locks: number; relations: number }>(selectLocks, [referenceSchema.name])
  const { locks = 0, relations = 0 } = rows[0] ?? {}
  const fitting = Math.floor(locks / 2 / connections / Math.max(1, relations))
  return Math.max(1, Math.min(wanted, fitting))
}
