// Why a table was decided as it was, in one sentence. Pure.
import type { RowAnswers } from './decide-agreement.ts'
import type { Layout } from './decide-layout.ts'
import type { Way } from './decide-ways.ts'
import type { InspectedTable } from './inspected.ts'
import type { PathStep, TableDecision } from './plan.ts'

interface Decided {
  readonly layout: Layout
  readonly decision: TableDecision
  readonly rows: RowAnswers
}

export function reasonOf(table: InspectedTable, { layout, decision }: Decided): string {
  const { answers, globals } = layout
  const chosen = answers.has(table.table) ? ', chosen' : ''
  if (decision === 'undecided') return 'It cannot be told from the keys.'
  if (decision === 'global') {
    const from = globals.get(table.table)
    if (from === null || from === undefined) return 'It belongs to all tenants, chosen.'
    return `${from} refers to it, and no key of its own leads to a tenant.`
  }
  return `${tenantReason(table, layout)}${chosen}.`
}

function tenantReason(table: InspectedTable, { root, ends, ways, placed }: Layout): string {
  const slug = placed.get(table.table)
  if (slug !== undefined) return `All its rows go to the tenant ${slug}`
  if (root.kind === 'default') return `Everything belongs to the tenant ${root.slug}`
  if (ends.has(table.table)) {
    return root.kind === 'table'
      ? 'It is the root: each of its rows is a tenant'
      : `Its column ${root.column} names the tenant`
  }
  const way = ways.get(table.table)
  return way === undefined ? 'It belongs to tenants' : wayReason(table, way)
}

function wayReason(table: InspectedTable, way: Way): string {
  const others = way.equals.map(({ step }) => stepText(step))
  const agreeing = others.length === 0 ? '' : `; all rows agree with ${others.join(' and ')}`
  const links = isLink(table) ? 'It links tables and finds' : 'It finds'
  const missing = way.isRequired ? '' : ', which may be missing'
  return `${links} its tenant by ${pathText(way.steps)}${missing}${agreeing}`
}

/** A table whose primary key is made of foreign keys, as many-to-many tables are. */
function isLink({ primaryKey, foreignKeys }: InspectedTable): boolean {
  const referring = new Set(foreignKeys.flatMap(({ columns }) => columns))
  return foreignKeys.length > 1 && primaryKey.length > 1 && primaryKey.every((column) => referring.has(column))
}

const stepText = ({ columns, table }: PathStep) => `${columns.join(', ')} → ${table}`

/** `invoice_id → public.invoice, customer_id → public.customer` */
export function pathText(path: readonly PathStep[]): string {
  return path.map(stepText).join(', ')
}
