// What a person decided about a table, as it is typed: `track=global`, `note=tenant:via author_id→customer`.
import { TenantryError } from '../../kernel/errors.ts'
import type { Edge } from './decide-ways.ts'
import type { InspectedTable } from './inspected.ts'
import type { AdoptRoot } from './plan.ts'

export interface AdoptAnswer {
  /** As the person wrote it: bare, qualified, or as PostgreSQL quotes it. */
  readonly table: string
  readonly decision: 'tenant' | 'global'
  /** The first step of the way, the rest being the way of the table it leads to; null takes the nearest. */
  readonly via: { readonly columns: readonly string[]; readonly table: string } | null
  /** The slug of the tenant that gets the rows without a way; null for none. */
  readonly orphans: string | null
}

const TEXT =
  /^(?<table>.+?)=(?<decision>tenant|global)(?::via (?<columns>[^→>]+?)\s*(?:→|->)\s*(?<target>.+?))?(?::to (?<slug>[^:]+))?$/u

/**
 * Reads an answer: `<table>=global`, `<table>=tenant`, with `:via <column>[,<column>]→<table>` (or `->`) for the way and
 * `:to <slug>` for the tenant of rows without one. Throws INVALID_INPUT.
 *
 * @example
 * ```ts
 * readAnswer('transfer=tenant:via from_account→account')
 * readAnswer('playlist=tenant:to house')
 * ```
 */
export function readAnswer(text: string): AdoptAnswer {
  const { table, decision, columns, target, slug } = TEXT.exec(text.trim())?.groups ?? {}
  const isContradictory = decision === 'global' && (target !== undefined || slug !== undefined)
  if (table === undefined || decision === undefined || isContradictory) {
    throw new TenantryError('INVALID_INPUT', 'A decision cannot be read.', {
      field: 'decide',
      fix: 'Write it like track=global, note=tenant, note=tenant:via author_id→customer or note=tenant:to acme.',
    })
  }
  const via =
    columns === undefined || target === undefined
      ? null
      : { columns: columns.split(',').map((each) => each.trim()), table: target }
  return { table, decision: decision === 'global' ? 'global' : 'tenant', via, orphans: slug ?? null }
}

/** The table a person means. Throws TABLE_NOT_FOUND. */
export function tableNamed(tables: readonly InspectedTable[], said: string): InspectedTable {
  const found = tables.find(({ table, name }) => table === said || name === said || unquoted(table) === unquoted(said))
  if (found !== undefined) return found
  throw new TenantryError('TABLE_NOT_FOUND', `There is no table ${said} in the schema.`)
}

const unquoted = (name: string) => name.replaceAll('"', '')

/** The edge that an answer chose. Throws PLAN_INVALID where its columns or its target do not fit. */
export function edgeOf(
  table: InspectedTable,
  via: NonNullable<AdoptAnswer['via']>,
  { tables, edges, root }: { tables: readonly InspectedTable[]; edges: readonly Edge[]; root: AdoptRoot },
): Edge {
  const target = tableNamed(tables, via.table)
  const known = edges.find(
    ({ from, step }) =>
      from === table.table && step.table === target.table && step.columns.join('\0') === via.columns.join('\0'),
  )
  if (known !== undefined) return known
  const unknown = via.columns.find((column) => !table.columns.some(({ name }) => name === column))
  if (unknown !== undefined) throw unfit(table, `has no column ${unknown}`)
  if (target.table === table.table) throw unfit(table, 'cannot find its tenant through itself')
  const isRoot = root.kind === 'table' && root.table === target.table
  const references = isRoot ? [root.key] : target.primaryKey
  if (references.length !== via.columns.length) {
    throw unfit(table, `names ${via.columns.length} columns for the ${references.length} of the key of ${target.table}`)
  }
  return {
    name: null,
    from: table.table,
    step: { columns: via.columns, table: target.table, references },
    isRequired: false,
  }
}

function unfit({ table }: InspectedTable, what: string): TenantryError {
  return new TenantryError('PLAN_INVALID', `The decision about ${table} ${what}.`, { field: table })
}
