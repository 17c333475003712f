// The roles behind direct credentials: how they are made, locked, and dropped so that nothing is left. Works for an
// admin that is no superuser: before 16 CREATEROLE rules over all plain roles, from 16 on over those it made; ending
// sessions and dropping what is owned need the role's own rights as well, which are taken for that moment only.
import type { Sql } from '../../engine/sql/database.ts'
import { sqlStateOf } from '../../engine/sql/database-errors.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../../kernel/identifiers.ts'
import type { Tenant } from '../../tenants/tenant.ts'

const TERMINATE_TIMEOUT_MS = 5_000
// duplicate_object, unique_violation: another call took the name in between.
const TAKEN = ['42710', '23505']

// Changes of roles and grants wait for each other, or find the row of the catalog changed: lock_not_available and
// "tuple concurrently updated".
const BUSY = ['55P03', 'XX000']

export interface LoginRole {
  readonly username: string
  readonly name: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  readonly isExpired: boolean
  /**
   * `ours`: the role is there, with the oid and the comment it was made with. `unmarked`: oid and name agree, the comment
   * does not, so it is left alone. `gone`: the role is not there, or its oid means a stranger's.
   */
  readonly role: 'ours' | 'unmarked' | 'gone'
  /** As a string, because oid is unsigned. */
  readonly oid: string
  /** The role's name now. */
  readonly roleName: string
  readonly connectionLimit: number
  /** Whether its transactions only read unless they say otherwise. */
  readonly readsOnly: boolean
}

/** The comment that says a role is ours, up to the database's name. */
const markOf = (instanceId: string, tenantId: string) =>
  `Tenantry credential of instance ${instanceId}, tenant ${tenantId}, database `

// A copy of this database beside the original holds the same rows: the roles are the original's for as long as a
// database of that name is there.
const SELECT_LOGINS = `
  select c.username::text, c.name::text, c.created_at as "createdAt", c.expires_at as "expiresAt",
         c.revoked_at as "revokedAt", coalesce(c.expires_at <= now(), false) as "isExpired", c.role_oid::text as oid,
         case when r.oid is null then 'gone'
              when starts_with(d.mark, $2) and (substr(d.mark, length($2) + 1) = current_database()
                or not exists (select from pg_database b where b.datname = substr(d.mark, length($2) + 1))) then 'ours'
              when r.rolname = c.username then 'unmarked' else 'gone' end as role,
         coalesce(r.rolname, c.username)::text as "roleName", coalesce(r.rolconnlimit, -1) as "connectionLimit",
         exists (select from pg_db_role_setting s where s.setrole = r.oid
           and s.setdatabase = (select b.oid from pg_database b where b.datname = current_database())
           and 'default_transaction_read_only=on' = any (s.setconfig)) as "readsOnly"
    from tenantry.credential c left join pg_roles r on r.oid = c.role_oid,
         lateral (select coalesce(shobj_description(r.oid, 'pg_authid'), '') as mark) d
   where c.tenant_id = $1
   order by c.created_at, c.username`

/** The logins of a tenant, oldest first. */
export async function readLogins(sql: Sql, instanceId: string, tenantId: string): Promise<readonly LoginRole[]> {
  return (await sql.query<LoginRole>(SELECT_LOGINS, [tenantId, markOf(instanceId, tenantId)])).rows
}

/** Throws ROLE_CONFLICT for a role whose comment no longer says that it is ours. */
export function refuseUnmarked(login: LoginRole): void {
  if (login.role !== 'unmarked') return
  throw new TenantryError('ROLE_CONFLICT', `The role ${login.username} no longer carries the mark of Tenantry.`, {
    fix: 'Set its comment back to what Tenantry wrote, or drop the role yourself, then repeat the call.',
  })
}

export interface NewLogin {
  readonly tenant: Tenant
  readonly username: string
  readonly name: string
  /** SCRAM-SHA-256, made outside of the database, so that no statement holds the password. */
  readonly verifier: string
  readonly connectionLimit: number
  readonly searchPath: readonly string[]
  readonly instanceId: string
  readonly appRole: string
}

/** Makes the role and its mapping. Throws CREDENTIAL_NAME_TAKEN, ADMIN_TOO_WEAK. */
export async function createLogin(tx: Sql, login: NewLogin): Promise<void> {
  const role = quoteIdentifier(login.username)
  const { database, perGrant } = await serverFacts(tx)
  await refuseTaken(tx, login.username)
  // One flush of the driver's own: the first failure is the one that is reported.
  await administering(
    Promise.all([
      tx
        .query(
          `create role ${role} login inherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls
             connection limit ${login.connectionLimit} password ${quoteLiteral(login.verifier)}`,
        )
        .catch((error: unknown) => {
          throw TAKEN.includes(sqlStateOf(error) ?? '') ? nameTaken(error) : error
        }),
      tx.query(`comment on role ${role} is ${quoteLiteral(markOf(login.instanceId, login.tenant.id) + database)}`),
      // Inherited, because the policies are written TO app; before 16 whoever is a member may also become it, which
      // changes nothing: the session stays the login's.
      tx.query(`grant ${quoteIdentifier(login.appRole)} to ${role}${perGrant ? ' with inherit true, set false' : ''}`),
      tx.query(
        `alter role ${role} in database ${quoteIdentifier(database)}
           set search_path = ${[...login.searchPath.map(quoteIdentifier), 'pg_temp'].join(', ')}`,
      ),
      tx.query(
        `insert into tenantry.credential (username, role_oid, tenant_id, name)
         select rolname, oid, $2, $3 from pg_roles where rolname = $1`,
        [login.username, login.tenant.id, login.name],
      ),
    ]),
  )
  await letConnect(tx, login.username, database)
}

