// The first migration of tenants that get a schema of their own: the tables of before, as the catalogue has them, without
// what all tenants share. Pure.
import { quoteIdentifier } from '../../kernel/identifiers.ts'
import type { InspectedColumn, InspectedSwitch, InspectedTable, InspectedView, Inspection } from './inspected.ts'
import type { AdoptPlan, AdoptTable } from './plan.ts'

/** Name of the file, in the folder of tenant migrations. */
export const ADOPTED_MIGRATION = '0001_adopted.sql'

/**
 * The text of the migration. Names of tenants' tables are unqualified, those of shared ones qualified. Materialized views
 * are left out, because no guard holds for them, and so are policies, in whose place guards come.
 */
export function tenantMigration(inspection: Inspection, plan: Pick<AdoptPlan, 'tables' | 'schema'>): string {
  const planned = new Map(
    plan.tables.filter(({ decision }) => decision === 'tenant').map((table) => [table.table, table]),
  )
  const tables = inspection.tables.filter(({ table }) => planned.has(table))
  const views = viewsInOrder(inspection, new Set(planned.keys()))
  const moved = new Map<string, string>([
    ...tables.flatMap(({ table, name, partitions }) => [
      [table, quoteIdentifier(name)] as const,
      ...partitions.map(({ partition, name: part }) => [partition, quoteIdentifier(part)] as const),
    ]),
    ...views.map(({ view, name }) => [view, quoteIdentifier(name)] as const),
  ])
  const own = (definition: string) => unqualified(definition, moved)
  const statements = [
    ...tables.flatMap(sequenceStatements),
    ...tables.flatMap((table) => tableStatements(table, own)),
    ...tables.flatMap(constraintStatements),
    ...tables.flatMap((table) => keyStatements(table, planned.get(table.table), own)),
    ...tables.flatMap(({ indexes }) => indexes.map(({ definition }) => own(definition))),
    ...tables.flatMap(({ name, triggers }) => triggers.flatMap((each) => switched(name, 'trigger', each)).map(own)),
    ...views.map(({ name, definition }) => {
      return `create view ${quoteIdentifier(name)} with (security_invoker = true) as\n${own(definition).replace(/;\s*$/, '')}`
    }),
    // A rule may name a view.
    ...tables.flatMap(({ name, rules }) => rules.flatMap((each) => switched(name, 'rule', each)).map(own)),
  ]
  const head = `-- The tables of each tenant, as they were in the schema ${plan.schema.replaceAll(/\s/g, ' ')} when it was adopted.\n`
  return `${head}${statements.map((statement) => `${statement};\n`).join('')}`
}

// Made, and then as it was: silent, or fired on a replica, too.
function switched(table: string, kind: 'trigger' | 'rule', { name, definition, state }: InspectedSwitch): string[] {
  const made = definition.replace(/;\s*$/, '')
  const turned = `alter table ${quoteIdentifier(table)} ${state} ${kind} ${quoteIdentifier(name)}`
  return state === 'enable' ? [made] : [made, turned]
}

// What stands in a string is no name, and a name may be part of a longer one.
function unqualified(definition: string, moved: ReadonlyMap<string, string>): string {
  const names = [...moved.keys()].sort((a, b) => b.length - a.length)
  if (names.length === 0) return definition
  const listed = names.map((name) => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')
  const pattern = new RegExp(`'(?:[^']|'')*'|(?<![\\w$."])(?:${listed})(?![\\w$"])`, 'gu')
  return definition.replaceAll(pattern, (found) => moved.get(found) ?? found)
}

const sequenceName = ({ sequence }: InspectedColumn): string | undefined => {
  // Qualified and quoted where needed; what follows the schema's dot is fit for SQL as it is.
  const [, bare] = /^(?:"(?:[^"]|"")*"|[^."]+)\.(.+)$/s.exec(sequence ?? '') ?? []
  return bare
}

const isSerial = (column: InspectedColumn): boolean => column.sequence !== null && column.identity === null

function sequenceStatements({ columns }: InspectedTable): readonly string[] {
  return columns
    .filter(isSerial)
    .map((column) => `create sequence ${sequenceName(column) ?? ''} as ${column.type} ${column.sequenceOptions ?? ''}`)
}

function tableStatements(table: InspectedTable, own: (definition: string) => string): readonly string[] {
  const columns = table.columns.map((column) => `  ${columnText(column)}`).join(',\n')
  const partitioned = table.partitionedBy === null ? '' : ` partition by ${table.partitionedBy}`
  return [
    `create table ${quoteIdentifier(table.name)} (\n${columns}\n)${partitioned}`,
    ...table.partitions.map(({ name, parent, bound, partitionedBy }) => {
      const further = partitionedBy === null ? '' : ` partition by ${partitionedBy}`
      return `create table ${quoteIdentifier(name)} partition of ${own(parent)} ${bound}${further}`
    }),
    ...table.columns.filter(isSerial).map((column) => {
      const owner = `${quoteIdentifier(table.name)}.${quoteIdentifier(column.name)}`
      return `alter sequence ${sequenceName(column) ?? ''} owned by ${owner}`
    }),
  ]
}

function columnText(column: InspectedColumn): string {
  const collation = column.collation === null ? '' : ` collate ${column.collation}`
  return `${quoteIdentifier(column.name)} ${column.type}${collation}${valueText(column)}${column.notNull ? ' not null' : ''}`
}

function valueText(column: InspectedColumn): string {
  if (column.generated !== null) return ` generated always as (${column.default ?? ''}) ${column.generated}`
  if (column.identity !== null) return ` generated ${column.identity} as identity (${column.sequenceOptions ?? ''})`
  if (isSerial(column)) return ` default nextval('${(sequenceName(column) ?? '').replaceAll("'", "''")}'::regclass)`
  return column.default === null ? '' : ` default ${column.default}`
}

function constraintStatements({ name, constraints }: InspectedTable): readonly string[] {
  return constraints.map((each) => addConstraint(name, each.name, each.definition))
}

function keyStatements(
  { name, foreignKeys }: InspectedTable,
  planned: AdoptTable | undefined,
  own: (definition: string) => string,
): readonly string[] {
  const dropped = new Set(planned?.keys.filter(({ decision }) => decision === 'dropped').map((key) => key.name))
  return foreignKeys
    .filter((key) => !dropped.has(key.name))
    .map((key) => addConstraint(name, key.name, own(key.definition)))
}

const addConstraint = (table: string, name: string, definition: string): string =>
  `alter table ${quoteIdentifier(table)} add constraint ${quoteIdentifier(name)} ${definition}`

/** The views over tables of tenants, each behind those that it reads. */
function viewsInOrder({ views, schema }: Inspection, tenants: ReadonlySet<string>): readonly InspectedView[] {
  let waiting = views.filter(
    (view) => !view.isMaterialized && view.schema === schema && view.tables.some((table) => tenants.has(table)),
  )
  const ordered: InspectedView[] = []
  while (waiting.length > 0) {
    const names = new Map(waiting.map(({ view }) => [view, '']))
    const ready = waiting.filter(({ view, definition }) => {
      const others = new Map([...names].filter(([name]) => name !== view))
      return unqualified(definition, others) === definition
    })
    ordered.push(...ready)
    // Views cannot go in a circle.
    waiting = waiting.filter((view) => !ready.includes(view))
    if (ready.length === 0) break
  }
  return ordered
}
