// The same statement as the central role with the tenant written out, for what the policy costs. Views that filter by
// tenant stand before the shared tables for the length of a transaction that is rolled back: no table is locked.
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { sqlStateOf } from '../../engine/sql/database-errors.ts'
import { quoteIdentifier, quoteLiteral } from '../../kernel/identifiers.ts'
import { newId } from '../../kernel/ids.ts'
import type { RelationFacts } from './catalogue.ts'
import { conditionsOf, type Explained, nodesOf, type PlanNode } from './plan.ts'

export interface ComparisonRequest {
  readonly tenantId: string
  readonly relations: readonly RelationFacts[]
  /** The tenant's own schema, where it has one. */
  readonly ownSchema: string | undefined
  /** The tenant's search path, unquoted. */
  readonly searchPath: readonly string[]
  readonly centralRole: string
  /** EXPLAIN with its options, and the statement. */
  readonly text: string
  readonly values: readonly unknown[] | undefined
}

/** The plan, or why there is none to compare with. */
export type Comparison = { readonly explained: Explained } | { readonly notComparable: string }

const BY_SCHEMA = 'a shared table is reached by its schema or through a view'

/** Ends the transaction with what it found. */
class Found extends Error {
  readonly comparison: Comparison
  constructor(comparison: Comparison) {
    super()
    this.comparison = comparison
  }
}

export async function planWithoutPolicy(central: CentralDatabase, request: ComparisonRequest): Promise<Comparison> {
  try {
    await central.transaction(async (tx) => {
      throw new Found(await compareIn(tx, request))
    })
  } catch (error) {
    if (error instanceof Found) return error.comparison
    const state = sqlStateOf(error)
    if (state === undefined || state.startsWith('08')) throw error
    // The central role may read the views, and nothing else of what is shared.
    if (state === '42501') return { notComparable: BY_SCHEMA }
    return { notComparable: `the statement does not run over views (SQLSTATE ${state})` }
  }
  return { notComparable: 'nothing was planned' }
}

async function compareIn(tx: Sql, request: ComparisonRequest): Promise<Comparison> {
  const { relations, centralRole } = request
  const shared = relations.filter(({ isShared }) => isShared)
  const own = request.ownSchema
  const global = relations.filter(({ isShared, schema }) => !isShared && schema !== own && !schema.startsWith('pg_'))
  const schema = quoteIdentifier(`tenantry_explain_${newId().replaceAll('-', '')}`)
  const role = quoteIdentifier(centralRole)
  const path = [schema, ...request.searchPath.map(quoteIdentifier), 'pg_temp'].join(', ')
  await tx.query(`create schema ${schema}; grant usage on schema ${schema} to ${role}`)
  for (const table of [...shared, ...global]) {
    const view = `${schema}.${quoteIdentifier(table.name)}`
    const source = `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`
    const filter = table.isShared ? ` where tenant_id = ${quoteLiteral(request.tenantId)}` : ''
    await tx.query(`create view ${view} as select * from ${source}${filter};
      grant select, insert, update, delete on ${view} to ${role}`)
  }
  await tx.query(`set local search_path = ${path}; set local transaction_read_only = on; set local role ${role}`)
  const { rows } = await tx.query<{ 'QUERY PLAN': readonly Explained[] }>(request.text, request.values)
  const explained = rows[0]?.['QUERY PLAN'][0]
  if (!explained) return { notComparable: 'the server gave no plan' }
  if (!shared.every((table) => isFiltered(explained.Plan, table))) {
    return { notComparable: BY_SCHEMA }
  }
  return { explained }
}

/** Whether each scan of the table has the tenant in its conditions; without, more than the tenant's rows were read. */
function isFiltered(plan: PlanNode, { schema, name }: RelationFacts): boolean {
  const scans = nodesOf(plan).filter(
    (node) => node.Schema === schema && node['Relation Name'] === name && node['Node Type'].endsWith('Scan'),
  )
  return scans.every((node) => [node, ...(node.Plans ?? [])].some((each) => conditionsOf(each).includes('tenant_id')))
}
