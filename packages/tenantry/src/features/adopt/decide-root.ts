// Where tenants come from: what was named as the root, looked up in the database. Pure.
import { TenantryError } from '../../kernel/errors.ts'
import { isValidSlug } from '../../kernel/identifiers.ts'
import { tableNamed } from './decide-answers.ts'
import type { InspectedTable } from './inspected.ts'
import type { AdoptRoot } from './plan.ts'

/** What a person names; exactly one of them. */
export interface RootRequest {
  readonly table?: string | undefined
  readonly column?: string | undefined
  /** The slug of the one tenant that everything belongs to. */
  readonly default?: string | undefined
  /** Columns of the root table that make slug and name. Default: found by their names. */
  readonly slugFrom?: readonly string[] | undefined
  readonly nameFrom?: readonly string[] | undefined
}

/** The root. Throws INVALID_INPUT, TABLE_NOT_FOUND, SLUG_INVALID, and PLAN_INVALID for a root that cannot be one. */
export function decideRoot(tables: readonly InspectedTable[], request: RootRequest): AdoptRoot {
  const given = [request.table, request.column, request.default].filter((each) => each !== undefined)
  if (given.length !== 1) {
    throw new TenantryError('INVALID_INPUT', 'A plan needs one root: a table, a column, or one default tenant.', {
      fix: 'Name it with --root, --column or --default.',
    })
  }
  if (request.default !== undefined) {
    if (!isValidSlug(request.default))
      throw new TenantryError('SLUG_INVALID', 'The slug is not a valid one.', { field: 'default' })
    return { kind: 'default', slug: request.default, name: request.default }
  }
  if (request.table !== undefined) return tableRoot(tableNamed(tables, request.table), request)
  return columnRoot(tables, request.column ?? '', request)
}

function tableRoot(table: InspectedTable, request: RootRequest, key = keyOf(table)): AdoptRoot {
  for (const column of [...(request.slugFrom ?? []), ...(request.nameFrom ?? [])]) {
    if (table.columns.some(({ name }) => name === column)) continue
    throw new TenantryError('PLAN_INVALID', `The root ${table.table} has no column ${column}.`, { field: column })
  }
  const nameFrom = request.nameFrom ?? nameColumns(table)
  const slugFrom = request.slugFrom ?? firstOf(table, SLUGS) ?? nameFrom
  return { kind: 'table', table: table.table, key, slugFrom, nameFrom }
}

function keyOf(table: InspectedTable): string {
  const isNeverNull = (column: string) => table.columns.some(({ name, notNull }) => name === column && notNull)
  const unique = table.uniqueKeys.map(({ columns }) => columns).filter(([column = '']) => isNeverNull(column))
  const key = [table.primaryKey, ...unique].find((columns) => columns.length === 1)?.[0]
  if (key !== undefined) return key
  throw new TenantryError('PLAN_INVALID', `The root ${table.table} has no single column that tells its rows apart.`, {
    field: table.table,
    fix: 'Give it a primary key of one column, or a unique column that is never null.',
  })
}

// A column that points at the same table everywhere only repeats that table's key: then the table is the root.
function columnRoot(tables: readonly InspectedTable[], column: string, request: RootRequest): AdoptRoot {
  const named = tables.filter(({ columns }) => columns.some(({ name }) => name === column))
  if (named.length === 0) {
    throw new TenantryError('PLAN_INVALID', `No table has a column ${column}.`, { field: column })
  }
  const keys = named.flatMap(({ foreignKeys }) => foreignKeys.filter((key) => key.columns.join('\0') === column))
  const [first] = keys
  const isOne = keys.every((key) => key.table === first?.table && key.references[0] === first.references[0])
  const target = tables.find(({ table }) => table === first?.table)
  if (!isOne || target === undefined || named.includes(target)) return { kind: 'column', column }
  return tableRoot(target, request, first?.references[0])
}

const SLUGS = ['slug', 'subdomain', 'handle', 'code', 'short_name']
const NAMES = [
  'name',
  'display_name',
  'full_name',
  'company_name',
  'organization_name',
  'company',
  'organization',
  'title',
  'label',
]

function firstOf(table: InspectedTable, names: readonly string[]): readonly string[] | undefined {
  const words = table.columns.filter(({ type }) => /^(?:text|citext|character varying|character)\b/.test(type))
  const found = names.flatMap((name) => words.filter((column) => column.name === name))
  const best = found.find(({ notNull }) => notNull) ?? found[0]
  return best && [best.name]
}

function nameColumns(table: InspectedTable): readonly string[] {
  const required = table.columns.filter(({ notNull }) => notNull).map(({ name }) => name)
  const person = ['first_name', 'last_name'].filter((name) => required.includes(name))
  const own = firstOf(table, [...NAMES, `${table.name}_name`])
  if (own !== undefined && (required.includes(own[0] ?? '') || person.length === 0)) return own
  return person.length > 0 ? person : (own ?? [])
}
