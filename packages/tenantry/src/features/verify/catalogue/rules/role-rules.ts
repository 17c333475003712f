// The instance's roles: who reaches central, and what is attached to them. What login and app may do is
// control/login-powers.ts.
import type { CatalogueRule } from '../catalogue-rule.ts'

/** Settings that change whose statements run, or what runs along with them. */
const RISKY = `('role', 'session_authorization', 'search_path', 'row_security', 'session_preload_libraries',
  'local_preload_libraries', 'session_replication_role', 'tenantry.context')`

export const roleRules: readonly CatalogueRule[] = [
  {
    name: 'only the admin sees the rows of all tenants',
    unit: 'members of the central role',
    found: `select m.name as subject, format('revoke %s from %I;', names.central_name, m.name) as fix, not m.is_admin as bad
      from names, (select distinct r.rolname::text as name, r.rolsuper or r.oid = (select nspowner from pg_namespace where nspname = 'tenantry')
              or r.rolname = current_user as is_admin
            from names, pg_auth_members a join pg_roles r on r.oid = a.member where a.roleid = names.central) m`,
  },
  {
    name: 'the central role has no powers of its own',
    unit: 'roles',
    found: `select r.rolname::text as subject, r.rolcanlogin or r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication as bad,
        format('alter role %I nologin nosuperuser nobypassrls nocreaterole nocreatedb noreplication;', r.rolname) as fix
      from names join pg_roles r on r.oid = names.central`,
  },
  {
    name: 'no setting is attached that changes whose statements run',
    unit: 'settings attached to roles and database',
    found: `select format('%s of %s', setting.name, coalesce(r.rolname, 'the database')) as subject, setting.name in ${RISKY} as bad,
        case when r.oid is null then format('alter database %I reset %s;', current_database(), setting.name)
          else format('alter role %I%s reset %s;', r.rolname, case when s.setdatabase = 0 then ''
            else format(' in database %I', current_database()) end, setting.name) end as fix
      from names, pg_db_role_setting s left join pg_roles r on r.oid = s.setrole,
        lateral (select split_part(entry, '=', 1) as name from unnest(s.setconfig) entry) setting
      where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
        and (s.setrole in (names.login, names.app, names.login_user)
          or (s.setrole = 0 and setting.name not in ('search_path', 'row_security')))`,
  },
]
