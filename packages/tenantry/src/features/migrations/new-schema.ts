// Migrations as they run in a schema that nobody uses yet: all in the one transaction that makes it.
import type { QueryResultRows } from '../../engine/sql/database.ts'
import type { MigrationClient, MigrationFile } from './migration-file.ts'
import { cutAtPublic, forTablesNotInUse } from './sql-rewriting.ts'

/**
 * The same files without what only tables in use need: `no-transaction`, CONCURRENTLY and VACUUM. What they make is the
 * same. A procedure that commits cannot be called then.
 */
export function forNewSchema(files: readonly MigrationFile[]): readonly MigrationFile[] {
  return files.map((file) => (file.transaction ? file : inTransaction(file)))
}

function inTransaction(file: MigrationFile): MigrationFile {
  const { run } = file
  if (run !== undefined) return { ...file, transaction: true, run: (client) => run(clientNotInUse(client)) }
  const text = forTablesNotInUse(file.text)
  return { ...file, transaction: true, text, ...(file.pieces === undefined ? {} : { pieces: cutAtPublic(text) }) }
}

const clientNotInUse = (client: MigrationClient): MigrationClient => ({
  schemaName: client.schemaName,
  isInTransaction: client.isInTransaction,
  query: <R extends object>(text: string, values?: readonly unknown[]): Promise<QueryResultRows<R>> =>
    client.query<R>(forTablesNotInUse(text), values),
})
