// What a migration finds its session to be, and how its failures are told.
import type { Sql } from '../../engine/sql/database.ts'
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

// What this transaction created or altered is locked exclusively until it ends, so its locks tell what it touched
// without a scan of the catalog.
const selectEscaped = `
select format('%I.%I', n.nspname, c.relname) as name
  from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
 where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.mode = 'AccessExclusiveLock'
   and l.database = (select oid from pg_database where datname = current_database())
   and n.nspname <> all ($1::text[])
   and n.nspname not in ('pg_toast', 'pg_catalog') and n.nspname not like 'pg\\_temp\\_%'
 order by name limit 5`

/** Throws MIGRATION_FAILED where the transaction made or altered something outside of the schemas. */
export async function refuseEscape(tx: Sql, schemas: readonly string[]): Promise<void> {
  const { rows } = await tx.query<{ name: string }>(selectEscaped, [schemas])
  if (rows.length === 0) return
  const where = schemas.length === 1 ? `the schema ${schemas[0] ?? ''}` : `their ${schemas.length} schemas`
  throw new TenantryError(
    'MIGRATION_FAILED',
    `Tenant migrations reached outside of ${where}: ${rows.map((row) => row.name).join(', ')}.`,
    { fix: 'Leave schema names out of tenant migrations; what tenants share belongs into migrations/shared.' },
  )
}
