// Tables and views that the application's role can reach and that no policy of Tenantry covers, from the catalogue.
import type { Sql } from '../engine/sql/database.ts'

export interface ReachableRelation {
  /** Quoted, schema-qualified. */
  readonly name: string
  readonly reason: string
}

// Permissive policies are joined by OR, so one that asks for no tenant opens the table however good the others are.
const UNCOVERED = `
  with app as (select r.oid, r.rolname from pg_roles r, tenantry.instance i where r.rolname = 'tn_' || i.id || '_app'),
  reachable as (
    select c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) as name, c.relrowsecurity, c.relforcerowsecurity,
           c.reloptions, app.oid as app, n.nspname = 'tenantry' as is_ours
      from app, pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
       and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
       and has_schema_privilege(app.oid, n.oid, 'usage')
       and (has_any_column_privilege(app.oid, c.oid, 'select, insert, update') or has_table_privilege(app.oid, c.oid, 'delete, truncate'))),
  judged as (
    select name, case
      when relkind = 'm' then 'is a materialized view, which no policy covers'
      when relkind = 'f' then 'is a foreign table, which no policy covers'
      when relkind = 'v' then case when coalesce((select o.option_value::boolean from pg_options_to_table(reloptions) o
          where o.option_name = 'security_invoker'), false) then null else 'is a view that runs with its owner''s rights' end
      when not relrowsecurity then 'has row security disabled'
      -- The control plane is the owner of its tables, and works on those of all tenants.
      when not relforcerowsecurity and not is_ours then 'does not force row security on its owner'
      when not exists (select from pg_policy p where p.polrelid = reachable.oid and p.polpermissive
          and p.polroles && array[0, app]) then 'has no policy for the application'
      when exists (select from pg_policy p where p.polrelid = reachable.oid and p.polpermissive and p.polroles && array[0, app]
          and coalesce(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) !~ case
            -- What our own tables ask for beside it is found from the verified tenant.
            when is_ours then 'tenantry\\.current_(tenant_id|organization_id|team_ids)\\(\\)'
            else 'tenantry\\.current_tenant_id\\(\\)' end)
        then 'has a policy that does not ask for the tenant'
      when has_table_privilege(app, oid, 'truncate') then 'may be truncated, which no policy covers'
      end as reason
    from reachable)
  select name, reason from judged where reason is not null order by name`

/** What the application's role can reach without a policy; empty where all is covered. */
export async function readUncovered(
  central: Sql,
  globalTables: readonly string[] = [],
): Promise<readonly ReachableRelation[]> {
  const { rows } = await central.query<ReachableRelation>(UNCOVERED)
  const known = new Set(globalTables.map((name) => (name.includes('.') ? name : `public.${name}`)))
  return rows.filter(({ name }) => !known.has(name))
}
