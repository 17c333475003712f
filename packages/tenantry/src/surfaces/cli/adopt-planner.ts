// One look at a database, from which `adopt plan` can make as many plans as it takes to have every question answered.
import type { Inspection } from '../../features/adopt/inspected.ts'
import type { PlanRequest } from '../../features/adopt/plan-make.ts'
import type { AdoptPlan } from '../../features/adopt/plan.ts'

export interface AdoptPlanner {
  readonly inspection: Inspection
  plan(request: PlanRequest): Promise<AdoptPlan>
  /** Whether `tenantry init` was run in the database. */
  hasControlPlane(): Promise<boolean>
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
    return {
      inspection,
      plan: (request) => planOf(database, inspection, request),
      async hasControlPlane() {
        const { rows } = await database.query<{ there: boolean }>(
          `select to_regclass('tenantry.adoption') is not null as there`,
        )
        return rows[0]?.there ?? false
      },
      close: () => database.close(),
    }
  } catch (error) {
    await database.close()
    throw error
  }
}
