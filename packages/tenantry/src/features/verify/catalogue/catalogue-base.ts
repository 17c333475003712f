// The common table expressions that every rule is written over: the instance's roles, the tenants' schemas, the
// relations with what the application may do to them, and the policies. PostgreSQL runs only those that a rule uses.
import { centralPolicy, enableRowSecurity, tenantPolicy } from '../../../engine/isolation/protection-plan.ts'
import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.ts'
import type { CatalogueOptions } from './check-catalogue.ts'

/** The base for an instance; to be put behind WITH RECURSIVE. */
export function catalogueBase({ roles, loginUser, sharedSchemas }: CatalogueOptions): string {
  const shared = sharedSchemas.map(quoteLiteral).join(', ')
  // Templates for format(): %1$s is the table, so that what a fix makes is what protect makes.
  const template = (statement: string) => quoteLiteral(statement.replace('%s', '%1$s'))
  return `
names as materialized (
  select a.oid as app, l.oid as login, u.oid as login_user, c.oid as central,
    quote_ident(a.rolname) as app_name, quote_ident(c.rolname) as central_name,
    array[0, a.oid, l.oid, u.oid]::oid[] as application, array[${shared}]::text[] as shared_schemas,
    'truncate, references, trigger' || case when current_setting('server_version_num')::int >= 170000 then ', maintain' else '' end as excess,
    ${template(enableRowSecurity('%s'))} as enable, ${template(tenantPolicy('%s', roles.app))} as tenant_policy,
    ${template(centralPolicy('%s', roles.central))} as central_policy,
    ${quoteLiteral(guardTemplate(roles.app))} as guard_policy
  from pg_roles a, pg_roles l, pg_roles u, pg_roles c
  where a.rolname = ${quoteLiteral(roles.app)} and l.rolname = ${quoteLiteral(roles.login)}
    and u.rolname = ${quoteLiteral(loginUser)} and c.rolname = ${quoteLiteral(roles.central)}
), tenant_schema as materialized (
  select n.oid, n.nspname::text as name, t.id as tenant_id,
    exists (select from tenantry.operation o where o.tenant_id = t.id and o.state = 'running') as is_changing
    from tenantry.tenant t join pg_namespace n on n.nspname = coalesce(t.archived_schema, t.schema_name)
   where t.isolation = 'schema' and t.status <> 'purged'
  union all
  -- The reference is guarded like a tenant's, for a tenant that is none. It has no ledger to be held against.
  select n.oid, n.nspname::text, '00000000-0000-0000-0000-000000000000'::uuid, true
    from tenantry.migration_reference r join pg_namespace n on n.nspname = 'tenantry_reference'
  union all
  -- So are schemas that are ready for a tenant, under the id that it will have.
  select n.oid, n.nspname::text, w.tenant_id, true
    from tenantry.warm_schema w join pg_namespace n on n.nspname = w.schema_name
), relation as materialized (
  select c.oid, c.relname::text, c.relkind, c.relrowsecurity and c.relforcerowsecurity as forced, c.reloptions, n.nspname::text as schema,
    format('%I.%I', n.nspname, c.relname) as name, t.tenant_id,
    case when pg_has_role(c.relowner, 'usage') then '' else format(' -- as %I, its owner', pg_get_userbyid(c.relowner)) end as owner_note,
    exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenantry_tenant') as is_protected,
    exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenantry_guard') as is_guarded,
    exists (select from pg_inherits i where i.inhrelid = c.oid) as is_child,
    exists (select from tenantry.global_table g where g.schema_name = n.nspname and g.table_name = c.relname) as is_global,
    exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') as of_extension,
    has_schema_privilege(names.app, n.oid, 'usage') and (has_table_privilege(names.app, c.oid, 'select, insert, update, delete')
      or has_any_column_privilege(names.app, c.oid, 'select, insert, update')) as is_reachable
  from names, pg_class c join pg_namespace n on n.oid = c.relnamespace left join tenant_schema t on t.oid = n.oid
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema', 'tenantry')
    and n.nspname not like 'pg\\_t%'
), policy as materialized (
  select p.polrelid, p.polname, p.polpermissive and p.polcmd = '*' as is_whole, p.polroles,
    pg_get_expr(p.polqual, p.polrelid) as using_text, pg_get_expr(coalesce(p.polwithcheck, p.polqual), p.polrelid) as check_text
  from pg_policy p where p.polname in ('tenantry_tenant', 'tenantry_guard', 'tenantry_central')
), callable as (
  select p.oid, p.prosecdef, p.proleakproof, p.proconfig, p.prolang, p.prorettype, p.proacl, p.proowner, n.nspname::text as schema,
    format('%s %s', case when p.prokind = 'p' then 'procedure' else 'function' end, p.oid::regprocedure) as name,
    has_function_privilege(names.app, p.oid, 'execute') as is_executable,
    exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0) as is_public,
    case when pg_has_role(p.proowner, 'usage') then '' else format(' -- as %I, its owner', pg_get_userbyid(p.proowner)) end as owner_note
  from names, pg_proc p join pg_namespace n on n.oid = p.pronamespace
)`
}

// %1$s is the table, %2$s the tenant.
function guardTemplate(app: string): string {
  const test = "((select tenantry.current_tenant_id()) = '%2$s'::uuid)"
  return `create policy tenantry_guard on %1$s to ${quoteIdentifier(app)} using ${test}`
}
