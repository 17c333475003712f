// Columns, indexes and keys of the protected shared tables. Referential and unique checks ignore row-level security, so
// what they compare has to carry the tenant itself.
import { TENANT_COLUMN } from '../../../../engine/isolation/table-facts.ts'
import type { CatalogueRule } from '../catalogue-rule.ts'

const columnsOf = (relation: string, numbers: string) =>
  `(select string_agg(quote_ident(a.attname), ', ' order by k.ord) from unnest(${numbers}) with ordinality k(attnum, ord)
      join pg_attribute a on a.attrelid = ${relation} and a.attnum = k.attnum)`

export const keyRules: readonly CatalogueRule[] = [
  {
    name: 'tenant_id is a uuid, not null, with its default',
    unit: 'shared tables',
    found: `select r.name as subject, a.atttypid is distinct from 'uuid'::regtype or not a.attnotnull or not has_default as bad,
        case when a.atttypid is distinct from 'uuid'::regtype then format('Give %s a column ${TENANT_COLUMN} of type uuid, then run tenantry protect %1$s.', r.name)
          else format('alter table %s alter column ${TENANT_COLUMN} set default tenantry.claimed_tenant_id(), alter column ${TENANT_COLUMN} set not null;', r.name)
            || r.owner_note end as fix
      from relation r left join pg_attribute a on a.attrelid = r.oid and a.attname = '${TENANT_COLUMN}' and not a.attisdropped
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum,
        lateral (select r.is_child or coalesce(pg_get_expr(d.adbin, d.adrelid) = 'tenantry.claimed_tenant_id()', false) as has_default) x
      where r.is_protected and r.tenant_id is null`,
  },
  {
    name: 'an index starts with tenant_id',
    unit: 'shared tables',
    found: `select r.name as subject, format('create index on %s (${TENANT_COLUMN});', r.name) || r.owner_note as fix,
        not exists (select from pg_index i join pg_attribute a on a.attrelid = r.oid and a.attnum = i.indkey[0]
          where i.indrelid = r.oid and i.indisvalid and i.indpred is null and a.attname = '${TENANT_COLUMN}') as bad
      from relation r where r.is_protected and r.tenant_id is null and not r.is_child`,
  },
  {
    // A violation tells that another tenant has the value. Keys that the database fills (identity, a default) tell nothing
    // that is worth knowing, and protect keeps a table's keys as they are: the reader decides.
    name: 'unique keys contain tenant_id',
    severity: 'warning',
    unit: 'unique keys of shared tables',
    found: `select format('%I on %s', ic.relname, r.name) as subject,
        format('Make it unique over (tenant_id, %s), unless its values may be known to every tenant.', ${columnsOf('r.oid', 'i.indkey::int2[]')}) as fix,
        not exists (select from pg_attribute a where a.attrelid = r.oid and a.attnum = any (i.indkey::int2[])
          and (a.attname = '${TENANT_COLUMN}' or a.attidentity <> '' or a.atthasdef and a.attgenerated = '')) as bad
      from relation r join pg_index i on i.indrelid = r.oid and i.indisunique join pg_class ic on ic.oid = i.indexrelid
      where r.is_protected and r.tenant_id is null and not r.is_child`,
  },
  {
    // Whoever can write the referring row learns which rows there are, and a tenant's delete reaches it.
    name: 'only protected tables refer to protected tables',
    severity: 'warning',
    unit: 'foreign keys to protected tables',
    found: `select format('%I on %s', k.conname, c.name) as subject,
        format('Protect %s too, or drop the foreign key: alter table %1$s drop constraint %I.', c.name, k.conname) as fix,
        not c.is_protected as bad
      from pg_constraint k join relation c on c.oid = k.conrelid join relation p on p.oid = k.confrelid
      where k.contype = 'f' and k.conparentid = 0 and p.is_protected and p.tenant_id is null`,
  },
  {
    name: "foreign keys stay inside the tenant's schema",
    unit: 'foreign keys of tenant schemas',
    found: `select format('%I on %s', k.conname, c.name) as subject, p.tenant_id is not null and p.tenant_id is distinct from c.tenant_id as bad,
        format('alter table %s drop constraint %I;', c.name, k.conname) || c.owner_note as fix
      from pg_constraint k join relation c on c.oid = k.conrelid join relation p on p.oid = k.confrelid
      where k.contype = 'f' and k.conparentid = 0 and (c.tenant_id is not null or p.tenant_id is not null)`,
  },
]
