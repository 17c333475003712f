// The ways that rows can find their tenant by: the shortest walks along foreign keys from each table to the root. Pure.
import type { AdoptRoot, PathStep } from './plan.ts'
import type { InspectedTable } from './inspected.ts'

/** A foreign key, or what was said to be one, between two tables of the schema. */
export interface Edge {
  /** Of the constraint; null where no constraint says it. */
  readonly name: string | null
  readonly from: string
  readonly step: PathStep
  /** It always leads to a row. */
  readonly isRequired: boolean
}

/** The best first step of a table, and the others that are as good. */
export interface Way {
  readonly edge: Edge
  readonly steps: readonly PathStep[]
  /** Every step of it leads to a row. */
  readonly isRequired: boolean
  readonly equals: readonly Edge[]
}

export interface WayLimits {
  /** Where ways end: the root, or the tables whose column names the tenant. */
  readonly ends: ReadonlySet<string>
  /** Tables that no way may go through, because they belong to all. */
  readonly closed: ReadonlySet<string>
  /** The one first step of a table that was chosen. */
  readonly chosen: ReadonlyMap<string, Edge>
}

/** Every edge between two different tables; a child by inheritance has the columns of its parent's keys, too. */
export function edgesOf(tables: readonly InspectedTable[]): readonly Edge[] {
  const rootOf = new Map(
    tables.flatMap((table) =>
      [table.table, ...table.partitions.map(({ partition }) => partition)].map((name) => [name, table.table]),
    ),
  )
  const byName = new Map(tables.map((table) => [table.table, table]))
  const ownEdges = (table: InspectedTable): readonly Edge[] =>
    table.foreignKeys.flatMap(({ name, columns, table: target, references, isRequired }) => {
      const parent = rootOf.get(target)
      if (parent === undefined) return []
      return [{ name, from: table.table, step: { columns, table: parent, references }, isRequired }]
    })
  return tables.flatMap((table) => [
    ...ownEdges(table),
    ...table.inheritsFrom.flatMap((parent) => {
      const inherited = byName.get(parent)
      return inherited === undefined ? [] : ownEdges(inherited).map((edge) => inheritedEdge(edge, table))
    }),
  ])
}

// PostgreSQL does not inherit foreign keys, so a value of the child's column need not be a key of the target.
function inheritedEdge(edge: Edge, child: InspectedTable): Edge {
  return { ...edge, name: null, from: child.table, isRequired: false }
}

// A step weighs more than any number of steps that may lead nowhere, so the nearest way wins, then the surest.
const STEP = 1_000_000

/** The best way of each table that has one; the ends themselves have none. */
export function findWays(edges: readonly Edge[], { ends, closed, chosen }: WayLimits): ReadonlyMap<string, Way> {
  const usable = edges.filter(
    ({ from, step }) => from !== step.table && !ends.has(from) && ![from, step.table].some((name) => closed.has(name)),
  )
  const bySource = new Map<string, Edge[]>()
  for (const edge of [...usable.filter(({ from }) => !chosen.has(from)), ...chosen.values()]) {
    bySource.set(edge.from, [...(bySource.get(edge.from) ?? []), edge])
  }
  const cost = new Map<string, number>([...ends].map((end) => [end, 0]))
  const costOver = (edge: Edge) => (cost.get(edge.step.table) ?? Infinity) + STEP + (edge.isRequired ? 0 : 1)
  for (let changed = true; changed; ) {
    changed = false
    for (const [from, own] of bySource) {
      const best = Math.min(...own.map(costOver))
      if (best >= (cost.get(from) ?? Infinity)) continue
      cost.set(from, best)
      changed = true
    }
  }
  const ways = new Map<string, Way>()
  // Nearest first, so that the rest of each way is known when it is needed.
  const sources = [...bySource.keys()].filter((from) => cost.has(from) && !ends.has(from))
  for (const from of sources.sort((a, b) => (cost.get(a) ?? 0) - (cost.get(b) ?? 0))) {
    const best = (bySource.get(from) ?? []).filter((edge) => costOver(edge) === cost.get(from))
    const [edge, ...equals] = best.toSorted((a, b) => order(a).localeCompare(order(b)))
    if (edge === undefined) continue
    const rest = ways.get(edge.step.table)
    const steps = [edge.step, ...(rest?.steps ?? [])]
    ways.set(from, { edge, steps, isRequired: edge.isRequired && rest?.isRequired !== false, equals })
  }
  return ways
}

const order = ({ step, name }: Edge) => `${step.table} ${step.columns.join(' ')} ${name ?? ''}`

/** The tables in which ways end. */
export function endsOf(root: AdoptRoot, tables: readonly InspectedTable[]): ReadonlySet<string> {
  if (root.kind === 'default') return new Set(tables.map(({ table }) => table))
  if (root.kind === 'table') return new Set([root.table])
  const named = tables.filter(({ columns }) => columns.some(({ name }) => name === root.column))
  return new Set(named.map(({ table }) => table))
}
