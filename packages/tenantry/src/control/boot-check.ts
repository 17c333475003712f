// The check of the scoped login, before any tenant is served through it.
import type { Sql } from '../engine/sql/database.ts'
import { TenantryError } from '../kernel/errors.ts'
import { quoteIdentifier } from '../kernel/identifiers.ts'
import type { InstanceRoles } from './instance.ts'
import { readExcessPowers } from './login-powers.ts'

const OLDEST_SERVER = 150_000

interface Session {
  readonly user: string
  readonly versionNum: number
  readonly version: string
  readonly knowsApp: boolean
  readonly becomesApp: boolean
}

const SESSION = `
  select session_user::text as "user", current_setting('server_version_num')::int as "versionNum",
         current_setting('server_version') as version,
         exists (select from pg_roles where rolname = $1)
           and exists (select from pg_namespace where nspname = 'tenantry') as "knowsApp",
         coalesce((select pg_has_role(session_user, oid, 'member') from pg_roles where rolname = $1), false) as "becomesApp"`

/**
 * Verifies, over a connection of the scoped login itself, that it may become app and nothing else.
 * Throws LOGIN_TOO_POWERFUL naming every reason, POSTGRES_TOO_OLD, and CONFIGURATION_INVALID where the login belongs to
 * another server or database, or may not become app.
 *
 * @example
 * ```ts
 * await checkLogin(client, instance.roles)
 * ```
 */
export async function checkLogin(login: Sql, roles: InstanceRoles): Promise<void> {
  const { rows } = await login.query<Session>(SESSION, [roles.app])
  const session = rows[0]
  if (session === undefined) throw new TenantryError('DATABASE_ERROR', 'The database did not say who is logged in.')
  if (session.versionNum < OLDEST_SERVER) {
    throw new TenantryError('POSTGRES_TOO_OLD', `The server is PostgreSQL ${session.version}.`)
  }
  if (!session.knowsApp) {
    throw new TenantryError(
      'CONFIGURATION_INVALID',
      'DATABASE_URL and DATABASE_ADMIN_URL lead to different databases.',
      {
        fix: 'Point both at the same database of the same server.',
      },
    )
  }
  await refusePowers(login, session, roles)
  if (!session.becomesApp) throw notAMember(session, roles)
}

async function refusePowers(login: Sql, session: Session, roles: InstanceRoles): Promise<void> {
  const powers = await readExcessPowers(login, { ...session, roles })
  if (powers.length === 0) return
  // A superuser's other powers are no news.
  const superuser = powers.filter(({ reason }) => reason === 'is a superuser')
  const reasons = (superuser.length > 0 ? superuser : powers).map(({ role, reason }) => `${role} ${reason}`)
  throw new TenantryError(
    'LOGIN_TOO_POWERFUL',
    `The login of DATABASE_URL has more than injected SQL may have: ${reasons.join('; ')}.`,
  )
}

function notAMember({ user, versionNum }: Session, roles: InstanceRoles): TenantryError {
  const options = versionNum >= 160_000 ? ' WITH INHERIT FALSE, SET TRUE' : ''
  return new TenantryError('CONFIGURATION_INVALID', `The login ${user} may not become ${roles.app}.`, {
    fix: `GRANT ${quoteIdentifier(roles.app)} TO ${quoteIdentifier(user)}${options};`,
  })
}
