// Makes a plan: looks at the database, decides what the keys say, and asks the rows where keys are not enough.
import type { CentralDatabase } from '../../engine/sql/database.ts'
import { askRows } from './decide-agreement.ts'
import type { AdoptAnswer } from './decide-answers.ts'
import { layOut } from './decide-layout.ts'
import { decideRoot, type RootRequest } from './decide-root.ts'
import { decideTables, openPoints } from './decide.ts'
import { inspectDatabase } from './inspect.ts'
import type { Inspection } from './inspected.ts'
import type { AdoptPlan } from './plan.ts'

export interface PlanRequest {
  readonly root: RootRequest
  /** Default: `public`. */
  readonly schema?: string | undefined
  /** Default: `row`. */
  readonly target?: 'row' | 'schema' | undefined
  readonly answers?: readonly AdoptAnswer[] | undefined
  /** Slugs that are the first to be enforced for. */
  readonly pilot?: readonly string[] | undefined
}

/**
 * A plan for the database, with its questions where it has some. It changes nothing. Throws TABLE_NOT_FOUND,
 * INVALID_INPUT, SLUG_INVALID, and PLAN_INVALID for answers that contradict the database or each other.
 */
export async function makePlan(database: CentralDatabase, request: PlanRequest): Promise<AdoptPlan> {
  const inspection = await inspectDatabase(database, request.schema ?? 'public')
  return planOf(database, inspection, request)
}

/** As `makePlan`, from a look that was taken before. */
export async function planOf(
  database: CentralDatabase,
  inspection: Inspection,
  { root: named, target = 'row', answers = [], pilot = [] }: PlanRequest,
): Promise<AdoptPlan> {
  const { tables } = inspection
  const root = decideRoot(tables, named)
  const layout = layOut(tables, root, answers)
  const rows = await askRows(database, { root, tables, ...openPoints(layout) })
  return {
    format: 1,
    database: inspection.database,
    fingerprint: inspection.fingerprint,
    schema: inspection.schema,
    target,
    root,
    ...decideTables(inspection, layout, rows),
    pilot,
    createdAt: new Date().toISOString(),
  }
}
