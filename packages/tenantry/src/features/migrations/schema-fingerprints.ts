// Fingerprints of tenant schemas.
import type { GuardedSchema } from '../../engine/catalogue/catalogue.ts'
import type { Sql } from '../../engine/sql/database.ts'

// One line an object; the schema's name and the tenant's id are written as placeholders.
const selectFingerprints = `
select s.name, md5(coalesce(string_agg(line, chr(10) order by line collate "C"), '')) as fingerprint
from unnest($1::text[], $2::text[]) as s (name, tenant_id)
join pg_namespace n on n.nspname = s.name
left join lateral (
  select format('schema %s', n.nspacl) as line
  union all
  select format('%s %s %s %s %s', c.relkind, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relacl)
    from pg_class c where c.relnamespace = n.oid
  union all
  select format('column %s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
      replace(pg_get_expr(d.adbin, d.adrelid), quote_ident(s.name) || '.', ''))
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
   where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v')
  union all
  select format('policy %s.%s %s %s %s %s', c.relname, p.polname, p.polcmd, p.polroles,
      replace(pg_get_expr(p.polqual, c.oid), s.tenant_id, ''), replace(pg_get_expr(p.polwithcheck, c.oid), s.tenant_id, ''))
    from pg_class c join pg_policy p on p.polrelid = c.oid where c.relnamespace = n.oid
  union all
  select format('constraint %s %s %s', c.relname, k.conname, replace(pg_get_constraintdef(k.oid), quote_ident(s.name) || '.', ''))
    from pg_class c join pg_constraint k on k.conrelid = c.oid where c.relnamespace = n.oid and k.contype <> 'n'
) lines on true
group by s.name`

/** The fingerprint of each schema that is there. */
export async function fingerprintsOf(
  sql: Sql,
  schemas: readonly GuardedSchema[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql.query<{ name: string; fingerprint: string }>(selectFingerprints, [
    schemas.map(({ name }) => name),
    schemas.map(({ tenantId }) => tenantId),
  ])
  return new Map(rows.map(({ name, fingerprint }) => [name, fingerprint]))
}
