// One transaction of a session that is in none.
import type { Sql } from '../../../engine/sql/database.ts'
import { watchEscape } from '../escape.ts'

/** Runs in a transaction of the session, and refuses what reached outside of the schema. */
export async function inTransaction<T>(session: Sql, schema: string | undefined, run: () => Promise<T>): Promise<T> {
  await session.query('begin')
  let value: T
  try {
    const refuseEscape = schema === undefined ? undefined : watchEscape(session, [schema])
    value = await run()
    await refuseEscape?.()
  } catch (error) {
    await session.query('rollback').catch(() => {})
    throw error
  }
  await session.query('commit')
  return value
}
