// One transaction of a session that is in none.
import type { Sql } from '../../../engine/sql/database.ts'
import { refuseEscape } from '../migration-session.ts'

/** Runs in a transaction of the session, and refuses what reached outside of the schema. */
export async function inTransaction<T>(session: Sql, schema: string | undefined, run: () => Promise<T>): Promise<T> {
  await session.query('begin')
  let value: T
  try {
    value = await run()
    if (schema !== undefined) await refuseEscape(session, [schema])
  } catch (error) {
    await session.query('rollback').catch(() => {})
    throw error
  }
  await session.query('commit')
  return value
}
