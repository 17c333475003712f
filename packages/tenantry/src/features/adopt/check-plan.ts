// Whether a plan can be applied at all, and whether two plans are the same. Pure.
import { TenantryError } from '../../kernel/errors.ts'
import { adoptStages, type AdoptPlan, type AdoptStage } from './plan.ts'

/** The stages of a plan's target, in order. */
export function stagesOf({ target }: Pick<AdoptPlan, 'target'>): readonly AdoptStage[] {
  if (target === 'row') return adoptStages
  return [...adoptStages.slice(0, adoptStages.indexOf('observe')), 'split']
}

/** Throws PLAN_INVALID for what is no plan of this format, and PLAN_UNDECIDED while it has questions. */
export function checkPlan(plan: AdoptPlan): void {
  // It comes from a file, whatever its type says.
  const { format, tables }: { readonly format?: unknown; readonly tables?: unknown } = plan
  if (format !== 1 || !Array.isArray(tables) || tables.length === 0) {
    throw new TenantryError('PLAN_INVALID', 'This is not a plan of a format that this version knows.')
  }
  const open = [...plan.questions, ...plan.tables.filter(({ decision }) => decision === 'undecided')]
  if (open.length > 0) {
    const names = [...new Set(open.map(({ table }) => table))].join(', ')
    throw new TenantryError('PLAN_UNDECIDED', `The plan does not say yet what becomes of ${names}.`)
  }
  const { root } = plan
  if (root.kind === 'table' && !plan.tables.some(({ table }) => table === root.table)) {
    throw new TenantryError('PLAN_INVALID', `The plan says nothing of its root ${root.table}.`)
  }
  if (root.kind === 'default') return
  for (const { table, decision, path, column, orphans } of plan.tables) {
    const isRoot = root.kind === 'table' && root.table === table
    if (decision !== 'tenant' || isRoot || path.length > 0 || column !== null || orphans !== null) continue
    throw new TenantryError('PLAN_INVALID', `The plan has no way from ${table} to a tenant.`, { field: table })
  }
}

/** Checks the name of a stage. Throws INVALID_INPUT. */
export function checkStage(plan: AdoptPlan, stage: AdoptStage | undefined): AdoptStage {
  const stages = stagesOf(plan)
  const wanted = stage ?? stages.at(-1)
  if (wanted !== undefined && stages.includes(wanted)) return wanted
  throw new TenantryError('INVALID_INPUT', `The plan has no such stage; it has ${stages.join(', ')}.`, { field: 'to' })
}

/**
 * What of a plan may not change while it is being applied. Pilots, tenants for orphans, reasons and counts may.
 */
export function lastingPart(plan: AdoptPlan): string {
  const tables = plan.tables.map(({ table, decision, path, column, keys }) => [
    table,
    decision,
    path.map((step) => [step.columns, step.table, step.references]),
    column,
    keys.map((key) => [key.name, key.decision]),
  ])
  return JSON.stringify([plan.database, plan.fingerprint, plan.schema, plan.target, rootPart(plan), tables])
}

const rootPart = ({ root }: AdoptPlan): readonly unknown[] => {
  if (root.kind === 'table') return [root.kind, root.table, root.key]
  return root.kind === 'column' ? [root.kind, root.column] : [root.kind, root.slug]
}
