// Reads a single-tenant database as it is: its catalogue in one statement for each kind, and the counts of its rows.
import { createHash } from 'node:crypto'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { selectFunctions, selectTables, selectViews } from './inspect-sql.ts'
import type { InspectedFunction, InspectedTable, InspectedView, Inspection } from './inspected.ts'

/**
 * Looks at one schema; it changes nothing and holds no lock that stops anybody. Rows are counted in full. Throws
 * TABLE_NOT_FOUND where there is no such schema, or no table in it.
 */
export async function inspectDatabase(database: CentralDatabase, schema = 'public'): Promise<Inspection> {
  return database.transaction(async (tx) => {
    const catalogue = await readCatalogue(tx, schema)
    const counts = await countRows(tx, catalogue.tables)
    return { ...catalogue, tables: catalogue.tables.map((table, i) => ({ ...table, rows: counts[i] ?? 0 })) }
  })
}

/** As `inspectDatabase`, with 0 for each count: enough for the fingerprint. */
export async function inspectCatalogue(database: CentralDatabase, schema: string): Promise<Inspection> {
  return database.transaction((tx) => readCatalogue(tx, schema))
}

async function readCatalogue(tx: Sql, schema: string): Promise<Inspection> {
  // One snapshot, and definitions that read the same whatever the login's search_path is.
  await tx.query('set transaction isolation level repeatable read, read only; set local search_path = pg_catalog')
  const [tables, views, functions, database] = await Promise.all([
    tx.query<Omit<InspectedTable, 'rows'>>(selectTables, [schema]),
    tx.query<InspectedView>(selectViews, [schema]),
    tx.query<InspectedFunction>(selectFunctions, [schema]),
    tx.query<{ name: string }>('select current_database()::text as name'),
  ])
  if (tables.rows.length === 0) {
    throw new TenantryError('TABLE_NOT_FOUND', `The schema ${schema} has no tables.`, {
      fix: 'Name the schema of the application with --schema.',
    })
  }
  const found = {
    schema,
    tables: tables.rows.map((table) => ({ ...table, rows: 0 })),
    views: views.rows,
    functions: functions.rows,
  }
  return { database: database.rows[0]?.name ?? '', ...found, fingerprint: fingerprintOf(found) }
}

/** The fingerprint of a catalogue; who owns it and how many rows there are does not matter. */
function fingerprintOf({ tables, views, functions }: Omit<Inspection, 'database' | 'fingerprint'>): string {
  const lasting = tables.map((table) => ({ ...table, rows: 0, owner: '', isOurs: true }))
  return createHash('sha256')
    .update(JSON.stringify([lasting, views, functions]))
    .digest('hex')
}

async function countRows(sql: Sql, tables: readonly InspectedTable[]): Promise<readonly number[]> {
  // Rows of children by inheritance are their own; those of partitions are the root's.
  const from = ({ table, isPartitioned }: InspectedTable) => (isPartitioned ? table : `only ${table}`)
  const counts = tables.map((table) => `(select count(*)::float8 from ${from(table)})`)
  const { rows } = await sql.query<{ counts: number[] }>(`select array[${counts.join(', ')}] as counts`)
  return rows[0]?.counts ?? []
}
