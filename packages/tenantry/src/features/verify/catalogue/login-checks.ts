// The scoped login and app: what they may do, and how the login's password is kept.
import type { Check } from '../../../control/admin-requirements.ts'
import { readExcessPowers } from '../../../control/login-powers.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import { quoteIdentifier } from '../../../kernel/identifiers.ts'
import type { CatalogueOptions } from './check-catalogue.ts'

/** As doctor calls it. */
export const LOGIN_POWERS = 'login may do nothing but become app'
export const PASSWORDS = 'passwords are stored as SCRAM verifiers'

export interface ServerFacts {
  readonly versionNum: number
  readonly version: string
  readonly database: string
  /** password_encryption */
  readonly encryption: string
  /** Whether pg_authid may be read: superusers may. */
  readonly seesPasswords: boolean
}

const SERVER = `
  select current_setting('server_version_num')::int as "versionNum", current_setting('server_version') as version,
         current_database()::text as database, current_setting('password_encryption') as encryption,
         has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'select') as "seesPasswords"`

export async function readServerFacts(sql: Sql): Promise<ServerFacts> {
  const { rows } = await sql.query<ServerFacts>(SERVER)
  if (rows[0] === undefined) throw new Error('The server said nothing of itself.')
  return rows[0]
}

/** Everything that the login or app may do beyond its job. */
export async function checkLoginPowers(
  sql: Sql,
  { roles, loginUser }: CatalogueOptions,
  { versionNum }: ServerFacts,
): Promise<readonly Check[]> {
  const powers = await readExcessPowers(sql, { user: loginUser, roles, versionNum })
  if (powers.length === 0) return [{ name: LOGIN_POWERS, ok: true, subject: loginUser }]
  return powers.map(({ role, reason, fix }) => ({ name: LOGIN_POWERS, ok: false, subject: `${role} ${reason}`, fix }))
}

/** Whether the login's password, and every new one, is kept as a SCRAM verifier. */
export async function checkPasswords(
  sql: Sql,
  { loginUser }: CatalogueOptions,
  { encryption, database, seesPasswords }: ServerFacts,
): Promise<readonly Check[]> {
  const violations: Check[] = []
  if (encryption !== 'scram-sha-256') {
    const fix = `alter database ${quoteIdentifier(database)} set password_encryption = 'scram-sha-256';`
    violations.push({ name: PASSWORDS, ok: false, subject: 'password_encryption', fix })
  }
  if (seesPasswords && (await isWeak(sql, loginUser))) {
    const fix = 'Set the password anew, with password_encryption at scram-sha-256.'
    violations.push({ name: PASSWORDS, ok: false, subject: loginUser, fix })
  }
  if (violations.length > 0) return violations
  // Without a superuser the stored form is not to be seen; only what new passwords get is.
  return [{ name: PASSWORDS, ok: true, subject: seesPasswords ? loginUser : 'password_encryption' }]
}

async function isWeak(sql: Sql, user: string): Promise<boolean> {
  const { rows } = await sql.query(
    "select from pg_catalog.pg_authid where rolname = $1 and rolpassword is not null and rolpassword not like 'SCRAM-SHA-256$%'",
    [user],
  )
  return rows.length > 0
}
