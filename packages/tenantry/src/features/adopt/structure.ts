// What of a schema's tables has to stay as it is while a plan is applied: what adoption itself adds is left out.
import { createHash } from 'node:crypto'
import type { Sql } from '../../engine/sql/database.ts'

const columnNames = (relation: string, numbers: string) =>
  `(select string_agg(a.attname, ',' order by x.ord) from unnest(${numbers}) with ordinality x(n, ord)
      join pg_attribute a on a.attrelid = ${relation} and a.attnum = x.n and a.attname <> 'tenant_id')`

const STRUCTURE = `
  select json_build_array(c.relname, c.relkind,
    (select json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
        pg_get_expr(d.adbin, d.adrelid)) order by a.attnum)
       from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attname <> 'tenant_id'),
    -- Both forms of a foreign key, with the tenant and without, read the same.
    (select json_agg(distinct k.columns || ' ' || k.target) from (
        select ${columnNames('f.conrelid', 'f.conkey')} as columns,
          f.confrelid::regclass || ' ' || ${columnNames('f.confrelid', 'f.confkey')} || f.confdeltype::text || f.confupdtype::text as target
          from pg_constraint f where f.conrelid = c.oid and f.contype = 'f' and f.conparentid = 0) k),
    (select json_agg(pg_get_constraintdef(k.oid) order by k.conname) from pg_constraint k
      where k.conrelid = c.oid and k.contype in ('p', 'u', 'c', 'x') and k.conname not like 'tenantry\\_%'
        and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnum = any (k.conkey))),
    (select json_agg(t.tgname order by t.tgname) from pg_trigger t
      where t.tgrelid = c.oid and not t.tgisinternal and t.tgname not like '%tenantry\\_adopt\\_%')) as part
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence = 'p'
 order by c.relname`

/** A fingerprint that stays the same throughout the stages, and differs where somebody else changed a table. */
export async function readStructure(sql: Sql, schema: string): Promise<string> {
  const { rows } = await sql.query<{ part: unknown }>(STRUCTURE, [schema])
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex')
}
