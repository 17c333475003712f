// Whether a plan still fits the database and is complete: asked before anything is changed.
import type { CentralDatabase } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { inspectCatalogue } from './inspect.ts'
import type { Inspection } from './inspected.ts'
import type { AdoptPlan } from './plan.ts'

/**
 * The fingerprint that a plan would have if it were made now. Throws PLAN_INVALID, with the place, for a table or a column
 * of the plan that the database does not have.
 */
export async function fingerprintNow(database: CentralDatabase, plan: AdoptPlan): Promise<string> {
  const inspection = await inspectCatalogue(database, plan.schema)
  refuseStrange(plan, inspection)
  return inspection.fingerprint
}

/** Throws PLAN_UNDECIDED, which lists the questions. */
export function refuseUndecided({ tables, questions }: Pick<AdoptPlan, 'tables' | 'questions'>): void {
  const open = tables.filter(({ decision }) => decision === 'undecided').map(({ table }) => table)
  if (open.length === 0) return
  const asked = open.map((table) => questions.find((each) => each.table === table)?.question ?? `Whose is ${table}?`)
  throw new TenantryError('PLAN_UNDECIDED', asked.join(' '), {
    fix: `Decide it in the plan, or with ${open.map((table) => `--decide '${table}=…'`).join(' ')}.`,
  })
}

function refuseStrange(plan: AdoptPlan, { tables }: Inspection): void {
  const columnsOf = new Map(tables.map(({ table, columns }) => [table, columns.map(({ name }) => name)]))
  for (const [i, { table, path, column }] of plan.tables.entries()) {
    const own = columnsOf.get(table)
    if (own === undefined) throw strange(`tables[${i}].table`, `${table} is not in the database`)
    if (column !== null && !own.includes(column))
      throw strange(`tables[${i}].column`, `${table} has no column ${column}`)
    let from = own
    for (const [s, step] of path.entries()) {
      const to = columnsOf.get(step.table) ?? []
      const missing =
        step.columns.find((name) => !from.includes(name)) ?? step.references.find((name) => !to.includes(name))
      if (missing !== undefined) throw strange(`tables[${i}].path[${s}]`, `there is no column ${missing}`)
      from = to
    }
  }
}

function strange(field: string, what: string): TenantryError {
  return new TenantryError('PLAN_INVALID', `The plan is wrong at ${field}: ${what}.`, { field })
}
