// Runs a migration that says `no-transaction`, statement by statement, so that after a crash it goes on where it was.
import { createHash } from 'node:crypto'
import type { Sql } from '../../../engine/sql/database.ts'
import { sqlStateOf } from '../../../engine/sql/database-errors.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { MigrationFile } from '../migration-file.ts'
import { CLEAN_SESSION, migrationFailed, settingsOf, textIn } from '../migration-session.ts'
import { inTransaction } from './in-transaction.ts'
import { dropLeftovers } from './index-leftovers.ts'
import { runCodeOutside } from './run-code-outside.ts'
import { type OutsideStatement, outsideStatements } from './statement-kinds.ts'

export interface OutsideRun {
  /** The tenant's schema; none for a shared migration. */
  readonly schema?: string
  /** How long a statement waits for a lock; default: the server's. The file's own `lock-timeout` goes before it. */
  readonly lockTimeoutMs?: number
  /** How many statements an earlier attempt finished, as `record` was told; undefined where there was none. */
  readonly done?: number
  /** What they were, as `record` was told; where it is given, they must still be the same. */
  readonly digest?: string
  /**
   * Writes down how many statements are done, 0 before the first, and the digest of their text. Its transaction is that of
   * the statement, where the statement can have one.
   */
  readonly record?: (sql: Sql, done: number, digest: string) => Promise<void>
}

/**
 * Runs a `no-transaction` file over a session that is in no transaction. An index that a crash left invalid is dropped and
 * built again; one that was finished is not built twice. Statements that can run in a transaction have one each.
 * Building an index waits for every snapshot in the database, for ever where its holder waits for the index. A transaction
 * that is open meanwhile must end with a statement without values, which lets go of the snapshot of the one before; and no
 * statement may wait for a lock that it holds, because whoever waits holds a snapshot.
 * Throws MIGRATION_FAILED naming file, line and SQLSTATE; what was done before stays. Throws MIGRATION_CHANGED where what an
 * earlier attempt did is not what the file says any more.
 *
 * @example
 * ```ts
 * await database.session((session) => runOutsideTransaction(session, file, { schema: tenant.schemaName }))
 * ```
 */
export async function runOutsideTransaction(session: Sql, file: MigrationFile, run: OutsideRun = {}): Promise<void> {
  const lockTimeoutMs = file.lockTimeoutMs ?? run.lockTimeoutMs
  await session.query(settingsOf({ schema: run.schema, lockTimeoutMs }, 'session'))
  try {
    if (run.done === undefined) await run.record?.(session, 0, digestOf([]))
    if (file.run === undefined) await runStatements(session, file, run)
    else await runCodeOutside(session, file, run.schema)
  } finally {
    await session.query(CLEAN_SESSION).catch(() => {})
  }
}

async function runStatements(session: Sql, file: MigrationFile, run: OutsideRun): Promise<void> {
  const statements = outsideStatements(textIn(file, run.schema))
  const fault = statements.find((statement) => faultOf(statement, run.schema) !== undefined)
  if (fault !== undefined) {
    const why = faultOf(fault, run.schema) ?? ''
    throw new TenantryError('MIGRATION_FAILED', `${file.name}, line ${fault.line}: ${why}. Nothing was applied.`)
  }
  const digestAt = (count: number) => digestOf(statements.slice(0, count))
  if (run.digest !== undefined && run.digest !== digestAt(run.done ?? 0)) throw changedBehind(file)
  const record = (sql: Sql, done: number) => run.record?.(sql, done, digestAt(done)) ?? Promise.resolve()
  for (const [index, statement] of statements.entries()) {
    if (index < (run.done ?? 0)) continue
    try {
      await runOne(session, statement, {
        schema: run.schema,
        isResumed: run.done !== undefined,
        record: (sql) => record(sql, index + 1),
      })
    } catch (error) {
      throw error instanceof TenantryError ? error : migrationFailed(error, { file: file.name, line: statement.line })
    }
  }
}

/** Of what is said, not of where it stands: comments between statements may change. */
function digestOf(statements: readonly OutsideStatement[]): string {
  const hash = createHash('sha256')
  for (const { text } of statements) hash.update(`${text}\0`)
  return hash.digest('hex')
}

function changedBehind({ name }: MigrationFile): TenantryError {
  return new TenantryError(
    'MIGRATION_CHANGED',
    `The migration ${name} was changed in statements that are done already.`,
    {
      fix: 'Restore those as they were; what stands behind them may be mended.',
    },
  )
}

function faultOf({ kind, index, isQualified }: OutsideStatement, schema: string | undefined): string | undefined {
  if (kind === 'build index' && index === undefined) {
    return 'an index that is built concurrently needs a name, by which it is found after a crash'
  }
  // In a transaction, locks tell what a statement touched; outside of one, only its text does.
  return schema !== undefined && kind !== 'plain' && isQualified
    ? 'a schema is named outside of a transaction, where nothing can tell that it is the tenant’s own'
    : undefined
}

interface StatementRun {
  readonly schema: string | undefined
  readonly isResumed: boolean
  /** Writes down that it is done. */
  readonly record: (sql: Sql) => Promise<void>
}

async function runOne(session: Sql, statement: OutsideStatement, run: StatementRun): Promise<void> {
  if (statement.kind === 'plain') {
    await inTransaction(session, run.schema, async () => {
      await session.query(statement.text)
      await run.record(session)
    })
    return
  }
  if (!(await dropLeftovers(session, statement))) await runConcurrently(session, statement, run)
  await run.record(session)
}

async function runConcurrently(session: Sql, statement: OutsideStatement, { isResumed }: StatementRun): Promise<void> {
  try {
    await session.query(statement.text)
  } catch (error) {
    // A crash may have come between the drop and the note that it was done.
    if (isResumed && statement.kind === 'drop index' && sqlStateOf(error) === '42704') return
    // What is left of a failed build still slows writes, and still refuses duplicates.
    if (statement.kind === 'build index') await dropLeftovers(session, statement).catch(() => {})
    throw error
  }
}
