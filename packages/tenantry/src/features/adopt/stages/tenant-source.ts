// How a row finds its tenant, as SQL: along its foreign keys to the nearest table that has the tenant already. Pure.
import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.ts'
import type { AdoptPlan, AdoptTable, PathStep } from '../plan.ts'

/** What the sources of one plan are made from. */
export interface SourceContext {
  readonly adoptionId: string
  readonly plan: AdoptPlan
  /** The tenant of the root `default`. */
  readonly defaultTenant: string | null
  /** Steps whose target columns name at most one row, as `stepKey` writes them. */
  readonly uniqueSteps: ReadonlySet<string>
}

/** Tables to join and conditions, which give the tenant as `value`. */
export interface TenantSource {
  readonly from: readonly string[]
  readonly where: readonly string[]
  readonly value: string
  /** Several rows may be found; they have to agree. */
  readonly mayDisagree: boolean
}

type Refer = (column: string) => string

export const stepKey = (step: PathStep): string => JSON.stringify([step.table, ...step.references])

/** Tables that get the column, those first on which others depend; undefined where their paths go in a circle. */
export function orderTables(plan: AdoptPlan): readonly AdoptTable[] | undefined {
  const wanted = new Map(plan.tables.filter(isTenantTable).map((table) => [table.table, table]))
  const ordered: AdoptTable[] = []
  const done = new Set<string>()
  while (ordered.length < wanted.size) {
    const ready = [...wanted.values()]
      .filter(({ table }) => !done.has(table))
      .filter((table) =>
        hopsOf(plan, table).every((hop) => hop.table === table.table || !wanted.has(hop.table) || done.has(hop.table)),
      )
    if (ready.length === 0) return undefined
    for (const table of ready) done.add(table.table)
    ordered.push(...ready)
  }
  return ordered
}

export const isTenantTable = ({ decision }: AdoptTable): boolean => decision === 'tenant'

export const isRoot = ({ root }: AdoptPlan, table: string): boolean => root.kind === 'table' && root.table === table

/** The steps up to the first table that has a tenant itself, or to the root. */
export function hopsOf(plan: AdoptPlan, { path }: AdoptTable): readonly PathStep[] {
  const tenants = new Set(plan.tables.filter(isTenantTable).map(({ table }) => table))
  const last = path.findIndex(({ table }) => tenants.has(table) || isRoot(plan, table))
  return last < 0 ? path : path.slice(0, last + 1)
}

/** How rows of a table find their tenant; `refer` names a column of the row. */
export function tenantSource(context: SourceContext, table: AdoptTable, refer: Refer): TenantSource | undefined {
  const { plan } = context
  if (context.defaultTenant !== null) {
    return { from: [], where: [], value: `${quoteLiteral(context.defaultTenant)}::uuid`, mayDisagree: false }
  }
  if (isRoot(plan, table.table) && plan.root.kind === 'table') return mapped(context, refer(plan.root.key))
  if (table.column !== null) return mapped(context, refer(table.column))
  return alongPath(context, hopsOf(plan, table), refer)
}

function mapped({ adoptionId }: SourceContext, key: string, before: Partial<TenantSource> = {}): TenantSource {
  return {
    from: [...(before.from ?? []), 'tenantry.adopt_tenant m'],
    where: [...(before.where ?? []), `m.adoption_id = ${quoteLiteral(adoptionId)}`, `m.root_key = ${key}::text`],
    value: 'm.tenant_id',
    mayDisagree: before.mayDisagree ?? false,
  }
}

interface Walk {
  readonly from: readonly string[]
  readonly where: readonly string[]
  readonly mayDisagree: boolean
  /** Names a column of the row where the walk is. */
  readonly refer: Refer
}

function alongPath(context: SourceContext, hops: readonly PathStep[], refer: Refer): TenantSource | undefined {
  const { plan } = context
  let walk: Walk = { from: [], where: [], mayDisagree: false, refer }
  for (const [at, hop] of hops.entries()) {
    // The root's key is in the row already: nothing to ask the root for.
    if (isRootKey(plan, hop)) return mapped(context, walk.refer(hop.columns[0] ?? ''), walk)
    walk = takeStep(context, walk, { hop, alias: `h${at + 1}` })
  }
  return walkEnd(context, walk, hops.at(-1)?.table)
}

const isRootKey = ({ root }: AdoptPlan, { table, references }: PathStep): boolean =>
  root.kind === 'table' && root.table === table && references.length === 1 && references[0] === root.key

function takeStep(context: SourceContext, walk: Walk, { hop, alias }: { hop: PathStep; alias: string }): Walk {
  const refer: Refer = (column) => `${alias}.${quoteIdentifier(column)}`
  const on = hop.columns.map((column, at) => `${refer(hop.references[at] ?? '')} = ${walk.refer(column)}`)
  return {
    from: [...walk.from, `${hop.table} ${alias}`],
    where: [...walk.where, ...on],
    mayDisagree: walk.mayDisagree || !context.uniqueSteps.has(stepKey(hop)),
    refer,
  }
}

function walkEnd(context: SourceContext, walk: Walk, last: string | undefined): TenantSource | undefined {
  const { plan } = context
  const target = plan.tables.find(({ table }) => table === last)
  if (target === undefined) return undefined
  if (isTenantTable(target)) return { ...walk, value: walk.refer('tenant_id') }
  if (isRoot(plan, target.table) && plan.root.kind === 'table') {
    return mapped(context, walk.refer(plan.root.key), walk)
  }
  return target.column === null ? undefined : mapped(context, walk.refer(target.column), walk)
}

/** The source as one value. Where several rows disagree the database refuses it: cardinality_violation. */
export function asValue({ from, where, value, mayDisagree }: TenantSource): string {
  if (from.length === 0) return value
  return `(select ${mayDisagree ? 'distinct ' : ''}${value} from ${from.join(', ')} where ${where.join(' and ')})`
}
