// What only a person can decide, with the answers there are. Pure.
import type { RowAnswers } from './decide-agreement.ts'
import type { Layout } from './decide-layout.ts'
import { counted } from './decide-notes.ts'
import { pathText } from './decide-reasons.ts'
import type { Edge, Way } from './decide-ways.ts'
import type { InspectedTable } from './inspected.ts'
import type { AdoptQuestion } from './plan.ts'

/** No key leads from it to a tenant, and none from a tenant's table to it. */
export function pathlessQuestion({ table, rows }: InspectedTable): AdoptQuestion {
  return {
    table,
    question: `No key leads from ${table} (${counted(rows, 'row')}) to a tenant, and no table of tenants refers to it. Whose is it?`,
    choices: [
      { decision: 'global', path: [], label: 'all tenants share it' },
      { decision: 'tenant', path: [], label: 'all its rows go to one tenant, which you name' },
    ],
  }
}

interface Ambiguity {
  readonly way: Way
  readonly differing: readonly Edge[]
  readonly layout: Layout
  readonly rows: RowAnswers
}

/** Several ways are equally near, and lead to different tenants. */
export function keyQuestion(table: InspectedTable, { way, differing, layout, rows }: Ambiguity): AdoptQuestion {
  const crossing = Math.max(...differing.map((edge) => rows.crossing.get(edge) ?? 0))
  const evidence = table.rows === 0 ? 'it has no rows that show which' : `they differ for ${counted(crossing, 'row')}`
  return {
    table: table.table,
    question: `${table.table} has ${1 + way.equals.length} equally near ways to a tenant, and ${evidence}. Which one says whose a row is?`,
    choices: [
      ...[way.edge, ...way.equals].map((edge) => {
        const path = [edge.step, ...(layout.ways.get(edge.step.table)?.steps ?? [])]
        return { decision: 'tenant' as const, path, label: `the tenant of ${pathText(path)}` }
      }),
      { decision: 'global', path: [], label: 'all tenants share it' },
    ],
  }
}
