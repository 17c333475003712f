// Puts a row of the victim's into a table, with values made up from types, keys and checks: only the columns that must
// have one. It is never committed. What cannot be made up is said, with the reason.
import { randomBytes, randomInt } from 'node:crypto'
import { TENANT_COLUMN } from '../../../engine/isolation/table-facts.ts'
import { newId } from '../../../kernel/ids.ts'
import { quoteIdentifier } from '../../../kernel/identifiers.ts'
import type { Identity } from './honey.ts'
import type { ProbeSession } from './probe-session.ts'
import type { TargetColumn, TargetKey, TargetTable } from './targets.ts'

/** Column values as text. */
export type RowValues = Readonly<Record<string, string | null>>

export interface MarkedRow {
  /** What was written, by column; the insert can be repeated from it. */
  readonly written: RowValues
  /** The whole row as the server has it. */
  readonly row: RowValues
  /** The table that it went into, which for a partitioned one is a partition. */
  readonly tableOid: string
}

export type Marking = MarkedRow | { readonly reason: string }

const CHECK_VIOLATION = '23514'
const DEEPEST = 8

export interface MarkingOptions {
  readonly session: ProbeSession
  readonly as: Identity
  /** Tables that belong to the same tenant, by quoted name: parents are made there. */
  readonly tables: ReadonlyMap<string, TargetTable>
}

/** Inserts a row as the identity, and the rows it has to refer to. Call inside a transaction. */
export async function insertMarkedRow(options: MarkingOptions, table: TargetTable, depth = 0): Promise<Marking> {
  if (depth > DEEPEST) return { reason: 'its foreign keys go round in a circle' }
  const references = await referencesOf(options, table, depth)
  if ('reason' in references) return references
  // Literals in checks are guesses at what they allow, so each gets its turn.
  const turns = 1 + Math.max(0, ...table.columns.map((column) => (column.checked ? guesses(column).length : 0)))
  let refused = ''
  for (let turn = 0; turn < turns; turn++) {
    const written = valuesFor(table, { tenantId: options.as.id, given: references.values, turn })
    if ('reason' in written) return written
    const result = await insertRow(options, table, written.values)
    if ('row' in result) return { written: written.values, ...result }
    refused = result.refused
    if (refused !== CHECK_VIOLATION) break
  }
  return { reason: `a row could not be made up: the insert was refused with SQLSTATE ${refused}` }
}

interface Statement {
  readonly text: string
  readonly values: readonly (string | null)[]
}

/** The INSERT of these values, generated keys included; whatever follows VALUES is the caller's. */
export function insertOf(table: TargetTable, values: RowValues, suffix = ''): Statement {
  const names = Object.keys(values)
  const types = new Map(table.columns.map(({ name, type }) => [name, type]))
  const columns = names.map(quoteIdentifier).join(', ')
  const parameters = names.map((name, i) => `cast($${i + 1} as ${types.get(name) ?? 'text'})`).join(', ')
  const head = `insert into ${table.name}`
  const text =
    names.length === 0
      ? `${head} default values`
      : `${head} (${columns}) overriding system value values (${parameters})`
  return { text: suffix === '' ? text : `${text} ${suffix}`, values: names.map((name) => values[name] ?? null) }
}

/** Values for a row of the tenant with this id. */
export function valuesFor(
  table: TargetTable,
  row: { readonly tenantId: string; readonly given: RowValues; readonly turn: number },
): { readonly values: RowValues } | { readonly reason: string } {
  const values: Record<string, string | null> = {}
  for (const column of table.columns) {
    if (column.generated) continue
    const given = row.given[column.name]
    if (column.name === TENANT_COLUMN && table.hasTenantColumn) values[column.name] = row.tenantId
    else if (given !== undefined) values[column.name] = given
    else if (column.notNull && !column.filled) {
      const made = makeValue(column, row.turn)
      if (made === undefined) return { reason: `no value is known for its column ${column.name} (${column.type})` }
      values[column.name] = made
    }
  }
  return { values }
}

type Inserted = Omit<MarkedRow, 'written'> | { readonly refused: string }

