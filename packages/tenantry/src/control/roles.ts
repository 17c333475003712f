// The instance's three roles and what they may do. Idempotent; PostgreSQL 15 and 16 and later differ in memberships.
import type { Sql } from '../engine/sql/database.ts'
import { TenantryError } from '../kernel/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../kernel/identifiers.ts'
import { type AdminFacts, readRoleFacts, type RoleFacts } from './admin-facts.ts'
import { openAppTables } from './app-tables.ts'
import type { InstanceRoles } from './instance.ts'
import { scramVerifier } from './scram-verifier.ts'

export interface RoleOptions {
  readonly instanceId: string
  readonly roles: InstanceRoles
  readonly facts: AdminFacts
}

/** Functions that statements of a tenant may call; everything else in the schema is the admin's alone. */
export const APP_FUNCTIONS = [
  ...['current_tenant_id()', 'current_user_id()', 'current_tenant_role()', 'claimed_tenant_id()'],
  'direct_tenant_id()',
  'get_tenant_database_size()',
  ...['current_organization_id()', 'current_team_ids()'],
  ...['is_tenant_member(uuid, text)', 'get_user_tenant_role(uuid, text)'],
  ...['copy_stage(regclass, text[], boolean)', 'copy_unstage()'],
  'observe_access(oid)',
]

const MARK = /^Tenantry instance ([0-9a-f]{8}), database (.*)$/s

// Global default privileges may have granted our new tables to others.
const SEAL_SECRETS = `
  do $$ declare entry record; begin
    for entry in
      select distinct c.oid::regclass as secret, case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end as grantee
        from pg_class c, aclexplode(c.relacl) a
       where c.relnamespace = 'tenantry'::regnamespace
         and c.relname in ('instance', 'signing_key', 'api_key', 'credential', 'verify_key', 'elevation', 'idempotency')
         and a.grantee <> c.relowner
    loop
      execute format('revoke all on table %s from %s', entry.secret, entry.grantee);
    end loop;
  end $$`

/**
 * Creates what is missing of the roles, memberships and grants. Throws ROLE_CONFLICT where a role of that name is not
 * this instance's own, and ADMIN_TOO_WEAK where the admin does not administer one that is.
 */
export async function ensureRoles(tx: Sql, options: RoleOptions): Promise<void> {
  const { login, app, central } = options.roles
  const existing = await readRoleFacts(tx, [login, app, central])
  for (const role of existing.values()) await refuseForeignRole(tx, role, options)
  for (const name of [app, central]) {
    if (!existing.has(name)) await tx.query(`create role ${quoteIdentifier(name)} ${attributes('nologin')}`)
  }
  if (!existing.has(login)) await createLogin(tx, login)
  for (const name of [login, app, central]) await mark(tx, existing.get(name)?.comment, { name, options })
  await ensureMembership(tx, { role: app, member: login, inherit: false, facts: options.facts })
  if (!options.facts.superuser) {
    await ensureMembership(tx, { role: central, member: options.facts.user, inherit: true, facts: options.facts })
  }
  await grantPrivileges(tx, options)
}

const attributes = (login: 'login' | 'nologin') =>
  `${login} noinherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls`

async function createLogin(tx: Sql, login: string): Promise<void> {
  const { rows } = await tx.query<{ password: string }>('select login_password as password from tenantry.instance')
  const verifier = await scramVerifier(rows[0]?.password ?? '')
  await tx.query(`create role ${quoteIdentifier(login)} ${attributes('login')} password ${quoteLiteral(verifier)}`)
}

/** The comment by which a role is known to be made by an instance, for a database. */
export function roleMark(instanceId: string, database: string): string {
  return `Tenantry instance ${instanceId}, database ${database}`
}

const markOf = ({ instanceId, facts }: RoleOptions): string => roleMark(instanceId, facts.database)

async function mark(tx: Sql, before: string | null | undefined, of: { name: string; options: RoleOptions }) {
  const text = markOf(of.options)
  if (before !== text) await tx.query(`comment on role ${quoteIdentifier(of.name)} is ${quoteLiteral(text)}`)
}

