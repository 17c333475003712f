// How far a migration that runs outside of a transaction has come, for a tenant or for the shared tables: kept for as long as
// it is under way, so that after a crash it goes on where it was.
import type { Sql } from '../../../engine/sql/database.ts'
import type { OutsideRun } from './run-outside-transaction.ts'

/** Null for the shared tables. */
type Whose = string | null

/** What an attempt that was cut off had done, and the means to write down more. */
export async function resumption(
  sql: Sql,
  whose: Whose,
  name: string,
): Promise<Pick<OutsideRun, 'done' | 'digest' | 'record'>> {
  const { rows } = await sql.query<{ done: number; digest: string }>(
    'select done, digest from tenantry.migration_step where tenant_id is not distinct from $1::uuid and name = $2',
    [whose, name],
  )
  return {
    ...rows[0],
    record: async (session, done, digest) => {
      await session.query(
        `insert into tenantry.migration_step (tenant_id, name, done, digest) values ($1, $2, $3, $4)
         on conflict (tenant_id, name) do update set done = $3, digest = $4`,
        [whose, name, done, digest],
      )
    },
  }
}

/** Forgets how far these are; they are in the ledger now. */
export async function forgetSteps(sql: Sql, whose: Whose, names: readonly string[]): Promise<void> {
  await sql.query(
    'delete from tenantry.migration_step where tenant_id is not distinct from $1::uuid and name = any ($2::text[])',
    [whose, names],
  )
}