async function insertRow({ session, as }: MarkingOptions, table: TargetTable, values: RowValues): Promise<Inserted> {
  const all = table.columns.map(({ name }) => `${quoteIdentifier(name)}::text as ${quoteIdentifier(name)}`)
  all.push('tableoid::text')
  const outcome = await session.keep({ as: as.prelude(), ...insertOf(table, values, `returning ${all.join(', ')}`) })
  if (outcome.refused !== undefined) return { refused: outcome.refused }
  const row = outcome.rows[0]
  return row === undefined
    ? { refused: 'none, but no row came of it' }
    : { row: row as RowValues, tableOid: String(row['tableoid']) }
}

type References = { readonly values: RowValues } | { readonly reason: string }

/** Values for the foreign keys that must not be null: of rows made for it, or of any row of a table of no tenant. */
async function referencesOf(options: MarkingOptions, table: TargetTable, depth: number): Promise<References> {
  const values: Record<string, string | null> = {}
  for (const key of table.foreignKeys.filter((candidate) => isMandatory(table, candidate))) {
    const parent = await parentRow(options, key, depth)
    if ('reason' in parent) return { reason: `its parent ${key.parent} has no row to refer to: ${parent.reason}` }
    key.columns.forEach((column, i) => {
      values[column] = parent.row[key.parentColumns[i] ?? ''] ?? null
    })
  }
  return { values }
}

function isMandatory(table: TargetTable, key: TargetKey): boolean {
  return key.columns.some((name) => {
    const column = table.columns.find((each) => each.name === name)
    return name !== TENANT_COLUMN && column !== undefined && column.notNull && !column.filled
  })
}

async function parentRow(
  options: MarkingOptions,
  key: TargetKey,
  depth: number,
): Promise<{ readonly row: RowValues } | { readonly reason: string }> {
  const parent = options.tables.get(key.parent)
  if (parent) return insertMarkedRow(options, parent, depth + 1)
  const columns = key.parentColumns.map((name) => `${quoteIdentifier(name)}::text as ${quoteIdentifier(name)}`)
  const text = `select ${columns.join(', ')} from ${key.parent} limit 1`
  const { rows, refused } = await options.session.attempt({ as: options.as.prelude(), text })
  const row = rows[0]
  if (row !== undefined) return { row: row as RowValues }
  return { reason: refused === undefined ? 'it is empty' : `reading it was refused with SQLSTATE ${refused}` }
}

const LARGEST_SMALLINT = 30_000
const LARGEST_INTEGER = 2_000_000_000

function makeValue(column: TargetColumn, turn: number): string | undefined {
  if (column.enumLabel !== null) return column.enumLabel
  const guess = turn === 0 || !column.checked ? undefined : guesses(column)[turn - 1]
  return guess ?? BY_CATEGORY[column.category]?.(column)
}

/** What a check might want to see, after the plain value was refused. */
function guesses({ category, literals }: TargetColumn): readonly string[] {
  if (category === 'N') return ['1', '10', '100', ...literals]
  return category === 'S' ? [...literals, 'HONEY', 'honey@example.com', 'https://example.com', '1'] : literals
}

// Letters of pg_type.typcategory.
const BY_CATEGORY: Readonly<Record<string, (column: TargetColumn) => string | undefined>> = {
  A: () => '{}',
  B: () => 'true',
  D: ({ type }) => (type.startsWith('time ') ? '12:00' : '2001-02-03 04:05:06'),
  G: ({ type }) => ({ point: '(0,0)', box: '(1,1),(0,0)', circle: '<(0,0),1>' })[type],
  I: () => '192.0.2.1',
  N: ({ type, checked }) => (checked ? '1' : numberOf(type)),
  R: () => 'empty',
  S: ({ length }) => `tnhoney${randomBytes(8).toString('hex')}`.slice(0, length ?? undefined),
  T: () => '1 hour',
  U: ({ type }) => userDefined(type),
}

function numberOf(type: string): string {
  if (type === 'smallint') return String(randomInt(1, LARGEST_SMALLINT))
  return type === 'integer' || type === 'bigint' ? String(randomInt(1, LARGEST_INTEGER)) : '1'
}

function userDefined(type: string): string | undefined {
  const made: Readonly<Record<string, () => string>> = {
    uuid: newId,
    json: () => '{}',
    jsonb: () => '{}',
    bytea: () => '\\x00',
    xml: () => '<honey/>',
    tsvector: () => 'honey',
    macaddr: () => '08:00:2b:01:02:03',
  }
  return made[type]?.()
}
