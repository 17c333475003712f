// The stages in the order in which they are applied.
import type { AdoptStage } from '../plan.ts'
import { backfillStage } from './backfill.ts'
import { columnsStage } from './columns.ts'
import type { Stage } from './context.ts'
import { enforceStage } from './enforce.ts'
import { keysStage } from './keys.ts'
import { observeStage, pilotStage } from './observe.ts'
import { tenantsStage } from './register-tenants.ts'
import { requiredStage } from './required.ts'

const own: readonly Stage[] = [
  ...[tenantsStage, columnsStage, backfillStage, requiredStage, keysStage],
  ...[observeStage, pilotStage, enforceStage],
]

/** The stage of a name, of those here or of `others`. */
export function stageNamed(stage: AdoptStage, others: readonly Stage[]): Stage | undefined {
  return [...own, ...others].find((each) => each.stage === stage)
}
