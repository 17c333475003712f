// What only the rows can say: whether two ways of a row lead to the same tenant, and how many rows have no way at all.
import type { CentralDatabase } from '../../engine/sql/database.ts'
import { sqlStateOf } from '../../engine/sql/database-errors.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { quoteIdentifier } from '../../kernel/identifiers.ts'
import type { Edge } from './decide-ways.ts'
import type { InspectedTable } from './inspected.ts'
import type { AdoptRoot, PathStep } from './plan.ts'

/** What is asked of the rows: each edge against the way of its table, and each table whose way may lead nowhere. */
export interface RowQuestions {
  readonly root: AdoptRoot
  readonly tables: readonly InspectedTable[]
  /** The way of each table of tenants; empty for those in which ways end. */
  readonly ways: ReadonlyMap<string, readonly PathStep[]>
  readonly edges: readonly Edge[]
  readonly unsure: readonly string[]
}

export interface RowAnswers {
  /** Rows of an edge that lead to another tenant than their own way. */
  readonly crossing: ReadonlyMap<Edge, number>
  /** Rows of a table without a tenant. */
  readonly orphans: ReadonlyMap<string, number>
}

/** Counts in one transaction that only reads. Each count is a scan with joins along the ways. */
export async function askRows(database: CentralDatabase, questions: RowQuestions): Promise<RowAnswers> {
  const crossing = new Map<Edge, number>()
  const orphans = new Map<string, number>()
  const write = waysWriter(questions)
  await database.transaction(async (tx) => {
    await tx.query('set transaction read only')
    // Ways that no constraint says come first: what is wrong with them would show in every count.
    for (const table of questions.unsure) {
      const { rows } = await tx.query<{ count: number }>(write.orphans(table)).catch((error: unknown) => {
        throw incomparable(error, table)
      })
      orphans.set(table, rows[0]?.count ?? 0)
    }
    for (const edge of questions.edges) {
      const { rows } = await tx.query<{ count: number }>(write.crossing(edge))
      crossing.set(edge, rows[0]?.count ?? 0)
    }
  })
  return { crossing, orphans }
}

const UNDEFINED_OPERATOR = '42883'

/** A way that no constraint says can name columns whose types have no equality. */
function incomparable(error: unknown, table: string): unknown {
  if (sqlStateOf(error) !== UNDEFINED_OPERATOR) return error
  return new TenantryError('PLAN_INVALID', `The way of ${table} compares columns of types that cannot be equal.`, {
    field: table,
    cause: error,
  })
}

function waysWriter({ root, tables, ways }: RowQuestions) {
  const partitioned = new Set(tables.filter((table) => table.isPartitioned).map(({ table }) => table))
  // A foreign key looks at the rows of the table itself, not at those of tables that inherit from it.
  const source = (table: string) => (partitioned.has(table) ? table : `only ${table}`)
  const key = root.kind === 'table' ? root.key : root.kind === 'column' ? root.column : ''
  const join = (from: string, { columns, table, references }: PathStep, to: string) => {
    const on = columns.map((column, i) => {
      return `${from}.${quoteIdentifier(column)} = ${to}.${quoteIdentifier(references[i] ?? '')}`
    })
    return `left join ${source(table)} ${to} on ${on.join(' and ')}`
  }
  /** The joins from an alias along its table's way, and the text of the tenant's key at the end of them. */
  const along = (table: string, alias: string) => {
    const steps = ways.get(table) ?? []
    const name = (i: number) => (i === 0 ? alias : `${alias}_${i}`)
    const joins = steps.map((step, i) => join(name(i), step, name(i + 1)))
    return { joins: joins.join(' '), key: `${name(steps.length)}.${quoteIdentifier(key)}::text` }
  }
  return {
    crossing: ({ from, step }: Edge) => {
      const [own, other] = [along(from, 'a'), along(step.table, 'b')]
      const target = join('a', step, 'b').replace(/^left /, '')
      return `select count(*)::float8 as count from ${source(from)} a ${target} ${own.joins} ${other.joins} where ${own.key} is distinct from ${other.key}`
    },
    orphans: (table: string) => {
      const own = along(table, 'a')
      return `select count(*)::float8 as count from ${source(table)} a ${own.joins} where ${own.key} is null`
    },
  }
}
