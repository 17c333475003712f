// The superuser's extra: without set_config an injected SELECT can change neither the role nor the context, and without
// a language for DO a whole statement cannot run what its text does not show.
import type { Sql } from '../engine/sql/database.ts'
import { quoteIdentifier } from '../kernel/identifiers.ts'

/**
 * Takes EXECUTE on set_config from PUBLIC in this database and gives it to the named roles. The login keeps it, because
 * the prelude calls it as the login, before the role is app. Idempotent; the user must be a superuser.
 */
export async function hardenSetConfig(tx: Sql, keepers: readonly string[]): Promise<void> {
  await tx.query('revoke execute on function pg_catalog.set_config(text, text, boolean) from public')
  const names = keepers.map(quoteIdentifier).join(', ')
  await tx.query(`grant execute on function pg_catalog.set_config(text, text, boolean) to ${names}`)
}

/**
 * Takes the languages that DO may be written in from PUBLIC in this database, and gives them to the named role.
 * Functions in them go on running: only DO and CREATE FUNCTION ask for the right. Idempotent; the user must be a superuser.
 */
export async function hardenLanguages(tx: Sql, keeper: string): Promise<void> {
  const { rows } = await tx.query<{ name: string }>(
    'select lanname::text as name from pg_catalog.pg_language where lanpltrusted and laninline <> 0',
  )
  for (const language of rows.map(({ name }) => quoteIdentifier(name))) {
    await tx.query(`revoke usage on language ${language} from public`)
    await tx.query(`grant usage on language ${language} to ${quoteIdentifier(keeper)}`)
  }
}
