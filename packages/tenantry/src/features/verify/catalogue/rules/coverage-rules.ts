// Reach: whatever the application can name is under a policy, or on the list of what all tenants share on purpose.
import type { CatalogueRule } from '../catalogue-rule.ts'

const revokeAll = (relation: string) =>
  `format('revoke all on table %s from public, %s;', ${relation}.name, names.app_name) || ${relation}.owner_note`

// A partition or child is judged by its own policies when it is named itself, so it is a table like any other here.
const WAS_PROTECTED = `exists (select from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = r.oid and a.attname = 'tenant_id' and a.atttypid = 'uuid'::regtype and not a.attisdropped
      and (r.is_child or pg_get_expr(d.adbin, d.adrelid) = 'tenantry.claimed_tenant_id()'))`

export const coverageRules: readonly CatalogueRule[] = [
  {
    name: 'every reachable table is protected or global',
    unit: 'reachable tables',
    found: `select r.name as subject,
        not (r.relkind in ('r', 'p') and (r.is_protected or r.is_guarded or r.tenant_id is not null)) as bad,
        case when r.relkind = 'f' then ${revokeAll('r')}
          when ${WAS_PROTECTED} then format(names.enable || '; ' || names.tenant_policy || '; drop policy if exists tenantry_central on %1$s; '
            || names.central_policy || ';', r.name) || r.owner_note
          else format('Run tenantry protect %s, or, where all tenants are to share it, tenantry protect %1$s --global "<reason>".', r.name) end as fix
      from relation r, names
      where r.relkind in ('r', 'p', 'f') and r.is_reachable and not r.is_global and not r.of_extension`,
  },
  {
    name: 'no materialized view is open to the application',
    unit: 'materialized views',
    found: `select r.name as subject, ${revokeAll('r')} as fix, r.is_reachable and not r.is_global as bad
      from relation r, names where r.relkind = 'm' and not r.of_extension`,
  },
  {
    name: "views run with the caller's rights",
    unit: 'reachable views',
    found: `select r.name as subject, format('alter view %s set (security_invoker = true);', r.name) || r.owner_note as fix,
        not coalesce((select option_value::boolean from pg_options_to_table(r.reloptions) where option_name = 'security_invoker'), false) as bad
      from relation r where r.relkind = 'v' and r.is_reachable and not r.is_global and not r.of_extension`,
  },
  {
    // PUBLIC may read many of them (pg_stat_statements, spatial_ref_sys); which of them matter only the reader knows.
    name: 'relations of extensions are closed to the application',
    severity: 'warning',
    unit: 'relations of extensions',
    found: `select r.name as subject, ${revokeAll('r')} as fix, r.is_reachable and not r.is_global as bad
      from relation r, names where r.of_extension`,
  },
  {
    name: 'global tables exist',
    severity: 'warning',
    unit: 'global tables',
    found: `select format('%I.%I', g.schema_name, g.table_name) as subject,
        format('delete from tenantry.global_table where schema_name = %L and table_name = %L;', g.schema_name, g.table_name) as fix,
        not exists (select from relation r where r.schema = g.schema_name and r.relname = g.table_name) as bad
      from tenantry.global_table g`,
  },
  {
    name: 'global tables are read-only to the application',
    severity: 'warning',
    unit: 'global tables',
    found: `select r.name as subject, format('revoke insert, update, delete on %s from public, %s;', r.name, names.app_name) || r.owner_note as fix,
        r.is_reachable and (has_table_privilege(names.app, r.oid, 'insert, update, delete')
          or has_any_column_privilege(names.app, r.oid, 'insert, update')) as bad
      from relation r, names where r.is_global`,
  },
  {
    // Of two protected namesakes neither shows a foreign row, and an application with tenants of both isolations has them
    // everywhere. A global namesake is read and written in place of a tenant's own table wherever that one is missing.
    name: 'no table of a tenant schema hides a global one',
    severity: 'warning',
    unit: 'shared relations without a policy',
    found: `select s.name || coalesce((select ', in ' || count(*) || ' tenant schemas' from relation r
          where r.tenant_id is not null and r.relname = s.relname having count(*) > 0), '') as subject,
        format('Rename %s, or the table of that name in the tenants'' migrations.', s.name) as fix,
        exists (select from relation r where r.tenant_id is not null and r.relname = s.relname) as bad
      from relation s, names
      where s.schema = any (names.shared_schemas) and s.tenant_id is null and s.is_reachable and not s.is_protected`,
  },
]
