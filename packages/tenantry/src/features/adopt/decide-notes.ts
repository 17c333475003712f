// What else there is about a table that the person who adopts it should know. Pure.
import type { InspectedTable, Inspection } from './inspected.ts'

/** Sentences without a full stop, most important first. */
export function notesOf(table: InspectedTable, { tables, views, functions }: Inspection): readonly string[] {
  const reading = views.filter((view) => view.tables.includes(table.table))
  const naming = functions.filter((each) => each.tables.includes(table.table))
  const generated = table.columns.filter((column) => column.generated !== null).map(({ name }) => name)
  const numbered = table.columns.filter((column) => column.sequence !== null).map(({ name }) => name)
  const textIndexes = table.indexes
    .filter(({ method }) => method === 'gin' || method === 'gist')
    .map(({ name }) => name)
  const self = table.foreignKeys.filter((key) => key.table === table.table).map(({ name }) => name)
  const cycle = cycleOf(table.table, tables)
  const notes: readonly (string | false)[] = [
    !table.isOurs && `owned by ${table.owner}, whom the admin login has to be a member of`,
    table.primaryKey.length === 0 && 'no primary key: its rows are found by their place',
    table.rowSecurity && 'row-level security is switched on already',
    table.policies.length > 0 && `policies of its own: ${table.policies.join(', ')}`,
    table.isPartitioned && `partitioned: ${counted(table.partitions.length, 'partition')}`,
    table.inheritsFrom.length > 0 && `inherits from ${table.inheritsFrom.join(', ')}`,
    table.inheritedBy.length > 0 && `inherited by ${table.inheritedBy.join(', ')}`,
    self.length > 0 && `refers to itself: ${self.join(', ')}`,
    cycle.length > 0 && `keys go round: ${[table.table, ...cycle, table.table].join(' → ')}`,
    table.triggers.length > 0 &&
      `triggers, which the backfill would fire: ${table.triggers.map(({ name }) => name).join(', ')}`,
    generated.length > 0 && `generated columns: ${generated.join(', ')}`,
    numbered.length > 0 && `numbered by a sequence: ${numbered.join(', ')}`,
    textIndexes.length > 0 && `full-text or other GIN and GiST indexes: ${textIndexes.join(', ')}`,
    ...reading.map(({ view, isMaterialized }) =>
      isMaterialized
        ? `the materialized view ${view} reads it, and keeps rows of all tenants`
        : `the view ${view} reads it`,
    ),
    ...naming.map(({ name, securityDefiner }) =>
      securityDefiner
        ? `the function ${name} names it, and runs with its owner's rights`
        : `the function ${name} names it`,
    ),
  ]
  return notes.filter((note) => note !== false)
}

/** The other tables on the shortest way along foreign keys back to the table; empty without one. */
function cycleOf(start: string, tables: readonly InspectedTable[]): readonly string[] {
  const targets = new Map(tables.map(({ table, foreignKeys }) => [table, foreignKeys.map((key) => key.table)]))
  const queue: (readonly string[])[] = [[start]]
  const seen = new Set([start])
  for (let walk = queue.shift(); walk !== undefined; walk = queue.shift()) {
    for (const next of targets.get(walk.at(-1) ?? '') ?? []) {
      if (next === start && walk.length > 1) return walk.slice(1)
      if (seen.has(next)) continue
      seen.add(next)
      queue.push([...walk, next])
    }
  }
  return []
}

/** `1 row`, `1,234 rows`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}
