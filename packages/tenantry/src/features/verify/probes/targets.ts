// What there is to attack, as the catalogue has it: every table with a tenant column or our policy that the application
// may use, the tables of schema tenants, and the views and definer functions in front of them.
import type { Sql } from '../../../engine/sql/database.ts'
import { TENANT_COLUMN, TENANT_POLICY } from '../../../engine/isolation/table-facts.ts'

export interface TargetColumn {
  readonly name: string
  /** As format_type gives it. */
  readonly type: string
  /** pg_type.typcategory of it, or of a domain's base type. */
  readonly category: string
  readonly notNull: boolean
  /** A default, an identity or a generation expression. */
  readonly filled: boolean
  readonly generated: boolean
  readonly enumLabel: string | null
  /** Longest value of char(n) and varchar(n). */
  readonly length: number | null
  /** The quoted literals in check constraints on this column alone. */
  readonly literals: readonly string[]
  readonly checked: boolean
}

export interface TargetKey {
  readonly columns: readonly string[]
  /** Quoted, schema-qualified. */
  readonly parent: string
  readonly parentColumns: readonly string[]
}

export interface TargetTable {
  /** Quoted, schema-qualified. */
  readonly name: string
  readonly schema: string
  readonly columns: readonly TargetColumn[]
  readonly primaryKey: readonly string[]
  readonly foreignKeys: readonly TargetKey[]
  readonly hasTenantColumn: boolean
  readonly oid: string
  /** Quoted name of what it is a partition or child of. */
  readonly parent: string | null
}

export interface SchemaTenant {
  readonly id: string
  readonly schemaName: string
}

const COLUMNS = `
  coalesce((select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
      'category', t.typcategory, 'notNull', a.attnotnull or t.typnotnull,
      'filled', a.atthasdef or a.attidentity <> '', 'generated', a.attgenerated <> '',
      'enumLabel', (select e.enumlabel from pg_enum e where e.enumtypid = coalesce(nullif(t.typbasetype, 0), t.oid)
        order by e.enumsortorder limit 1),
      'length', case when t.oid in (1042, 1043) and a.atttypmod > 4 then a.atttypmod - 4
        when t.typbasetype in (1042, 1043) and t.typtypmod > 4 then t.typtypmod - 4 end,
      'literals', coalesce((select json_agg(l.found[1])
        from (select k.oid from pg_constraint k where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum]
          union all select k.oid from pg_constraint k where k.contypid = t.oid and t.typtype = 'd' and k.contype = 'c') k,
        regexp_matches(pg_get_constraintdef(k.oid), '''([^'']*)''', 'g') l (found)), '[]'),
      'checked', exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'c'
        and a.attnum = any (k.conkey)) or (t.typtype = 'd' and exists (select from pg_constraint k
        where k.contypid = t.oid and k.contype = 'c'))) order by a.attnum)
    from pg_attribute a join pg_type t on t.oid = a.atttypid
   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]')`

const KEYS = `
  coalesce((select json_agg(a.attname order by k.ord) from pg_index i,
      unnest(i.indkey::int2[]) with ordinality k(attnum, ord), pg_attribute a
    where i.indrelid = c.oid and i.indisprimary and k.ord <= i.indnkeyatts and a.attrelid = c.oid
      and a.attnum = k.attnum), '[]')`

const FOREIGN_KEYS = `
  coalesce((select json_agg(json_build_object('parent', format('%I.%I', pn.nspname, p.relname),
      'columns', (select json_agg(a.attname order by x.ord) from unnest(k.conkey) with ordinality x(n, ord)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = x.n),
      'parentColumns', (select json_agg(a.attname order by x.ord) from unnest(k.confkey) with ordinality x(n, ord)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = x.n)))
    from pg_constraint k join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
   where k.contype = 'f' and k.conrelid = c.oid), '[]')`

const TABLE = `select format('%I.%I', n.nspname, c.relname) as name, n.nspname::text as schema, c.oid::text as oid,
    (select format('%I.%I', pn.nspname, p.relname) from pg_inherits i join pg_class p on p.oid = i.inhparent
       join pg_namespace pn on pn.oid = p.relnamespace where i.inhrelid = c.oid limit 1) as parent,
    ${COLUMNS} as columns, ${KEYS} as "primaryKey", ${FOREIGN_KEYS} as "foreignKeys",
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = '${TENANT_COLUMN}'
      and a.atttypid = 'uuid'::regtype and not a.attisdropped) as "hasTenantColumn"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace`

// Judged by its column and by who may reach it, not by whether it is protected: that is what is to be found out.
const REACHABLE = `
  has_table_privilege($1::name, c.oid, 'select, insert, update, delete, truncate')
  or has_any_column_privilege($1::name, c.oid, 'select, insert, update')`

const SHARED_TABLES = `${TABLE}
 where c.relkind in ('r', 'p') and n.nspname not in ('tenantry', 'tenantry_reference', 'information_schema') and n.nspname !~ '^pg_'
   and not exists (select from tenantry.tenant t where t.isolation = 'schema' and t.schema_name = n.nspname::text)
   and not exists (select from tenantry.warm_schema w where w.schema_name = n.nspname::text)
   and (exists (select from pg_policy p where p.polrelid = c.oid and p.polname = '${TENANT_POLICY}')
     or (exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = '${TENANT_COLUMN}'
           and a.atttypid = 'uuid'::regtype and not a.attisdropped) and (${REACHABLE})))
 order by 1`

const TABLES_OF = `${TABLE}
 where c.relkind in ('r', 'p') and n.nspname::text = any ($1::text[]) order by 1`

/** The shared tables that belong to tenants, partitions and children included. */
export async function readSharedTables(sql: Sql, appRole: string): Promise<readonly TargetTable[]> {
  return (await sql.query<TargetTable>(SHARED_TABLES, [appRole])).rows
}

/** The tables of these schemas. */
export async function readSchemaTables(sql: Sql, schemas: readonly string[]): Promise<readonly TargetTable[]> {
  return schemas.length === 0 ? [] : (await sql.query<TargetTable>(TABLES_OF, [schemas])).rows
}

/** Schema tenants that have their schema; those on their way out are left alone. */
export async function readSchemaTenants(sql: Sql): Promise<readonly SchemaTenant[]> {
  const { rows } = await sql.query<SchemaTenant>(
    `select t.id, t.schema_name as "schemaName" from tenantry.tenant t join pg_namespace n on n.nspname::text = t.schema_name
      where t.isolation = 'schema' and t.provisioned_at is not null and t.status in ('active', 'suspended', 'inactive')
      order by t.id`,
  )
  return rows
}

/** Names of all tables of schema tenants, for the read that goes over every one of them. */
export async function readAllSchemaTableNames(sql: Sql): Promise<readonly string[]> {
  const { rows } = await sql.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
       from tenantry.tenant t join pg_namespace n on n.nspname::text = t.schema_name
       join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
      where t.isolation = 'schema' and t.provisioned_at is not null and t.status in ('active', 'suspended', 'inactive')
      order by 1`,
  )
  return rows.map(({ name }) => name)
}
