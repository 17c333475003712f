// Which tables belong to tenants, which to all, and which nobody can tell, as far as keys and answers say. Pure.
import { TenantryError } from '../../kernel/errors.ts'
import { type AdoptAnswer, edgeOf, tableNamed } from './decide-answers.ts'
import { type Edge, edgesOf, endsOf, findWays, type Way } from './decide-ways.ts'
import type { InspectedTable } from './inspected.ts'
import type { AdoptRoot } from './plan.ts'

export interface Layout {
  readonly root: AdoptRoot
  readonly tables: readonly InspectedTable[]
  readonly edges: readonly Edge[]
  readonly ends: ReadonlySet<string>
  readonly ways: ReadonlyMap<string, Way>
  readonly answers: ReadonlyMap<string, AdoptAnswer>
  /** Tables of tenants without any way, all of whose rows go to the tenant of this slug. */
  readonly placed: ReadonlyMap<string, string>
  /** Tables that belong to all, and the table that refers to them; null where a person decided. */
  readonly globals: ReadonlyMap<string, string | null>
}

/** Throws TABLE_NOT_FOUND and PLAN_INVALID for answers that do not fit the database or each other. */
export function layOut(tables: readonly InspectedTable[], root: AdoptRoot, given: readonly AdoptAnswer[]): Layout {
  const edges = edgesOf(tables)
  const ends = endsOf(root, tables)
  const answers = new Map(given.map((answer) => [tableNamed(tables, answer.table).table, answer]))
  if (answers.size < given.length) throw contradictory('One table is decided twice.')
  const closed = new Set([...answers].filter(([, { decision }]) => decision === 'global').map(([table]) => table))
  const chosen = new Map<string, Edge>()
  for (const table of tables) {
    const via = answers.get(table.table)?.via
    if (via) chosen.set(table.table, edgeOf(table, via, { tables, edges, root }))
  }
  refuseContradictions({ ends: root.kind === 'default' ? new Set() : ends, closed, chosen })
  const openEnds = new Set([...ends].filter((end) => !closed.has(end)))
  const ways = findWays(edges, { ends: openEnds, closed, chosen })
  const placed = placedTables(answers, { ways, ends: openEnds, chosen })
  const isTenant = (table: string) => openEnds.has(table) || ways.has(table) || placed.has(table)
  const globals = globalTables(edges, { tables, isTenant, closed })
  return { root, tables, edges, ends: openEnds, ways, answers, placed, globals }
}

function refuseContradictions(said: {
  ends: ReadonlySet<string>
  closed: ReadonlySet<string>
  chosen: ReadonlyMap<string, Edge>
}): void {
  for (const end of said.ends) {
    if (said.closed.has(end)) throw contradictory(`${end} says which tenant is meant, so it cannot be global.`, end)
    if (said.chosen.has(end)) throw contradictory(`${end} says itself which tenant is meant; it takes no way.`, end)
  }
  for (const [table, { step }] of said.chosen) {
    if (said.closed.has(step.table))
      throw contradictory(`The way of ${table} leads to ${step.table}, which is global.`, table)
  }
}

function placedTables(
  answers: ReadonlyMap<string, AdoptAnswer>,
  { ways, ends, chosen }: Pick<Layout, 'ways' | 'ends'> & { chosen: ReadonlyMap<string, Edge> },
): ReadonlyMap<string, string> {
  const placed = new Map<string, string>()
  for (const [table, { decision, orphans }] of answers) {
    if (decision === 'global' || ways.has(table) || ends.has(table)) continue
    if (chosen.has(table)) throw contradictory(`The way of ${table} does not lead to the root.`, table)
    if (orphans === null) {
      throw contradictory(`${table} is to belong to tenants, but no foreign key leads from it to the root.`, table)
    }
    placed.set(table, orphans)
  }
  return placed
}

/** What tables of tenants refer to and is none itself belongs to all, and so does what that refers to. */
function globalTables(
  edges: readonly Edge[],
  {
    tables,
    isTenant,
    closed,
  }: { tables: readonly InspectedTable[]; isTenant: (table: string) => boolean; closed: ReadonlySet<string> },
): ReadonlyMap<string, string | null> {
  const globals = new Map<string, string | null>([...closed].map((table) => [table, null]))
  const queue = [...tables.map(({ table }) => table).filter(isTenant), ...closed]
  for (let from = queue.shift(); from !== undefined; from = queue.shift()) {
    for (const { step } of edges.filter((edge) => edge.from === from)) {
      if (isTenant(step.table) || globals.has(step.table)) continue
      globals.set(step.table, from)
      queue.push(step.table)
    }
  }
  return globals
}

function contradictory(message: string, field?: string): TenantryError {
  return new TenantryError('PLAN_INVALID', message, {
    ...(field !== undefined && { field }),
    fix: 'Decide it with --decide as <table>=tenant:via <column>→<table>, <table>=tenant:to <slug> or <table>=global.',
  })
}
