// Whether the registry and the catalogue tell the same story.
import type { CatalogueRule } from '../catalogue-rule.ts'

export const driftRules: readonly CatalogueRule[] = [
  {
    // A running operation may be between making or dropping the schema and writing that down.
    name: 'every schema tenant has its schema',
    unit: 'schema tenants',
    found: `select coalesce(t.archived_schema, t.schema_name) as subject,
        'Restore the schema from a backup, or delete and purge the tenant.' as fix,
        not exists (select from tenant_schema s where s.tenant_id = t.id) as bad
      from tenantry.tenant t
      where t.isolation = 'schema' and t.provisioned_at is not null and t.status <> 'purged'
        and not exists (select from tenantry.operation o where o.tenant_id = t.id and o.state = 'running')`,
  },
  {
    name: 'every guarded schema belongs to a tenant',
    unit: 'guarded schemas',
    found: `select r.schema as subject, 'Give the schema back to its tenant, or drop it once nobody misses it.' as fix,
        bool_or(r.tenant_id is null) as bad
      from relation r where r.is_guarded group by r.schema`,
  },
  {
    // The ledger does not say which tables a file makes, so schemas are held against each other: what at least half of
    // those with the same applied files have, all have. Partitions come and go with time and are left out.
    name: 'tenant schemas have the tables of their migrations',
    unit: 'tables of tenant schemas',
    found: `select format('%I.%I', s.name, e.relname) as subject, r.oid is null as bad,
        'Restore the table from a backup, or run what its migration says of it, then migrate the tenant again.' as fix
      from (select s.oid, s.name, coalesce((select string_agg(m.name || m.checksum, ',' order by m.name)
                from tenantry.migration m where m.tenant_id = s.tenant_id), '') as files from tenant_schema s where not s.is_changing) s
      join (select l.files, c.relname, count(*) * 2 >= max(l.members) as is_common
              from (select s.oid, s.files, count(*) over (partition by s.files) as members
                      from (select s.oid, coalesce((select string_agg(m.name || m.checksum, ',' order by m.name)
                               from tenantry.migration m where m.tenant_id = s.tenant_id), '') as files from tenant_schema s where not s.is_changing) s) l
              join pg_class c on c.relnamespace = l.oid and c.relkind in ('r', 'p') and not c.relispartition
             group by l.files, c.relname) e on e.files = s.files and e.is_common
      left join pg_class r on r.relnamespace = s.oid and r.relname = e.relname and r.relkind in ('r', 'p')`,
  },
  {
    name: 'migration version agrees with the ledger',
    unit: 'tenants',
    found: `select t.slug as subject, t.migration_version <> coalesce(m.files, 0) as bad,
        format('update tenantry.tenant set migration_version = %s, version = version + 1 where id = %L;', coalesce(m.files, 0), t.id) as fix
      from tenantry.tenant t left join (select tenant_id, count(*)::int as files from tenantry.migration group by tenant_id) m
        on m.tenant_id = t.id
      where t.provisioned_at is not null and t.status <> 'purged'
        and not exists (select from tenantry.operation o where o.tenant_id = t.id and o.state = 'running')`,
  },
]
