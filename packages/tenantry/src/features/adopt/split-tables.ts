// What of the catalogue it takes to copy a tenant's rows: columns that can be written, keys to walk along, and sequences.
import type { Sql } from '../../engine/sql/database.ts'
import type { KeyColumn } from './stages/adopt-facts.ts'
import type { PlanFacts } from './stages/context.ts'

export interface SplitTable {
  /** Of the original, fit for SQL. */
  readonly table: string
  /** Bare. */
  readonly name: string
  /** Of before: without the tenant's. */
  readonly columns: readonly string[]
  /** Those of them that are not generated. */
  readonly written: readonly string[]
  readonly primaryKey: readonly KeyColumn[]
  /** What is walked: the table itself along its primary key; block by block, each partition by itself, without one. */
  readonly parts: readonly string[]
  readonly sequences: readonly { readonly column: string; readonly sequence: string }[]
}

const TABLES = `
  select format('%I.%I', n.nspname, c.relname) as table, c.relname::text as name,
    (select json_agg(a.attname order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
       and not a.attisdropped and a.attname <> 'tenant_id') as columns,
    (select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
       and not a.attisdropped and a.attname <> 'tenant_id' and a.attgenerated = '') as written,
    (select coalesce(json_agg(json_build_object('column', a.attname, 'sequence', format('%I.%I', sn.nspname, s.relname))
         order by a.attnum), '[]')
       from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S' join pg_namespace sn on sn.oid = s.relnamespace
       join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
      where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
        and d.deptype in ('a', 'i')) as sequences
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where format('%I.%I', n.nspname, c.relname) = any ($1) order by 1`

/** The tables of tenants. */
export async function readSplitTables(sql: Sql, facts: PlanFacts): Promise<readonly SplitTable[]> {
  const names = facts.tables.map(({ table }) => table)
  const { rows } = await sql.query<Omit<SplitTable, 'primaryKey' | 'parts'>>(TABLES, [names])
  return rows.map((row) => {
    const { primaryKey, leaves } = facts.factsOf(row.table)
    return { ...row, primaryKey, parts: primaryKey.length > 0 ? [row.table] : leaves.map(({ name }) => name) }
  })
}