// Roles belong to the whole server. One that carries our name was made by us for this database (the comment says
// so), for this database under its former name, or it is somebody else's: a copy of this database beside the original,
// whose login would open both.
async function refuseForeignRole(tx: Sql, role: RoleFacts, options: RoleOptions): Promise<void> {
  if (role.comment !== markOf(options)) {
    const [, instanceId, database] = MARK.exec(role.comment ?? '') ?? []
    if (instanceId !== options.instanceId || (await databaseExists(tx, database ?? ''))) {
      throw new TenantryError('ROLE_CONFLICT', `The role ${role.name} belongs to another database of this server.`)
    }
    await resetPassword(tx, role, options)
  }
  if (role.attributes.length > 0 || role.canLogin !== (role.name === options.roles.login)) {
    throw new TenantryError('ROLE_CONFLICT', `The role ${role.name} has been given more than Tenantry gave it.`, {
      fix: `Take its attributes away (${role.attributes.join(', ') || 'LOGIN'}), then run init again.`,
    })
  }
  if (!role.administered) {
    throw new TenantryError('ADMIN_TOO_WEAK', `The admin login may not administer the role ${role.name}.`, {
      fix: grantAdminOption(role.name, options.facts.user),
    })
  }
}

/** The SQL that lets a login administer one of the roles, from 16 on. */
export function grantAdminOption(role: string, user: string): string {
  return `GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(user)} WITH ADMIN OPTION;`
}

async function databaseExists(tx: Sql, name: string): Promise<boolean> {
  return (await tx.query('select from pg_database where datname = $1', [name])).rows.length > 0
}

// The role came with another copy of the control plane; its password may be that one's.
async function resetPassword(tx: Sql, role: RoleFacts, options: RoleOptions): Promise<void> {
  if (role.name !== options.roles.login || !role.administered) return
  const { rows } = await tx.query<{ password: string }>('select login_password as password from tenantry.instance')
  const verifier = await scramVerifier(rows[0]?.password ?? '')
  await tx.query(`alter role ${quoteIdentifier(role.name)} password ${quoteLiteral(verifier)}`)
}

interface Membership {
  readonly role: string
  readonly member: string
  readonly inherit: boolean
  readonly facts: AdminFacts
}

async function ensureMembership(tx: Sql, { role, member, inherit, facts }: Membership): Promise<void> {
  const perGrant = facts.versionNum >= 160_000
  // Before 16 a member inherits or not by its own attribute, and every member may SET ROLE.
  const complete = perGrant ? `m.inherit_option = ${inherit} and m.set_option` : 'true'
  const { rows } = await tx.query(
    `select from pg_auth_members m join pg_roles r on r.oid = m.roleid join pg_roles g on g.oid = m.member
      where r.rolname = $1 and g.rolname = $2 and ${complete}`,
    [role, member],
  )
  if (rows.length > 0) return
  const options = perGrant ? ` with inherit ${inherit}, set true` : ''
  await tx.query(`grant ${quoteIdentifier(role)} to ${quoteIdentifier(member)}${options}`)
}

async function grantPrivileges(tx: Sql, { roles, facts }: RoleOptions): Promise<void> {
  const [login, app, central] = [roles.login, roles.app, roles.central].map(quoteIdentifier)
  const database = quoteIdentifier(facts.database)
  if (facts.publicTemp) await tx.query(`revoke temporary on database ${database} from public`)
  if (facts.publicCreate) await tx.query('revoke create on schema public from public')
  const { rows } = await tx.query<{ connects: boolean; usesPublic: boolean }>(
    `select has_database_privilege($1::name, current_database(), 'connect') as connects,
            coalesce((select has_schema_privilege($2::name, n.oid, 'usage') from pg_namespace n
                       where n.nspname = 'public'), true) as "usesPublic"`,
    [roles.login, roles.app],
  )
  if (rows[0]?.connects === false) await tx.query(`grant connect on database ${database} to ${login}`)
  if (rows[0]?.usesPublic === false && facts.ownsPublicSchema) await tx.query(`grant usage on schema public to ${app}`)
  await tx.query(SEAL_SECRETS)
  await tx.query('revoke all on all functions in schema tenantry from public')
  await tx.query(`grant usage on schema tenantry to ${app}, ${central}`)
  for (const name of APP_FUNCTIONS) await tx.query(`grant execute on function tenantry.${name} to ${app}`)
  // Column defaults run as whoever inserts: without a tenant_id central meets the not-null constraint, not a denial.
  for (const name of ['claimed_tenant_id', 'direct_tenant_id']) {
    await tx.query(`grant execute on function tenantry.${name}() to ${central}`)
  }
  await openAppTables(tx, roles.app)
}
