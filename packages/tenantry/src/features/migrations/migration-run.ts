// Runs migration files in the caller's transaction: all in one flush, each from a clean session, so that no file
// inherits a search_path or role that the one before it set.
import type { Sql } from '../../engine/sql/database.ts'
import { sqlStateOf } from '../../engine/sql/database-errors.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { quoteIdentifier } from '../../kernel/identifiers.ts'
import type { MigrationFile } from './migration-files.ts'

// A plain SET outlives the transaction and would stay on the pooled connection; a RESET after it, in the same
// transaction, takes that back.
const CLEAN_SESSION = 'reset session authorization; reset role; reset all;'

/**
 * Runs the files, in the given schema alone where one is given.
 * Throws MIGRATION_FAILED naming file, line and SQLSTATE; the caller's transaction is then to be rolled back.
 */
export async function runMigrations(tx: Sql, files: readonly MigrationFile[], schema?: string): Promise<void> {
  if (files.length === 0) return
  try {
    await Promise.all([tx.query('savepoint tenantry_migrations'), tx.query(flushOf(files, schema).text)])
  } catch (error) {
    if (error instanceof TenantryError) throw error
    const place = placeOf(error, files, schema)
    if (place !== undefined) throw migrationFailed(error, place)
    await runOneByOne(tx, files, schema)
  }
  if (schema !== undefined) await refuseEscape(tx, schema)
}

// Errors of execution carry no position in the text, so which file it was shows only by running them apart.
async function runOneByOne(tx: Sql, files: readonly MigrationFile[], schema: string | undefined): Promise<void> {
  await tx.query('rollback to savepoint tenantry_migrations')
  for (const file of files) {
    try {
      await tx.query(flushOf([file], schema).text)
    } catch (error) {
      if (error instanceof TenantryError) throw error
      throw migrationFailed(error, { file: file.name })
    }
  }
}

interface Flush {
  readonly text: string
  /** Where each file begins in the text. */
  readonly offsets: readonly number[]
}

function flushOf(files: readonly MigrationFile[], schema: string | undefined): Flush {
  const path = schema === undefined ? '' : `set local search_path = ${quoteIdentifier(schema)}, pg_temp;`
  const offsets: number[] = []
  let text = ''
  for (const file of files) {
    text += `${CLEAN_SESSION} ${path}\n`
    offsets.push(text.length)
    text += `${file.text}\n;\n`
  }
  return { text: `${text}${CLEAN_SESSION}`, offsets }
}

interface Place {
  readonly file: string
  readonly line?: number
}

function placeOf(error: unknown, files: readonly MigrationFile[], schema: string | undefined): Place | undefined {
  const position = error instanceof Error && 'position' in error ? Number(error.position) : Number.NaN
  if (!Number.isInteger(position)) return undefined
  const { text, offsets } = flushOf(files, schema)
  // PostgreSQL counts characters, JavaScript UTF-16 units.
  const at = Array.from(text)
    .slice(0, position - 1)
    .join('').length
  const index = offsets.findLastIndex((offset) => offset <= at)
  const file = files[index]
  return file && { file: file.name, line: text.slice(offsets[index], at).split('\n').length }
}

function migrationFailed(error: unknown, { file, line }: Place): TenantryError {
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
   and n.nspname <> $1 and n.nspname not in ('pg_toast', 'pg_catalog') and n.nspname not like 'pg\\_temp\\_%'
 order by name limit 5`

async function refuseEscape(tx: Sql, schema: string): Promise<void> {
  const { rows } = await tx.query<{ name: string }>(selectEscaped, [schema])
  if (rows.length === 0) return
  throw new TenantryError(
    'MIGRATION_FAILED',
    `Tenant migrations reached outside of the schema ${schema}: ${rows.map((row) => row.name).join(', ')}.`,
    { fix: 'Leave schema names out of tenant migrations; what tenants share belongs into migrations/shared.' },
  )
}
