// Puts the parts together into what `tenantry.adopt` offers.
import type { Adopt } from './adopt.ts'
import type { AdoptParts } from './adopt-parts.ts'
import { applyPlan } from './apply.ts'
import { makePlan } from './plan-make.ts'
import { revertPlan } from './revert.ts'
import { stageStatements } from './stage-statements.ts'
import { readStatus } from './status.ts'

/** Adoption over the control plane's database. */
export function createAdopt(parts: AdoptParts): Adopt {
  const status = () => readStatus(parts.tenants.database)
  return {
    plan: (request) => makePlan(parts.tenants.database, request),
    async apply(plan, options = {}) {
      await applyPlan(parts, plan, options)
      return status()
    },
    async revert(options = {}) {
      await revertPlan(parts, options)
      return status()
    },
    status,
    statements: (plan) => stageStatements(parts, plan),
  }
}
