// The SQL of each stage, for review before anything is run.
import type { StageStatements } from './adopt.ts'
import { type AdoptParts, factsOf } from './adopt-parts.ts'
import { newestAdoption } from './adoption-store.ts'
import { checkPlan, lastingPart, stagesOf } from './check-plan.ts'
import type { AdoptPlan } from './plan.ts'
import { stageNamed } from './stages/stage-list.ts'

const NIL = '00000000-0000-0000-0000-000000000000'

/** What each stage runs as the database is now; of stages that are done, what is left of them. */
export async function stageStatements(parts: AdoptParts, plan: AdoptPlan): Promise<readonly StageStatements[]> {
  checkPlan(plan)
  const { database, roles } = parts.tenants
  const newest = await newestAdoption(database)
  const goesOn = newest?.state === 'open' && lastingPart(newest.plan) === lastingPart(plan)
  const facts = await factsOf(database, { id: goesOn ? newest.id : NIL, plan }, roles)
  const found: StageStatements[] = []
  for (const stage of stagesOf(plan)) {
    const known = stageNamed(stage, parts.stages ?? [])
    // Pilots are tenants that may not be registered yet.
    const steps = stage === 'pilot' ? [] : ((await known?.steps(facts, database)) ?? [])
    const statements = [...steps.flatMap((step) => step.statements), ...(known?.describe?.(facts) ?? [])]
    found.push({ stage, statements })
  }
  return found
}
