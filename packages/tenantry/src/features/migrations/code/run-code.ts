// Runs a migration in code inside the caller's transaction, and proves afterwards that it is still the same one.
import type { Sql } from '../../../engine/sql/database.ts'
import { sqlStateOf } from '../../../engine/sql/database-errors.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { MigrationFile } from '../migration-file.ts'
import { CLEAN_SESSION, migrationFailed, type SessionSettings, settingsOf } from '../migration-session.ts'
import { CodeClient } from './code-client.ts'

/** Throws MIGRATION_FAILED; the caller's transaction is then to be rolled back. */
export async function runCode(tx: Sql, file: MigrationFile, settings: SessionSettings): Promise<void> {
  const { schema } = settings
  const wait = file.lockTimeoutMs ?? settings.lockTimeoutMs
  await tx.query(`${settingsOf({ schema, lockTimeoutMs: wait })} savepoint tenantry_code`)
  const client = new CodeClient(tx, { file: file.name, schema, idleTimeoutMs: file.idleTimeoutMs })
  await runToEnd(file, client)
  await refuseLeftTransaction(tx, file)
  await refuseLeftSchema(tx, file, schema)
  await tx.query(CLEAN_SESSION)
}

/** Runs the code, and its client to the end; given up where it waits for what does not come. */
export async function runToEnd(file: MigrationFile, client: CodeClient): Promise<void> {
  try {
    await Promise.race([file.run?.(client), client.idled])
  } catch (error) {
    await client.end().catch(() => {})
    throw codeFailed(client.fault ?? error, file)
  }
  await client.end()
}

function codeFailed(error: unknown, file: MigrationFile): TenantryError {
  if (error instanceof TenantryError) return error
  if (sqlStateOf(error) !== undefined) return migrationFailed(error, { file: file.name })
  const line = error instanceof Error ? lineIn(error, file.name) : undefined
  const where = line === undefined ? file.name : `${file.name}, line ${line}`
  const what = error instanceof Error ? error.name : `what is no Error (${error === null ? 'null' : typeof error})`
  // Its message may quote values: it is the cause.
  return new TenantryError('MIGRATION_FAILED', `The migration ${where} threw ${what}.`, { cause: error })
}

/** The line of the file on which an error came to be; transpiled code keeps its lines. */
function lineIn(error: Error, name: string): number | undefined {
  const frame = (error.stack ?? '').split('\n').find((each) => each.includes(`/${name}:`))
  const line = /:(\d+):\d+\)?$/.exec(frame ?? '')?.[1]
  return line === undefined ? undefined : Number(line)
}

// A COMMIT would have taken the savepoint along.
async function refuseLeftTransaction(tx: Sql, file: MigrationFile): Promise<void> {
  try {
    await tx.query('release savepoint tenantry_code')
  } catch (error) {
    const isAborted = sqlStateOf(error) === '25P02'
    throw new TenantryError(
      'MIGRATION_FAILED',
      isAborted
        ? `The migration ${file.name} went on after one of its statements had failed.`
        : `The migration ${file.name} left its transaction; what it committed stays.`,
      { cause: error },
    )
  }
}

async function refuseLeftSchema(tx: Sql, file: MigrationFile, schema: string | undefined): Promise<void> {
  if (schema === undefined) return
  const { rows } = await tx.query<{ same: boolean }>(
    `select current_setting('search_path') = quote_ident($1) || ', pg_temp' and current_user = session_user as same`,
    [schema],
  )
  if (rows[0]?.same === true) return
  throw new TenantryError('MIGRATION_FAILED', `The migration ${file.name} left its schema or its role.`)
}
