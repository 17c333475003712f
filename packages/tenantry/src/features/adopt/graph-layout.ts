// Lays out the tables and their keys as layers of a drawing. The only file that knows dagre.
import * as dagre from '@dagrejs/dagre'
import type { AdoptPlan } from './plan.ts'

interface Place {
  readonly x: number
  readonly y: number
}

interface DagreGraph {
  setGraph(label: object): void
  setNode(name: string, label: { readonly width: number; readonly height: number }): void
  setEdge(from: string, to: string, label: object, name: string): void
  graph(): { readonly width?: number; readonly height?: number }
  node(name: string): Place & { readonly width: number; readonly height: number }
  edges(): readonly { readonly v: string; readonly w: string; readonly name?: string }[]
  edge(edge: object): { readonly points?: readonly Place[] }
}

// The package's own types name files without their endings, which TypeScript does not resolve for ES modules.
const { Graph, layout } = dagre as unknown as {
  readonly Graph: new (options: { readonly multigraph: boolean }) => DagreGraph
  readonly layout: (graph: DagreGraph) => void
}

export interface DrawnTable {
  readonly table: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface DrawnKey {
  readonly from: string
  readonly to: string
  readonly name: string
  readonly points: readonly Place[]
}

export interface Drawing {
  readonly width: number
  readonly height: number
  readonly tables: readonly DrawnTable[]
  readonly keys: readonly DrawnKey[]
}

const BOX = { height: 46, least: 130, perLetter: 7.5, padding: 24 }

/** Places of the plan's tables, the root's layer first, and the bends of the lines between them. */
export function drawPlan(plan: AdoptPlan, labelOf: (table: string) => string): Drawing {
  const graph = new Graph({ multigraph: true })
  graph.setGraph({ rankdir: 'RL', nodesep: 18, ranksep: 70, marginx: 12, marginy: 12 })
  const known = new Set(plan.tables.map(({ table }) => table))
  for (const { table } of plan.tables) {
    const width = Math.max(BOX.least, labelOf(table).length * BOX.perLetter + BOX.padding)
    graph.setNode(table, { width, height: BOX.height })
  }
  for (const { table, keys } of plan.tables) {
    for (const key of keys) {
      // A loop needs no line: it is among the table's notes.
      if (key.table !== table && known.has(key.table)) graph.setEdge(table, key.table, {}, key.name)
    }
  }
  layout(graph)
  const { width = 0, height = 0 } = graph.graph()
  return {
    width: Math.ceil(width),
    height: Math.ceil(height),
    tables: plan.tables.map(({ table }) => {
      const node = graph.node(table)
      return { table, x: node.x, y: node.y, width: node.width, height: node.height }
    }),
    keys: graph.edges().map((edge) => ({
      from: edge.v,
      to: edge.w,
      name: edge.name ?? '',
      points: graph.edge(edge).points ?? [],
    })),
  }
}
