// What a scoped login, or app, could do beyond its job: any SQL can set the role back to the login, so whatever the
// login may do, injected SQL may do.
import type { Sql } from '../engine/sql/database.ts'
import { openedColumns } from './app-tables.ts'
import type { InstanceRoles } from './instance.ts'

export interface ExcessPower {
  /** Reads on after the role's name: "is a superuser". */
  readonly reason: string
  readonly role: string
  /** SQL that takes it away. */
  readonly fix: string
}

/** Roles of $1 (the login) and $2 (app), and all roles that either can reach, however far. */
const SUBJECTS = `
  with recursive subject as (
    select r.*, r.rolname = $1 as is_login from pg_roles r where r.rolname in ($1, $2)
  ), reached (subject, role, direct, weak) as (
    select s.rolname, m.roleid, true, s.is_login and r.rolname = $2 and not m.admin_option and not $inherits
      from subject s join pg_auth_members m on m.member = s.oid join pg_roles r on r.oid = m.roleid
    union
    select e.subject, m.roleid, false, false
      from reached e join pg_auth_members m on m.member = e.role
     where not e.weak
  ), opened ("table", "column", verb) as ${openedColumns}`

const POWERS = `
  select s.rolname::text as role, a.reason, format('ALTER ROLE %I %s;', s.rolname, a.cure) as fix
    from subject s, lateral (values
      (s.rolsuper, 'is a superuser', 'NOSUPERUSER'), (s.rolbypassrls, 'bypasses row-level security', 'NOBYPASSRLS'),
      (s.rolcreaterole, 'may create roles', 'NOCREATEROLE'), (s.rolcreatedb, 'may create databases', 'NOCREATEDB'),
      (s.rolreplication, 'may replicate', 'NOREPLICATION'),
      (s.rolcanlogin and not s.is_login, 'may log in', 'NOLOGIN')) a (has, reason, cure)
   where a.has
  union all
  select e.subject, case when r.rolname = $2 then 'inherits or may grant ' else 'is a member of ' end || r.rolname,
         case when r.rolname = $2 then format('ALTER ROLE %1$I NOINHERIT; REVOKE %2$I FROM %1$I; $regrant', e.subject, $2)
              when e.direct then format('REVOKE %I FROM %I;', r.rolname, e.subject)
              else format('-- through another role: end %I''s membership in that one', e.subject) end
    from reached e join pg_roles r on r.oid = e.role
   where not e.weak
  union all
  select s.rolname, 'owns ' || count(*) || ' objects', format('REASSIGN OWNED BY %I TO CURRENT_USER;', s.rolname)
    from subject s join pg_shdepend d on d.refclassid = 'pg_authid'::regclass and d.refobjid = s.oid and d.deptype = 'o'
   where d.classid <> 'pg_largeobject'::regclass group by s.rolname
  union all
  select s.rolname, 'has ' || count(*) || ' grants of its own', format('DROP OWNED BY %I; -- takes its grants in this database', s.rolname)
    from subject s join pg_shdepend d on d.refclassid = 'pg_authid'::regclass and d.refobjid = s.oid and d.deptype = 'a'
   where s.is_login and d.classid <> 'pg_database'::regclass
     and not (d.classid = 'pg_proc'::regclass and d.objid = 'pg_catalog.set_config(text,text,boolean)'::regprocedure)
   group by s.rolname
  union all
  select s.rolname, p.reason, format('REVOKE %s ON DATABASE %I FROM PUBLIC, %I;', p.privilege, current_database(), s.rolname)
    from subject s, (values ('CREATE', 'may create schemas'), ('TEMPORARY', 'may create temporary tables')) p (privilege, reason)
   where has_database_privilege(s.oid, current_database(), p.privilege)
  union all
  select s.rolname, 'may create in schema ' || n.nspname, format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC, %I;', n.nspname, s.rolname)
    from subject s, pg_namespace n where has_schema_privilege(s.oid, n.oid, 'create')
  union all
  select s.rolname, 'may read or write tenantry.' || c.relname,
         format('REVOKE ALL ON tenantry.%I FROM PUBLIC, %I;', c.relname, s.rolname) || case when s.is_login then '' else coalesce(
           (select string_agg(format(' GRANT %s (%s) ON tenantry.%I TO %I;', o.verb, o.columns, c.relname, s.rolname), '' order by o.verb)
              from (select o.verb, string_agg(o.column, ', ') as columns from opened o where o.table = c.relname group by o.verb) o), '') end
    from subject s, pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'tenantry' and c.relkind = 'r' and (has_table_privilege(s.oid, c.oid, 'insert, delete, truncate, trigger')
     or has_any_column_privilege(s.oid, c.oid, 'insert') or exists (
       select from pg_attribute a, (values ('select'), ('update')) v (verb)
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and has_column_privilege(s.oid, c.oid, a.attnum, v.verb)
          and (s.is_login or not exists (
            select from opened o where o.table = c.relname and o.column = a.attname and o.verb = v.verb))))`

/** Everything that makes the login, or app, more than it may be; empty for those that init makes. */
export async function readExcessPowers(
  sql: Sql,
  login: { readonly user: string; readonly roles: InstanceRoles; readonly versionNum: number },
): Promise<readonly ExcessPower[]> {
  const perGrant = login.versionNum >= 160_000
  const text = (SUBJECTS + POWERS)
    .replace('$inherits', perGrant ? 'm.inherit_option' : 's.rolinherit')
    .replace('$regrant', perGrant ? 'GRANT %2$I TO %1$I WITH INHERIT FALSE, SET TRUE;' : 'GRANT %2$I TO %1$I;')
  return (await sql.query<ExcessPower>(text, [login.user, login.roles.app])).rows
}