async function refuseTaken(tx: Sql, username: string): Promise<void> {
  const { rows } = await tx.query('select from pg_roles where rolname = $1', [username])
  if (rows.length > 0) throw nameTaken(undefined)
}

function nameTaken(cause: unknown): TenantryError {
  return new TenantryError('CREDENTIAL_NAME_TAKEN', 'The server has a role of that name already.', {
    field: 'username',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Where PUBLIC may not connect, the login is let in by name. */
async function letConnect(tx: Sql, username: string, database: string): Promise<void> {
  const { rows } = await tx.query<{ connects: boolean }>(
    `select has_database_privilege($1::name, current_database(), 'connect') as connects`,
    [username],
  )
  if (rows[0]?.connects === true) return
  await administering(
    tx.query(`grant connect on database ${quoteIdentifier(database)} to ${quoteIdentifier(username)}`),
  )
}

/** Lets the role log in, or not. Its sessions stay. */
export async function setLogin(tx: Sql, login: LoginRole, mayLogIn: boolean): Promise<void> {
  await administering(tx.query(`alter role ${quoteIdentifier(login.roleName)} ${mayLogIn ? 'login' : 'nologin'}`))
}

/** Lets the role's new sessions only read, or write again, where they do not say otherwise. */
export async function setReadsOnly(tx: Sql, username: string, readsOnly: boolean): Promise<void> {
  const { database } = await serverFacts(tx)
  const setting = `${readsOnly ? 'set' : 'reset'} default_transaction_read_only${readsOnly ? ' = on' : ''}`
  const role = quoteIdentifier(username)
  await administering(tx.query(`alter role ${role} in database ${quoteIdentifier(database)} ${setting}`))
}

/** Gives the role's password an end, and returns it. */
export async function expireLogin(tx: Sql, login: LoginRole, graceSeconds: number): Promise<Date> {
  const { rows } = await tx.query<{ at: Date; text: string }>(
    `update tenantry.credential set expires_at = date_trunc('second', now() + make_interval(secs => $2))
      where username = $1 returning expires_at as at, to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS"+00"') as text`,
    [login.username, graceSeconds],
  )
  const [expiry] = rows
  if (expiry === undefined) throw new Error('a row that this transaction holds was not returned')
  await administering(
    tx.query(`alter role ${quoteIdentifier(login.roleName)} valid until ${quoteLiteral(expiry.text)}`),
  )
  return expiry.at
}

const SESSIONS = 'select pid from pg_stat_activity where usesysid = $1::oid and pid <> pg_backend_pid()'
// The moment comes in whole milliseconds.
const OLDER_SESSIONS = `${SESSIONS}
  and ($2::timestamptz is null or date_trunc('milliseconds', backend_start) <= $2)`

/**
 * Ends the role's sessions, in every database, and waits for their end; those that began before a moment, where one is
 * given. Throws CREDENTIAL_INCOMPLETE where one stays.
 */
export async function endSessions(tx: Sql, login: LoginRole, before: string | null = null): Promise<void> {
  // The statistics are frozen at a transaction's first look.
  await tx.query('select pg_stat_clear_snapshot()')
  if ((await tx.query(SESSIONS, [login.oid])).rows.length === 0) return
  let left = 0
  // Since when a session is there is shown to those alone who have the rights of its role.
  await withRightsOf(tx, login, async () => {
    const older = [login.oid, before]
    await tx.query(`select pg_terminate_backend(pid, ${TERMINATE_TIMEOUT_MS}) from (${OLDER_SESSIONS}) s`, older)
    await tx.query('select pg_stat_clear_snapshot()')
    left = (await tx.query(OLDER_SESSIONS, older)).rows.length
  })
  if (left === 0) return
  throw new TenantryError('CREDENTIAL_INCOMPLETE', `Sessions of the login ${login.username} have not ended yet.`)
}

/**
 * Drops the role and its mapping, and verifies that nothing depends on it any more. It must have been locked by a
 * transaction before this one. Throws CREDENTIAL_INCOMPLETE, naming what is left and never its contents.
 */
export async function dropLogin(tx: Sql, login: LoginRole): Promise<void> {
  refuseUnmarked(login)
  if (login.role === 'ours') {
    await endSessions(tx, login)
    await withRightsOf(tx, login, () => dropOwned(tx, login))
    refuseLeftovers(login, await dependencies(tx, login))
    await administering(tx.query(`drop role ${quoteIdentifier(login.roleName)}`))
    refuseLeftovers(login, await traces(tx, login))
  }
  await tx.query('delete from tenantry.credential where username = $1', [login.username])
}

// A login may create large objects and nothing else. Whatever it was made the owner of is somebody's data and goes to
// the admin; what remains after that are grants and default privileges.
async function dropOwned(tx: Sql, login: LoginRole): Promise<void> {
  const role = quoteIdentifier(login.roleName)
  await administering(
    Promise.all([
      tx.query('select lo_unlink(oid) from pg_largeobject_metadata where lomowner = $1::oid', [login.oid]),
      tx.query(`reassign owned by ${role} to current_user`),
      tx.query(`drop owned by ${role}`),
    ]),
  )
}

/** What still depends on the role: in other databases, where DROP OWNED does not reach, and what others granted. */
async function dependencies(tx: Sql, login: LoginRole): Promise<readonly string[]> {
  const { rows } = await tx.query<{ what: string }>(
    `select distinct case when d.dbid = 0 or b.datname = current_database()
              then pg_describe_object(d.classid, d.objid, d.objsubid) else 'objects in the database ' || b.datname end as what
       from pg_shdepend d left join pg_database b on b.oid = d.dbid
      where d.refclassid = 'pg_authid'::regclass and d.refobjid = $1::oid
        and d.classid <> 'pg_auth_members'::regclass`,
    [login.oid],
  )
  return rows.map(({ what }) => what)
}

/** What of the role is there after it was dropped. */
async function traces(tx: Sql, login: LoginRole): Promise<readonly string[]> {
  const { rows } = await tx.query<{ what: string }>(
    `select 'the role' as what from pg_roles where oid = $1::oid
     union all select 'a membership' from pg_auth_members where $1::oid in (roleid, member, grantor)
     union all select 'a setting' from pg_db_role_setting where setrole = $1::oid
     union all select 'default privileges' from pg_default_acl where defaclrole = $1::oid
     union all select 'a comment' from pg_shdescription where classoid = 'pg_authid'::regclass and objoid = $1::oid
     union all select 'a dependency' from pg_shdepend where refclassid = 'pg_authid'::regclass and refobjid = $1::oid`,
    [login.oid],
  )
  return rows.map(({ what }) => what)
}

function refuseLeftovers(login: LoginRole, left: readonly string[]): void {
  if (left.length === 0) return
  throw new TenantryError('CREDENTIAL_INCOMPLETE', `The role ${login.username} is not gone: ${left.join(', ')}.`, {
    fix: 'Take away from the role what the message names (DROP OWNED BY it, as a superuser there), then repeat the call.',
  })
}

/** Roles that carry the mark of a tenant, whether or not the registry knows them. */
export async function markedRoles(sql: Sql, instanceId: string, tenantId: string): Promise<readonly string[]> {
  const { rows } = await sql.query<{ name: string }>(
    `select r.rolname::text as name from pg_shdescription d join pg_roles r on r.oid = d.objoid
      where d.classoid = 'pg_authid'::regclass and d.description = $1 || current_database()
     union select username::text from tenantry.credential where tenant_id = $2`,
    [markOf(instanceId, tenantId), tenantId],
  )
  return rows.map(({ name }) => name)
}

async function serverFacts(tx: Sql): Promise<{ readonly database: string; readonly perGrant: boolean }> {
  const { rows } = await tx.query<{ database: string; perGrant: boolean }>(
    `select current_database()::text as database, current_setting('server_version_num')::int >= 160000 as "perGrant"`,
  )
  if (rows[0] === undefined) throw new Error('the database did not say its name')
  return rows[0]
}

// Not for longer: the admin would come to be a member of app through it, and the policies for app hold for members.
async function withRightsOf(tx: Sql, login: LoginRole, work: () => Promise<unknown>): Promise<void> {
  const { rows } = await tx.query<{ has: boolean }>("select pg_has_role($1::oid, 'usage') as has", [login.oid])
  if (rows[0]?.has === true) {
    await work()
    return
  }
  const { perGrant } = await serverFacts(tx)
  const role = quoteIdentifier(login.roleName)
  await administering(tx.query(`grant ${role} to current_user${perGrant ? ' with inherit true' : ''}`))
  await work()
  await tx.query(`revoke ${role} from current_user`)
}

async function administering<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement
  } catch (error) {
    const state = sqlStateOf(error) ?? ''
    if (BUSY.includes(state)) {
      throw new TenantryError('TENANT_BUSY', 'Another change of logins is under way.', {
        cause: error,
        sqlState: state,
      })
    }
    if (state !== '42501') throw error
    throw new TenantryError('ADMIN_TOO_WEAK', 'The admin login may not administer the roles of direct credentials.', {
      cause: error,
      fix: 'Connect as the login that made them, with CREATEROLE, or grant this one each of them WITH ADMIN OPTION.',
    })
  }
}
