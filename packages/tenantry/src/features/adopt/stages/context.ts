// What the stages work with, and what a stage is.
import type { Sql } from '../../../engine/sql/database.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { TenantsOptions } from '../../../tenants/options.ts'
import type { AdoptPlan, AdoptProgress, AdoptStage, AdoptTable } from '../plan.ts'
import { type AdoptFacts, readAdoptFacts, readUniqueSteps } from './adopt-facts.ts'
import type { Rest } from './rest.ts'
import type { AdoptSession } from './session.ts'
import type { Step } from './step.ts'
import { orderTables, type SourceContext } from './tenant-source.ts'

/** What the stages' statements are made from. */
export interface PlanFacts {
  readonly plan: AdoptPlan
  readonly adoptionId: string
  /** The tables that get the column, those first on which others depend. */
  readonly tables: readonly AdoptTable[]
  readonly factsOf: (table: string) => AdoptFacts
  readonly source: SourceContext
  readonly roles: { readonly app: string; readonly central: string }
}

export interface StageContext extends PlanFacts {
  readonly session: AdoptSession
  readonly tenants: TenantsOptions
  readonly batchSize: number
  /** Taken after each batch. */
  readonly rest: Rest
  readonly observeMs: number
  progress(progress: AdoptProgress): void
}

/** One stage: what it runs, and what is done before and after that. */
export interface Stage {
  readonly stage: AdoptStage
  /** What it will do to the database, for review and for running. */
  steps(facts: PlanFacts, sql: Sql): Promise<readonly Step[]>
  before?(context: StageContext): Promise<void>
  after?(context: StageContext): Promise<void>
  /** Before its steps are taken back; `last` is the stage that stays, null where none does. */
  beforeUndo?(context: StageContext, last: AdoptStage | null): Promise<void>
  afterUndo?(context: StageContext): Promise<void>
  /** Statements shown to a reviewer beside the steps. */
  describe?(facts: PlanFacts): readonly string[]
}

export interface FactsInput {
  readonly plan: AdoptPlan
  readonly adoptionId: string
  readonly defaultTenant: string | null
  readonly roles: PlanFacts['roles']
}

/** Reads the catalogue for a plan. Throws PLAN_INVALID where paths go in a circle, and TABLE_NOT_FOUND. */
export async function readPlanFacts(
  sql: Sql,
  { plan, adoptionId, defaultTenant, roles }: FactsInput,
): Promise<PlanFacts> {
  const tables = orderTables(plan)
  if (tables === undefined) {
    throw new TenantryError(
      'PLAN_INVALID',
      'The paths of the plan go in a circle: no table in it has its tenant first.',
    )
  }
  const facts = new Map<string, AdoptFacts>()
  for (const { table, decision } of plan.tables) {
    if (decision !== 'undecided') facts.set(table, await readAdoptFacts(sql, table))
  }
  const factsOf = (table: string): AdoptFacts => {
    const found = facts.get(table)
    if (found === undefined) throw new TenantryError('PLAN_INVALID', `The plan says nothing of the table ${table}.`)
    return found
  }
  const uniqueSteps = await readUniqueSteps(sql, plan)
  return { plan, adoptionId, tables, factsOf, roles, source: { adoptionId, plan, defaultTenant, uniqueSteps } }
}
