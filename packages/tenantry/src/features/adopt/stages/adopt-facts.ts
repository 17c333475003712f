// What the catalogue says of a table that is to be adopted, as far as its stages need it.
import type { Sql } from '../../../engine/sql/database.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { AdoptPlan, PathStep } from '../plan.ts'
import { stepKey } from './tenant-source.ts'

export interface KeyColumn {
  readonly name: string
  readonly type: string
}

/** A table, or a partition that holds rows. */
export interface Leaf {
  /** Quoted, schema-qualified. */
  readonly name: string
  readonly relation: string
  readonly schema: string
}

export interface AdoptFacts {
  /** `schema.table`, as in the plan. */
  readonly table: string
  readonly oid: number
  readonly schema: string
  readonly relation: string
  readonly partitioned: boolean
  /** The columns of before, without the tenant's. */
  readonly columns: readonly string[]
  readonly primaryKey: readonly KeyColumn[]
  /** Partitions that hold rows; the table itself where it has none. */
  readonly leaves: readonly Leaf[]
  readonly hasTenantColumn: boolean
  readonly tenantNotNull: boolean
  readonly hasHeirs: boolean
  /** Triggers of the application that fire when a row is only given its tenant. */
  readonly updateTriggers: readonly { readonly name: string; readonly always: boolean }[]
}

const FACTS = `
  select format('%I.%I', n.nspname, c.relname) as "table", c.oid::int8::float8 as oid, n.nspname::text as schema, c.relname::text as relation,
    c.relkind = 'p' as partitioned,
    (select json_agg(a.attname order by a.attnum) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attname <> 'tenant_id') as columns,
    coalesce((select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by k.ord)
       from pg_index i, unnest(i.indkey::int2[]) with ordinality k(attnum, ord), pg_attribute a
      where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.attnum), '[]') as "primaryKey",
    coalesce((select json_agg(json_build_object('name', format('%I.%I', ln.nspname, l.relname), 'relation', l.relname,
          'schema', ln.nspname) order by l.oid)
       from pg_partition_tree(c.oid) p join pg_class l on l.oid = p.relid join pg_namespace ln on ln.oid = l.relnamespace
      where p.isleaf and l.relkind = 'r' and c.relkind = 'p'), '[]') as leaves,
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as "hasTenantColumn",
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull) as "tenantNotNull",
    c.relkind = 'r' and (exists (select from pg_inherits i where i.inhparent = c.oid)
      or exists (select from pg_inherits i where i.inhrelid = c.oid)) as "hasHeirs",
    coalesce((select json_agg(json_build_object('name', t.tgname, 'always', t.tgenabled = 'A') order by t.tgname) from pg_trigger t
      where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled in ('O', 'A') and (t.tgtype & 16) <> 0
        and cardinality(t.tgattr::int2[]) = 0 and t.tgname not like 'tenantry\\_adopt\\_%' and t.tgname not like '00\\_tenantry\\_adopt\\_%'),
      '[]') as "updateTriggers"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1) and c.relkind in ('r', 'p')`

/** Reads the facts of one table. Throws TABLE_NOT_FOUND. */
export async function readAdoptFacts(sql: Sql, table: string): Promise<AdoptFacts> {
  const { rows } = await sql.query<AdoptFacts>(FACTS, [table]).catch(refuseName)
  const facts = rows[0]
  if (facts === undefined) throw new TenantryError('TABLE_NOT_FOUND', `There is no table ${table}.`)
  // Names go into statements as they are, so they have to be what PostgreSQL itself would write.
  if (facts.table !== table) throw new TenantryError('PLAN_INVALID', `The plan names ${facts.table} in another way.`)
  const itself = { name: table, relation: facts.relation, schema: facts.schema }
  return facts.partitioned ? facts : { ...facts, leaves: [itself] }
}

function refuseName(cause: unknown): never {
  throw new TenantryError('PLAN_INVALID', 'A table name of the plan cannot be read.', { cause })
}

/** The steps whose target columns are unique, as `stepKey` writes them. Throws TABLE_NOT_FOUND, PLAN_INVALID. */
export async function readUniqueSteps(sql: Sql, plan: AdoptPlan): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const step of new Map(plan.tables.flatMap(({ path }) => path).map((each) => [stepKey(each), each])).values()) {
    if (await isUnique(sql, step)) found.add(stepKey(step))
  }
  return found
}

async function isUnique(sql: Sql, { table, references }: PathStep): Promise<boolean> {
  const { rows } = await sql.query<{ name: string; found: boolean; known: number }>(
    `select format('%I.%I', n.nspname, c.relname) as name, exists (select from pg_index i where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null
        and i.indnkeyatts <= cardinality($2::text[]) and not exists (select from unnest(i.indkey::int2[]) with ordinality k(n, ord)
          where k.ord <= i.indnkeyatts and (k.n = 0 or (select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum = k.n)
            <> all ($2::text[])))) as found,
      (select count(*)::int from pg_attribute a where a.attrelid = c.oid and not a.attisdropped and a.attname = any ($2::text[])) as known
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)`,
    [table, references],
  )
  const row = rows[0]
  if (row === undefined) throw new TenantryError('TABLE_NOT_FOUND', `There is no table ${table}.`)
  if (row.known < references.length || row.name !== table) {
    throw new TenantryError('PLAN_INVALID', `A path of the plan names what ${row.name} does not have.`)
  }
  return row.found
}
