// The superuser's extra: without set_config an injected SELECT can change neither the role nor the context.
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
