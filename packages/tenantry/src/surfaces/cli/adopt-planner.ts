// One look at a database, from which `adopt plan` can make as many plans as it takes to have every question answered.
import type { PlanRequest } from '../../features/adopt/plan-make.ts'
import type { AdoptPlan } from '../../features/adopt/plan.ts'

export interface AdoptPlanner {
  plan(request: PlanRequest): Promise<AdoptPlan>
  close(): Promise<void>
}

/** Looks at the schema, and needs nothing of Tenantry in the database. Throws TABLE_NOT_FOUND. */
export async function openPlanner(adminUrl: string, schema: string): Promise<AdoptPlanner> {
  const [{ openCentralDatabase }, { inspectDatabase }, { planOf }] = await Promise.all([
    import('../../engine/sql/central-database.ts'),
    import('../../features/adopt/inspect.ts'),
    import('../../features/adopt/plan-make.ts'),
  ])
  const database = openCentralDatabase({ url: adminUrl, max: 1, applicationName: 'tenantry adopt' })
  try {
    const inspection = await inspectDatabase(database, schema)
    return { plan: (request) => planOf(database, inspection, request), close: () => database.close() }
  } catch (error) {
    await database.close()
    throw error
  }
}
