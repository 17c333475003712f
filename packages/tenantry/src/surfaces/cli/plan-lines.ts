// A plan as an indented tree, one line a node and one for each condition. The verification of the tenant, which stands
// beside each table under a policy, is left out: it is told once for the statement.
import { isVerification, type PlanNode } from '../../features/explain/plan.ts'
import { plain } from './text.ts'

const DETAILS = [
  'Index Cond',
  'Recheck Cond',
  'Hash Cond',
  'Merge Cond',
  'Join Filter',
  'One-Time Filter',
  'Filter',
] as const
const INDENT = '  '

/** Lines of the tree, printable. */
export function planLines(node: PlanNode, depth = 1): string[] {
  const margin = INDENT.repeat(depth)
  const details = DETAILS.flatMap((name) => {
    const value = node[name]
    return typeof value === 'string' ? [`${margin}${INDENT}${name}: ${plain(value)}`] : []
  })
  const below = (node.Plans ?? []).filter((each) => !isVerification(each))
  return [`${margin}${headOf(node)}`, ...details, ...below.flatMap((each) => planLines(each, depth + 1))]
}

function headOf(node: PlanNode): string {
  const subplan = node['Subplan Name'] === undefined ? '' : `${node['Subplan Name']}: `
  const operation = typeof node['Operation'] === 'string' ? ` ${node['Operation']}` : ''
  const index = node['Index Name'] === undefined ? '' : ` using ${node['Index Name']}`
  const table = node['Relation Name'] === undefined ? '' : ` on ${node.Schema ?? ''}.${node['Relation Name']}`
  return plain(`${subplan}${node['Node Type']}${operation}${index}${table}  (${figuresOf(node)})`)
}

function figuresOf(node: PlanNode): string {
  const estimate = `cost ${node['Total Cost']}, ${rows(node['Plan Rows'])}`
  const { 'Actual Rows': actual, 'Actual Total Time': ms, 'Actual Loops': loops = 1 } = node
  if (actual === undefined) return estimate
  const times = loops === 1 ? '' : `, ${loops} times`
  return `${estimate}; ran: ${rows(actual)} in ${ms ?? 0} ms${times}`
}

const rows = (count: number) => (count === 1 ? '1 row' : `${count} rows`)
