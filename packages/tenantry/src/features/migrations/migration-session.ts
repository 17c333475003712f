// What a migration finds its session to be, and how its failures are told.
import { sqlStateOf } from '../../engine/sql/database-errors.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { quoteIdentifier } from '../../kernel/identifiers.ts'
import type { MigrationFile } from './migration-file.ts'

// A plain SET outlives the transaction and would stay on the pooled connection; a RESET after it, in the same
// transaction, takes that back.
export const CLEAN_SESSION = 'reset session authorization; reset role; reset all;'

export interface SessionSettings {
  readonly schema?: string | undefined
  readonly lockTimeoutMs?: number | undefined
}

/** Statements that make a clean session the schema's own, to the end of the transaction or, for `session`, beyond. */
export function settingsOf({ schema, lockTimeoutMs }: SessionSettings, scope: 'local' | 'session' = 'local'): string {
  const path = schema === undefined ? '' : `set ${scope} search_path = ${quoteIdentifier(schema)}, pg_temp;`
  const wait = lockTimeoutMs === undefined ? '' : `set ${scope} lock_timeout = ${Math.round(lockTimeoutMs)};`
  return `${CLEAN_SESSION} ${path} ${wait}`
}

/** The file's text as it runs in the schema. */
export function textIn({ text, pieces }: MigrationFile, schema: string | undefined): string {
  return schema === undefined || pieces === undefined ? text : pieces.join(`${quoteIdentifier(schema)}.`)
}

export interface Place {
  readonly file: string
  readonly line?: number
}

// A value that was added to an enumeration, and a table with deferred checks to come.
const waitForCommit = new Set(['55P04', '55006'])

/** Whether a statement needs what came before it in its transaction to be committed. */
export function needsCommit(error: unknown): boolean {
  return waitForCommit.has(sqlStateOf(error) ?? '')
}

export function migrationFailed(error: unknown, { file, line }: Place): TenantryError {
  const sqlState = sqlStateOf(error)
  const where = line === undefined ? file : `${file}, line ${line}`
  // Class 42 speaks of syntax and names; messages of other classes may quote values.
  const said = error instanceof Error && sqlState?.startsWith('42') === true ? `: ${error.message}` : ''
  return new TenantryError(
    'MIGRATION_FAILED',
    `The migration ${where} failed (SQLSTATE ${sqlState ?? 'none'})${said}.`,
    {
      cause: error,
      ...(sqlState === undefined ? {} : { sqlState }),
      ...(needsCommit(error) && { fix: 'Put the statement into a later file, after the one that it has to wait for.' }),
    },
  )
}
