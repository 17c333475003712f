// Row counts and checksums of the columns that were there before. What the application writes meanwhile is noted by
// triggers as a difference, so before and now are compared exactly, in one snapshot, while it goes on writing.
import type { Sql } from '../../../engine/sql/database.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { StageContext } from './context.ts'

interface Measure {
  readonly rows: string
  readonly checksum: string
  readonly noted_rows: string
  readonly noted_checksum: string
  readonly is_reset: boolean
}

const MEASURE = 'select * from tenantry.adopt_measure($1, $2, $3)'

async function measure(tx: Sql, adoptionId: string, table: string): Promise<Measure> {
  const { rows } = await tx.query<Measure>(MEASURE, [adoptionId, table, table])
  const found = rows[0]
  if (found === undefined) throw new TenantryError('INTERNAL', `The table ${table} was not measured.`)
  return found
}

/** Writes down rows and checksum of each table that has none yet, as they were without what was noted since. */
export async function takeBaselines(context: StageContext): Promise<void> {
  const { adoptionId, session, tables } = context
  for (const { table } of tables) {
    await session.transaction(table, async (tx) => {
      const place = [adoptionId, table]
      const taken = await tx.query(
        `select from tenantry.adoption_table where adoption_id = $1 and table_name = $2 and rows_before is not null`,
        place,
      )
      if (taken.rows.length > 0) return
      const now = await measure(tx, adoptionId, table)
      await tx.query(
        `update tenantry.adoption_table set rows_before = $3::bigint - $5::bigint, checksum_before = $4::numeric - $6::numeric
          where adoption_id = $1 and table_name = $2`,
        [...place, now.rows, now.checksum, now.noted_rows, now.noted_checksum],
      )
    })
  }
}

/** Compares each table with what it was and what was written since; returns the names of those that differ. */
export async function compareTables(context: StageContext): Promise<readonly string[]> {
  const different: string[] = []
  for (const { table } of context.tables) {
    const same = await context.session.transaction(table, (tx) => compareTable(tx, context.adoptionId, table))
    if (same === false) different.push(table)
  }
  return different
}

/** Throws ADOPT_MISMATCH naming the tables whose rows are not what they were. */
export async function refuseDifferences(context: StageContext): Promise<void> {
  const different = await compareTables(context)
  if (different.length === 0) return
  throw new TenantryError(
    'ADOPT_MISMATCH',
    `Rows are missing, or columns were changed that adoption does not touch, in ${different.join(', ')}.`,
  )
}

async function compareTable(tx: Sql, adoptionId: string, table: string): Promise<boolean | undefined> {
  const place = [adoptionId, table]
  const { rows } = await tx.query<{ rows: string | null; checksum: string }>(
    `select rows_before as rows, checksum_before as checksum from tenantry.adoption_table where adoption_id = $1 and table_name = $2`,
    place,
  )
  const before = rows[0]
  if (before?.rows == null) return undefined
  const now = await measure(tx, adoptionId, table)
  const start = now.is_reset ? { rows: '0', checksum: '0' } : before
  const same =
    BigInt(now.rows) === BigInt(start.rows ?? 0) + BigInt(now.noted_rows) &&
    BigInt(now.checksum) === BigInt(start.checksum) + BigInt(now.noted_checksum)
  await tx.query(
    `update tenantry.adoption_table set rows_now = $3, same = $4 where adoption_id = $1 and table_name = $2`,
    [...place, now.rows, same],
  )
  return same
}
