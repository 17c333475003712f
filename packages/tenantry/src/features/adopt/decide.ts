// Decides what becomes of each table and of each foreign key, and says why. Pure: from what was found to the plan's tables.
import type { RowAnswers } from './decide-agreement.ts'
import type { Layout } from './decide-layout.ts'
import { counted, notesOf } from './decide-notes.ts'
import { keyQuestion, pathlessQuestion } from './decide-questions.ts'
import { reasonOf } from './decide-reasons.ts'
import type { Edge } from './decide-ways.ts'
import type { InspectedForeignKey, InspectedTable, Inspection } from './inspected.ts'
import type { AdoptKey, AdoptQuestion, AdoptTable, PathStep, TableDecision } from './plan.ts'

export interface Decisions {
  readonly tables: readonly AdoptTable[]
  readonly questions: readonly AdoptQuestion[]
}

/** The tables by name, and what only a person can decide. */
export function decideTables(inspection: Inspection, layout: Layout, rows: RowAnswers): Decisions {
  const questions = inspection.tables.flatMap((table) => questionsOf(table, layout, rows))
  const asked = new Set(questions.map(({ table }) => table))
  const decisionOf = (name: string) => (asked.has(name) ? 'undecided' : laidOut(name, layout))
  const tables = inspection.tables.map((table): AdoptTable => {
    const decision = decisionOf(table.table)
    const way = decision === 'tenant' ? layout.ways.get(table.table) : undefined
    return {
      table: table.table,
      decision,
      path: way?.steps ?? [],
      column: layout.root.kind === 'column' && layout.ends.has(table.table) ? layout.root.column : null,
      keys: table.foreignKeys.map((key) => keyOf(table, key, { layout, rows, decisionOf })),
      reason: reasonOf(table, { layout, decision, rows }),
      orphans: decision === 'tenant' ? orphansOf(table.table, layout) : null,
      rows: table.rows,
      partitioned: table.isPartitioned,
      notes: [...orphanNotes(table, rows), ...notesOf(table, inspection)],
    }
  })
  return { tables, questions }
}

/** Whose a table is by keys and answers alone. */
export function laidOut(table: string, { ends, ways, placed, globals }: Layout): TableDecision {
  if (ends.has(table) || ways.has(table) || placed.has(table)) return 'tenant'
  return globals.has(table) ? 'global' : 'undecided'
}

function questionsOf(table: InspectedTable, layout: Layout, rows: RowAnswers): readonly AdoptQuestion[] {
  if (laidOut(table.table, layout) === 'undecided') return [pathlessQuestion(table)]
  const way = layout.ways.get(table.table)
  if (way === undefined || way.equals.length === 0 || layout.answers.has(table.table)) return []
  const differing = way.equals.filter((edge) => {
    // Nothing says that two keys to one table will agree where no row has shown it.
    if (table.rows === 0) return edge.step.table === way.edge.step.table
    return (rows.crossing.get(edge) ?? 0) > 0
  })
  return differing.length === 0 ? [] : [keyQuestion(table, { way, differing, layout, rows })]
}

// Rows without a tenant take those that refer to them along.
function orphansOf(table: string, { answers, ways, placed }: Layout): string | null {
  for (let at: string | undefined = table; at !== undefined; at = ways.get(at)?.edge.step.table) {
    const slug = answers.get(at)?.orphans ?? placed.get(at)
    if (slug !== undefined) return slug
  }
  return null
}

function orphanNotes(table: InspectedTable, { orphans }: RowAnswers): readonly string[] {
  const count = orphans.get(table.table) ?? 0
  return count === 0 ? [] : [`${counted(count, 'row')} of ${counted(table.rows, 'row')} without a way to a tenant`]
}

interface KeyContext {
  readonly layout: Layout
  readonly rows: RowAnswers
  readonly decisionOf: (table: string) => TableDecision
}

function keyOf(table: InspectedTable, key: InspectedForeignKey, context: KeyContext): AdoptKey {
  const edge = context.layout.edges.find(({ from, name }) => from === table.table && name === key.name)
  const target = edge?.step.table ?? key.table
  const common = { name: key.name, columns: key.columns, table: target, references: key.references }
  if (edge === undefined) return { ...common, decision: 'kept', reason: 'Its target lies in another schema.' }
  const [from, to] = [context.decisionOf(table.table), context.decisionOf(target)]
  if (from === 'tenant' && to === 'tenant') return { ...common, ...betweenTenants(edge, context) }
  if (from === 'global' && to === 'tenant') {
    return { ...common, decision: 'dropped', reason: 'It leads from a table of all into rows of one tenant.' }
  }
  const isOpen = from === 'undecided' || to === 'undecided'
  return {
    ...common,
    decision: 'kept',
    reason: isOpen ? 'One of its ends is not decided yet.' : 'Its target is global.',
  }
}

function betweenTenants(edge: Edge, { layout, rows }: KeyContext): Pick<AdoptKey, 'decision' | 'reason'> {
  if (layout.root.kind === 'default') return { decision: 'composite', reason: 'Both ends belong to the one tenant.' }
  if (layout.ways.get(edge.from)?.edge === edge)
    return { decision: 'composite', reason: 'The rows find their tenant by it.' }
  const [own, other] = [layout.placed.get(edge.from), layout.placed.get(edge.step.table)]
  if (own !== undefined || other !== undefined) {
    return own === other
      ? { decision: 'composite', reason: 'Both ends belong to the same tenant.' }
      : { decision: 'dropped', reason: 'One end belongs to one tenant as a whole, the other one does not.' }
  }
  const crossing = rows.crossing.get(edge) ?? 0
  if (crossing === 0)
    return { decision: 'composite', reason: 'Both ends belong to tenants, and all rows agree on which.' }
  const pointing = crossing === 1 ? 'points' : 'point'
  return { decision: 'dropped', reason: `${counted(crossing, 'row')} ${pointing} at a row of another tenant.` }
}

/** The edges and tables whose rows have to be asked before `decideTables`. */
export function openPoints({ root, edges, ways, placed, ends, tables }: Layout): {
  readonly ways: ReadonlyMap<string, readonly PathStep[]>
  readonly edges: readonly Edge[]
  readonly unsure: readonly string[]
} {
  const steps = new Map<string, readonly PathStep[]>([...ends].map((end) => [end, []]))
  for (const [table, way] of ways) steps.set(table, way.steps)
  if (root.kind === 'default') return { ways: steps, edges: [], unsure: [] }
  const isOpen = ({ from, step }: Edge) => steps.has(from) && steps.has(step.table) && !placed.has(from)
  const nullable = ({ table, columns }: InspectedTable) =>
    root.kind === 'column' && ends.has(table) && columns.some(({ name, notNull }) => name === root.column && !notNull)
  return {
    ways: steps,
    edges: edges.filter((edge) => edge.name !== null && isOpen(edge) && ways.get(edge.from)?.edge !== edge),
    unsure: tables
      .filter((table) => ways.get(table.table)?.isRequired === false || nullable(table))
      .map(({ table }) => table),
  }
}
