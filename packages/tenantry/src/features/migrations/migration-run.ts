// Runs migrations in the caller's transaction: SQL in one flush, code one by one, each from a clean session, so that
// none inherits a search_path or role that the one before it set.
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { runCode } from './code/run-code.ts'
import type { MigrationFile } from './migration-file.ts'
import { watchEscape } from './escape.ts'
import { CLEAN_SESSION, migrationFailed, type Place, settingsOf, textIn } from './migration-session.ts'

export interface MigrationTarget {
  /** Each file runs in each of these schemas, one schema after the other. None: as shared migrations. */
  readonly schemas?: readonly string[]
  /** All schemas that the transaction may touch; default: these. */
  readonly among?: readonly string[]
  /** How long a statement waits for a lock; default: the server's. A file's own `lock-timeout` goes before it. */
  readonly lockTimeoutMs?: number
}

/** A file, and where it is to run. */
interface Step {
  readonly file: MigrationFile
  readonly schema: string | undefined
  readonly lockTimeoutMs: number | undefined
}

/**
 * Runs the files, in the given schema alone where one is given, or in each of several: then all SQL of all of them is
 * one flush, and a failure tells the file only where the server says a position; run one schema at a time to know.
 * Throws MIGRATION_FAILED naming file, line and SQLSTATE, also for a file that says `no-transaction`; the caller's
 * transaction is then to be rolled back.
 */
export async function runMigrations(
  tx: Sql,
  files: readonly MigrationFile[],
  target: string | MigrationTarget = {},
): Promise<void> {
  if (files.length === 0) return
  const {
    schemas,
    among = schemas,
    lockTimeoutMs,
  }: MigrationTarget = typeof target === 'string' ? { schemas: [target] } : target
  refuseOutside(files)
  const steps = (schemas ?? [undefined]).flatMap((schema) => files.map((file) => ({ file, schema, lockTimeoutMs })))
  const refuseEscape = among === undefined ? undefined : watchEscape(tx, among)
  for (const group of groupsOf(steps)) {
    const [first] = group
    if (first?.file.run === undefined) await runSql(tx, group)
    else await runCode(tx, first.file, first)
  }
  await refuseEscape?.()
}

function refuseOutside(files: readonly MigrationFile[]): void {
  const outside = files.find(({ transaction }) => !transaction)
  if (outside === undefined) return
  throw new TenantryError('MIGRATION_FAILED', `The migration ${outside.name} says that it runs outside a transaction.`)
}

/** Neighbours in SQL together, each in code by itself. */
function groupsOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const groups: Step[][] = []
  for (const step of steps) {
    const last = groups.at(-1)
    const joins = step.file.run === undefined && last?.[0] !== undefined && last[0].file.run === undefined
    if (joins) last.push(step)
    else groups.push([step])
  }
  return groups
}

async function runSql(tx: Sql, steps: readonly Step[]): Promise<void> {
  const flush = flushOf(steps)
  try {
    await Promise.all([tx.query('savepoint tenantry_migrations'), tx.query(flush.text)])
  } catch (error) {
    if (error instanceof TenantryError) throw error
    const place = placeOf(error, flush, steps)
    if (place !== undefined || steps.some(({ schema }) => schema !== steps[0]?.schema)) {
      throw migrationFailed(error, place ?? { file: `${steps[0]?.file.name ?? ''} or a later one` })
    }
    await runOneByOne(tx, steps)
  }
}

// Errors of execution carry no position in the text, so which file it was shows only by running them apart.
async function runOneByOne(tx: Sql, steps: readonly Step[]): Promise<void> {
  await tx.query('rollback to savepoint tenantry_migrations')
  for (const step of steps) {
    try {
      await tx.query(flushOf([step]).text)
    } catch (error) {
      if (error instanceof TenantryError) throw error
      throw migrationFailed(error, { file: step.file.name })
    }
  }
}

interface Flush {
  readonly text: string
  /** Where each file begins in the text. */
  readonly offsets: readonly number[]
}

function flushOf(steps: readonly Step[]): Flush {
  const offsets: number[] = []
  let text = ''
  for (const { file, schema, lockTimeoutMs } of steps) {
    text += `${settingsOf({ schema, lockTimeoutMs: file.lockTimeoutMs ?? lockTimeoutMs })}\n`
    offsets.push(text.length)
    text += `${textIn(file, schema)}\n;\n`
  }
  return { text: `${text}${CLEAN_SESSION}`, offsets }
}

function placeOf(error: unknown, { text, offsets }: Flush, steps: readonly Step[]): Place | undefined {
  const position = error instanceof Error && 'position' in error ? Number(error.position) : Number.NaN
  if (!Number.isInteger(position)) return undefined
  // PostgreSQL counts characters, JavaScript UTF-16 units.
  const at = Array.from(text)
    .slice(0, position - 1)
    .join('').length
  const index = offsets.findLastIndex((offset) => offset <= at)
  const step = steps[index]
  return step && { file: step.file.name, line: text.slice(offsets[index], at).split('\n').length }
}
