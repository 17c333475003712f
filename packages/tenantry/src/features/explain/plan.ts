// A plan as EXPLAIN (FORMAT JSON) gives it, and the walks over it. Pure.

/** One node; the names are EXPLAIN's own. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Total Cost': number
  readonly 'Plan Rows': number
  readonly 'Startup Cost'?: number
  readonly 'Actual Rows'?: number
  readonly 'Actual Total Time'?: number
  readonly 'Actual Loops'?: number
  readonly 'Relation Name'?: string
  readonly Schema?: string
  readonly Alias?: string
  readonly 'Index Name'?: string
  readonly 'Subplan Name'?: string
  readonly Filter?: string
  readonly 'Index Cond'?: string
  readonly 'Recheck Cond'?: string
  readonly Output?: readonly string[]
  readonly Plans?: readonly PlanNode[]
  readonly [detail: string]: unknown
}

/** What EXPLAIN answers for one statement. */
export interface Explained {
  readonly Plan: PlanNode
  readonly 'Planning Time'?: number
  readonly 'Execution Time'?: number
}

/** A table as a plan names it. */
export interface PlannedRelation {
  readonly schema: string
  readonly name: string
}

/** The node and everything below it, parents first. */
export function nodesOf(plan: PlanNode): readonly PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
}

/** Whether this is the verification of the tenant, which the planner sets up beside each table under a policy. */
export function isVerification(node: PlanNode): boolean {
  const subplan = node['Subplan Name']
  return subplan?.startsWith('InitPlan') === true && VERIFIES.test((node.Output ?? []).join())
}

const VERIFIES = /\bcurrent_tenant_id\(\)/

/** The tables that the plan reads or writes, each once. */
export function relationsOf(plan: PlanNode): readonly PlannedRelation[] {
  const found = new Map<string, PlannedRelation>()
  for (const { Schema: schema, 'Relation Name': name } of nodesOf(plan)) {
    if (schema !== undefined && name !== undefined) found.set(`${schema}\0${name}`, { schema, name })
  }
  return [...found.values()]
}

/** Everything that a node, or the index scan right below it, restricts its rows by. */
export function conditionsOf(node: PlanNode): string {
  const own = [node.Filter, node['Index Cond'], node['Recheck Cond']]
  return own.filter((condition) => condition !== undefined).join(' ')
}
