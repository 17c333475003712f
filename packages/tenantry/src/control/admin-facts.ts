// What the admin login is and may do, read from the catalogs in one query that works before init and for any login.
import type { Sql } from '../engine/sql/database.ts'

export interface RoleFacts {
  readonly name: string
  readonly canLogin: boolean
  readonly attributes: readonly string[]
  readonly comment: string | null
  /** Whether the admin may alter and grant it. */
  readonly administered: boolean
  /** Whether the admin has its privileges, by inheritance. */
  readonly inherited: boolean
}

export interface AdminFacts {
  readonly user: string
  readonly database: string
  readonly versionNum: number
  readonly version: string
  readonly superuser: boolean
  readonly createRole: boolean
  readonly inherit: boolean
  readonly databaseOwner: string
  readonly ownsDatabase: boolean
  readonly createOnDatabase: boolean
  readonly publicTemp: boolean
  readonly adminTemp: boolean
  readonly publicSchemaOwner: string | null
  readonly ownsPublicSchema: boolean
  readonly publicCreate: boolean
  readonly controlOwner: string | null
  readonly ownsControl: boolean
}

const ADMIN_FACTS = `
  select current_user::text as "user", d.datname::text as database,
         current_setting('server_version_num')::int as "versionNum", current_setting('server_version') as version,
         r.rolsuper as superuser, r.rolcreaterole as "createRole", r.rolinherit as inherit,
         pg_get_userbyid(d.datdba)::text as "databaseOwner", pg_has_role(d.datdba, 'usage') as "ownsDatabase",
         has_database_privilege(d.oid, 'create') as "createOnDatabase",
         has_database_privilege(d.oid, 'temporary') as "adminTemp",
         exists (select from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
                  where a.grantee = 0 and a.privilege_type = 'TEMPORARY') as "publicTemp",
         pg_get_userbyid(p.nspowner)::text as "publicSchemaOwner",
         coalesce(pg_has_role(p.nspowner, 'usage'), false) as "ownsPublicSchema",
         exists (select from aclexplode(p.nspacl) a
                  where a.grantee = 0 and a.privilege_type = 'CREATE') as "publicCreate",
         pg_get_userbyid(t.nspowner)::text as "controlOwner",
         coalesce(pg_has_role(t.nspowner, 'usage'), false) as "ownsControl"
    from pg_database d
    join pg_roles r on r.rolname = current_user
    left join pg_namespace p on p.nspname = 'public'
    left join pg_namespace t on t.nspname = 'tenantry'
   where d.datname = current_database()`

const ROLE_FACTS = `
  select r.rolname::text as name, r.rolcanlogin as "canLogin",
         array_remove(array[case when r.rolsuper then 'SUPERUSER' end, case when r.rolbypassrls then 'BYPASSRLS' end,
           case when r.rolcreaterole then 'CREATEROLE' end, case when r.rolcreatedb then 'CREATEDB' end,
           case when r.rolreplication then 'REPLICATION' end], null) as attributes,
         shobj_description(r.oid, 'pg_authid') as comment,
         me.rolsuper or case when current_setting('server_version_num')::int >= 160000
           then pg_has_role(r.oid, 'member with admin option') else me.rolcreaterole end as administered,
         pg_has_role(r.oid, 'usage') as inherited
    from pg_roles r, pg_roles me
   where me.rolname = current_user and r.rolname = any ($1)`

/** Reads what the current user of this connection is and may do. */
export async function readAdminFacts(sql: Sql): Promise<AdminFacts> {
  const { rows } = await sql.query<AdminFacts>(ADMIN_FACTS)
  const facts = rows[0]
  if (facts === undefined) throw new Error('pg_database has no row for the current database')
  return facts
}

/** Reads those of the named roles that exist, by name. */
export async function readRoleFacts(sql: Sql, names: readonly string[]): Promise<ReadonlyMap<string, RoleFacts>> {
  const { rows } = await sql.query<RoleFacts>(ROLE_FACTS, [names])
  return new Map(rows.map((row) => [row.name, row]))
}
