// A Knex over a migration's client: its own PostgreSQL dialect, on the one connection that the migration has.
import { isTransactionControl } from '../migration-rules.ts'
import type { MigrationClient } from '../migration-file.ts'
import { readStatements } from '../sql-statements.ts'
import { valuesOf } from './kysely-over.ts'
import { importBeside } from './load-module.ts'

interface KnexClient {
  pool: unknown
  acquireConnection(): Promise<unknown>
  releaseConnection(): Promise<void>
}

interface KnexInstance {
  readonly client: KnexClient
}

type KnexFunction = (config: { readonly client: 'pg' }) => KnexInstance

interface Query {
  readonly text: string
  readonly values?: readonly unknown[]
}

type Callback = (error: unknown, result?: unknown) => void

/** The Knex that the migration itself would import. Throws CONFIGURATION_INVALID where it is not installed. */
export async function knexOver(client: MigrationClient, path: string): Promise<unknown> {
  const module = (await importBeside(path, 'knex')) as { readonly default?: KnexFunction; readonly knex?: KnexFunction }
  const make = module.knex ?? module.default ?? (module as unknown as KnexFunction)
  const database = make({ client: 'pg' })
  const connection = connectionOver(client)
  // Knex calls its pool only in these two; that there is one it asks before.
  database.client.pool = {}
  database.client.acquireConnection = () => Promise.resolve(connection)
  database.client.releaseConnection = () => Promise.resolve()
  return database
}

/** What Knex's dialect calls of pg's client. */
function connectionOver(client: MigrationClient) {
  const savepoints = { depth: 0 }
  return {
    __knexUid: 'tenantry',
    query(query: string | Query, done: Callback): void {
      const { text, values = [] } = typeof query === 'string' ? { text: query } : query
      const sent = client.isInTransaction ? asSavepoint(text, savepoints) : text
      client.query(sent, valuesOf(values)).then(
        (result) => done(null, result),
        (error: unknown) => done(error),
      )
    },
  }
}

/** Transactions that the migration begins are savepoints in ours; a COMMIT that ends none of them is sent, and refused. */
function asSavepoint(text: string, savepoints: { depth: number }): string {
  const [statement, second] = readStatements(text).statements
  if (statement === undefined || second !== undefined || !isTransactionControl(statement)) return text
  const command = statement.words.join(' ')
  if (command === 'begin') {
    savepoints.depth += 1
    return `savepoint knex_${savepoints.depth}`
  }
  if (savepoints.depth === 0 || !['commit', 'rollback'].includes(command)) return text
  const end = command === 'commit' ? 'release savepoint' : 'rollback to savepoint'
  savepoints.depth -= 1
  return `${end} knex_${savepoints.depth + 1}`
}
