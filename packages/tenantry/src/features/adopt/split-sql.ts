// The statements that copy one tenant's rows into its schema, and those that compare both. Pure.
import { quoteIdentifier, quoteLiteral } from '../../kernel/identifiers.ts'
import type { KeyColumn } from './stages/adopt-facts.ts'
import type { SplitTable } from './split-tables.ts'

interface Place {
  readonly id: string
  readonly schema: string
}

const ownTable = ({ schema }: Place, { name }: SplitTable): string =>
  `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`

const listed = (columns: readonly string[], from = ''): string =>
  columns.map((column) => `${from}${quoteIdentifier(column)}`).join(', ')

const ofTenant = ({ id }: Place): string => `tenant_id = ${quoteLiteral(id)}::uuid`

/**
 * What has to go from the schema $1 while its rows come in batches, and what brings it back: keys between its own tables,
 * because they may go round, and triggers and rules, because they ran when the rows were written first.
 */
export const HINDRANCES = `
  select format('alter table %I.%I drop constraint %I', n.nspname, c.relname, k.conname) as remove,
      array[format('alter table %I.%I add constraint %I %s', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid))]
        || (select array_agg(format('comment on constraint %I on %I.%I is %L', k.conname, n.nspname, c.relname, d.text))
              from (select obj_description(k.oid, 'pg_constraint') as text) d where d.text is not null) as restore
    from pg_namespace n join pg_class c on c.relnamespace = n.oid join pg_constraint k on k.conrelid = c.oid
    join pg_class p on p.oid = k.confrelid and p.relnamespace = n.oid
   where n.nspname = $1 and k.contype = 'f' and k.conparentid = 0
  union all
  select format('alter table only %I.%I disable trigger %I', n.nspname, c.relname, t.tgname),
      array[format('alter table only %I.%I %s trigger %I', n.nspname, c.relname,
        case t.tgenabled when 'O' then 'enable' when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, t.tgname)]
    from pg_namespace n join pg_class c on c.relnamespace = n.oid join pg_trigger t on t.tgrelid = c.oid
   where n.nspname = $1 and not t.tgisinternal
  union all
  select format('alter table %I.%I disable rule %I', n.nspname, c.relname, r.rulename),
      array[format('alter table %I.%I %s rule %I', n.nspname, c.relname,
        case r.ev_enabled when 'O' then 'enable' when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, r.rulename)]
    from pg_namespace n join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p') join pg_rewrite r on r.ev_class = c.oid
   where n.nspname = $1
  order by 1`

/** One batch of a table: where it begins, behind which key or block, and how many rows it has at most. */
export interface SplitBatch {
  readonly part: string
  readonly after: readonly string[] | null
  readonly size: number
}

/** Copies a batch; its one row says how many rows it had and the last key. Parameters: $1, the key before, if there is one. */
export function copyAlongKey(tenant: Place, table: SplitTable, { after, size }: SplitBatch): string {
  const key = table.primaryKey.map(({ name }) => quoteIdentifier(name))
  const behind = after === null ? '' : ` and (${key.join(', ')}) > (${bound(table.primaryKey)})`
  const written = listed(table.written)
  return `
    with batch as materialized (select ${listed(table.columns)} from ${table.table}
      where ${ofTenant(tenant)}${behind} order by ${key.join(', ')} limit ${size}),
    copied as (insert into ${ownTable(tenant, table)} (${written}) overriding system value select ${written} from batch)
    select array[${key.map((column) => `${column}::text`).join(', ')}] as last, (select count(*) from batch)::int as rows
      from batch order by ${key.map((column) => `${column} desc`).join(', ')} limit 1`
}

const bound = (key: readonly KeyColumn[]): string =>
  key.map(({ type }, at) => `($1::text[])[${at + 1}]::${type}`).join(', ')

/** Copies the rows of some blocks. Parameters: $1, the block before the first, and $2, the last one. */
export function copyBlocks(tenant: Place, table: SplitTable, { part }: SplitBatch): string {
  const written = listed(table.written)
  return `insert into ${ownTable(tenant, table)} (${written}) overriding system value select ${written} from ${part} r
    where ${ofTenant(tenant)} and r.ctid >= format('(%s,0)', $1::bigint)::tid and r.ctid < format('(%s,0)', $2::bigint)::tid`
}

/** Sequences go on where those of before are. */
export function sequenceStatements(tenant: Place, table: SplitTable): readonly string[] {
  return table.sequences.map((each) => {
    const own = `pg_catalog.pg_get_serial_sequence(${quoteLiteral(ownTable(tenant, table))}, ${quoteLiteral(each.column)})`
    return `select pg_catalog.setval(${own}, s.last_value, s.is_called) from ${each.sequence} s`
  })
}

/** A row for each table: whether the tenant's rows of before and its own are the same in number and in checksum. */
export function compareStatement(tenant: Place, tables: readonly SplitTable[]): string {
  return tables
    .map((table) => {
      const sum = `row(count(*), coalesce(sum(pg_catalog.hashtextextended(row(${listed(table.columns, 'r.')})::text, 0)), 0))::text`
      const before = `(select ${sum} from ${table.table} r where ${ofTenant(tenant)})`
      return `select ${quoteLiteral(table.table)} as table, ${before} = (select ${sum} from ${ownTable(tenant, table)} r) as same`
    })
    .join(' union all ')
}

/** Keeps everybody from writing a tenant's own tables until the transaction ends. */
export const lockStatement = (tenant: Place, tables: readonly SplitTable[]): string =>
  `lock table ${tables.map((table) => ownTable(tenant, table)).join(', ')} in access exclusive mode`

/** How many rows of a table belong to none of the tenants $1. */
export function leftStatement({ table }: SplitTable): string {
  return `select count(*)::float8 as left from ${table} where tenant_id is null or tenant_id <> all ($1::uuid[])`
}
