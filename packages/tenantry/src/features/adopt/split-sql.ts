// The statements that copy one tenant's rows into its schema, and those that compare both. Pure.
import { quoteIdentifier, quoteLiteral } from '../../kernel/identifiers.ts'
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
 * Copies all rows of a tenant, to be run in one transaction. Keys of the tenant's own tables wait for its end, so that
 * tables whose keys go round can be filled; triggers of the application stay silent, because they ran when the row was
 * written first. Sequences go on where those of before are.
 */
export function copyStatements(tenant: Place, tables: readonly SplitTable[]): readonly string[] {
  const keys = tables.flatMap((table) => table.keys.map((key) => ({ table: ownTable(tenant, table), ...key })))
  const alter = (each: (typeof keys)[number], timing: string) =>
    `alter table ${each.table} alter constraint ${quoteIdentifier(each.name)} ${timing}`
  const triggers = (verb: string) =>
    tables.map((table) => `alter table ${ownTable(tenant, table)} ${verb} trigger user`)
  return [
    ...triggers('disable'),
    ...keys.map((key) => alter(key, 'deferrable initially deferred')),
    ...tables.map((table) => copyStatement(tenant, table)),
    'set constraints all immediate',
    ...keys.map((key) => alter(key, key.timing)),
    ...triggers('enable'),
    ...tables.flatMap((table) => table.sequences.map((each) => sequenceStatement(tenant, table, each))),
  ]
}

function copyStatement(tenant: Place, table: SplitTable): string {
  const columns = listed(table.written)
  return `insert into ${ownTable(tenant, table)} (${columns}) overriding system value select ${columns} from ${table.table} where ${ofTenant(tenant)}`
}

function sequenceStatement(tenant: Place, table: SplitTable, each: SplitTable['sequences'][number]): string {
  const own = `pg_catalog.pg_get_serial_sequence(${quoteLiteral(ownTable(tenant, table))}, ${quoteLiteral(each.column)})`
  return `select pg_catalog.setval(${own}, s.last_value, s.is_called) from ${each.sequence} s`
}

/** Takes all rows of a tenant's tables away, before they are copied once more. */
export function emptyStatement(tenant: Place, tables: readonly SplitTable[]): string {
  return `truncate ${tables.map((table) => ownTable(tenant, table)).join(', ')}`
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

/** How many rows of a table belong to none of the tenants $1. */
export function leftStatement({ table }: SplitTable): string {
  return `select count(*)::float8 as left from ${table} where tenant_id is null or tenant_id <> all ($1::uuid[])`
}
