// Rights: PUBLIC has none, the application those to rows, and nothing hands out more to what is made later.
import type { CatalogueRule } from '../catalogue-rule.ts'

const USER_SCHEMAS = `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_t%'`
const OWNER_NOTE = (owner: string) =>
  `case when pg_has_role(${owner}, 'usage') then '' else format(' -- as %I, its owner', pg_get_userbyid(${owner})) end`

export const grantRules: readonly CatalogueRule[] = [
  {
    name: 'PUBLIC has no rights on relations',
    unit: 'relations and sequences',
    found: `select format('%I.%I', n.nspname, c.relname) as subject,
        format('revoke all on %s %I.%I from public;', case c.relkind when 'S' then 'sequence' else 'table' end, n.nspname, c.relname)
          || ${OWNER_NOTE('c.relowner')} as fix,
        (exists (select from aclexplode(c.relacl) a where a.grantee = 0)
          or exists (select from pg_attribute a, aclexplode(a.attacl) e where a.attrelid = c.oid and a.attacl is not null and e.grantee = 0)) as bad
      from pg_class c join pg_namespace n on n.oid = c.relnamespace left join relation r on r.oid = c.oid
      where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${USER_SCHEMAS} and r.is_global is not true
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`,
  },
  {
    // TRUNCATE heeds no policy, REFERENCES asks about hidden rows, TRIGGER runs code in the place of others.
    name: 'the application has no rights beyond rows',
    unit: 'relations and sequences',
    found: `select format('%I.%I', n.nspname, c.relname) as subject,
        format('revoke %s on %s %I.%I from public, %s;', case c.relkind when 'S' then 'update' else names.excess end,
          case c.relkind when 'S' then 'sequence' else 'table' end, n.nspname, c.relname, names.app_name) || ${OWNER_NOTE('c.relowner')} as fix,
        case when c.relkind = 'S' then has_sequence_privilege(names.app, c.oid, 'update')
          else has_table_privilege(names.app, c.oid, names.excess) or has_any_column_privilege(names.app, c.oid, 'references') end as bad
      from names, pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${USER_SCHEMAS} and n.nspname <> 'tenantry'`,
  },
  {
    name: 'default privileges give the application nothing',
    unit: 'default privileges',
    found: `select format('%s of %s%s', kind.objects, pg_get_userbyid(d.defaclrole), coalesce(' in ' || quote_ident(n.nspname), '')) as subject,
        format('alter default privileges for role %I%s revoke all on %s from public, %s;', pg_get_userbyid(d.defaclrole),
          coalesce(' in schema ' || quote_ident(n.nspname), ''), kind.objects, names.app_name) || ${OWNER_NOTE('d.defaclrole')} as fix,
        exists (select from aclexplode(d.defaclacl) a where a.grantee = any (names.application)
          and not (a.grantee = 0 and d.defaclobjtype in ('f', 'T') and d.defaclnamespace = 0)) as bad
      from names, pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace,
        lateral (select case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
          when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end as objects) kind`,
  },
  {
    name: "PUBLIC may not enter a tenant's schema",
    unit: 'tenant schemas',
    found: `select s.name as subject, format('revoke all on schema %I from public;', s.name) || ${OWNER_NOTE('n.nspowner')} as fix,
        exists (select from aclexplode(n.nspacl) a where a.grantee = 0) as bad
      from tenant_schema s join pg_namespace n on n.oid = s.oid`,
  },
  {
    name: 'the secrets of the control plane are sealed',
    unit: 'tables with secrets',
    found: `select format('tenantry.%I', c.relname) as subject, count(a.grantee) > 0 as bad,
        format('revoke all on table tenantry.%I from %s;', c.relname, string_agg(distinct
          case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end, ', ')) as fix
      from pg_class c left join lateral (
        select e.grantee from aclexplode(c.relacl) e where e.grantee <> c.relowner
        union all select e.grantee from pg_attribute t, aclexplode(t.attacl) e where t.attrelid = c.oid and t.attacl is not null and e.grantee <> c.relowner
      ) a on true
      where c.relnamespace = 'tenantry'::regnamespace and c.relname in ('instance', 'signing_key', 'api_key', 'credential', 'verify_key', 'elevation', 'idempotency') group by c.oid, c.relname`,
  },
  {
    name: 'foreign servers are closed to the application',
    unit: 'foreign servers and wrappers',
    found: `select s.srvname::text as subject, has_server_privilege(names.app, s.oid, 'usage') as bad,
        format('revoke usage on foreign server %I from public, %s;', s.srvname, names.app_name) || ${OWNER_NOTE('s.srvowner')} as fix
      from names, pg_foreign_server s
      union all
      select w.fdwname::text, has_foreign_data_wrapper_privilege(names.app, w.oid, 'usage'),
        format('revoke usage on foreign data wrapper %I from public, %s;', w.fdwname, names.app_name) || ${OWNER_NOTE('w.fdwowner')}
      from names, pg_foreign_data_wrapper w`,
  },
]
