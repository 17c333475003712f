// What of the catalogue it takes to copy a tenant's rows: columns that can be written, keys, sequences and triggers.
import type { Sql } from '../../engine/sql/database.ts'
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
  readonly keys: readonly SplitKey[]
  readonly sequences: readonly { readonly column: string; readonly sequence: string }[]
}

/** A foreign key of a tenant's own table to another one of it. */
export interface SplitKey {
  readonly name: string
  readonly timing: string
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
        and d.deptype in ('a', 'i')) as sequences,
    (select coalesce(json_agg(json_build_object('name', k.conname, 'timing', case when not k.condeferrable then 'not deferrable'
         when k.condeferred then 'deferrable initially deferred' else 'deferrable initially immediate' end) order by k.conname), '[]')
       from pg_constraint k join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
      where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0
        and format('%I.%I', pn.nspname, p.relname) = any ($1)) as keys
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where format('%I.%I', n.nspname, c.relname) = any ($1) order by 1`

/** The tables of tenants, without the keys that the plan drops or that adoption added. */
export async function readSplitTables(sql: Sql, { plan }: Pick<PlanFacts, 'plan'>): Promise<readonly SplitTable[]> {
  const planned = new Map(plan.tables.filter(({ decision }) => decision === 'tenant').map((each) => [each.table, each]))
  const { rows } = await sql.query<SplitTable>(TABLES, [[...planned.keys()]])
  return rows.map((row) => {
    const kept = planned.get(row.table)?.keys.filter(({ decision }) => decision !== 'dropped') ?? []
    const names = new Set(kept.map(({ name }) => name))
    return { ...row, keys: row.keys.filter(({ name }) => names.has(name)) }
  })
}
