// Taking stages back, the last one first.
import { TenantryError } from '../../kernel/errors.ts'
import { type AdoptParts, contextOf, withSession } from './adopt-parts.ts'
import { type Adoption, endStage, newestAdoption, readStages } from './adoption-store.ts'
import type { RevertOptions } from './adopt.ts'
import { checkStage, stagesOf } from './check-plan.ts'
import type { AdoptStage } from './plan.ts'
import type { AdoptSession } from './stages/session.ts'
import { stageNamed } from './stages/stage-list.ts'
import { undoSteps } from './stages/step.ts'

export async function revertPlan(parts: AdoptParts, options: RevertOptions): Promise<void> {
  const adoption = await newestAdoption(parts.tenants.database)
  if (adoption === undefined) throw new TenantryError('PLAN_NOT_FOUND', 'No plan was applied to this database.')
  const stages = stagesOf(adoption.plan)
  const last = options.to === undefined ? null : checkStage(adoption.plan, options.to)
  const kept = last === null ? -1 : stages.indexOf(last)
  const taken = new Set(
    (await readStages(parts.tenants.database, adoption.id)).filter(isTaken).map(({ stage }) => stage),
  )
  const back = stages.filter((stage, at) => at > kept && taken.has(stage)).toReversed()
  await withSession(parts, { adoption, options }, async (session) => {
    for (const stage of back) await revertStage(parts, { adoption, options, stage, last }, session)
    if (last === null) {
      await session.transaction('changes', (tx) =>
        tx.query('delete from tenantry.adoption_change where adoption_id = $1', [adoption.id]),
      )
    }
  })
}

const isTaken = ({ state }: { readonly state: string }): boolean => state !== 'reverted'

interface StageToRevert {
  readonly adoption: Adoption
  readonly options: RevertOptions
  readonly stage: AdoptStage
  readonly last: AdoptStage | null
}

async function revertStage(
  parts: AdoptParts,
  { adoption, options, stage, last }: StageToRevert,
  session: AdoptSession,
) {
  const found = stageNamed(stage, parts.stages ?? [])
  if (found === undefined) throw new TenantryError('PLAN_INVALID', `The stage ${stage} cannot be taken back here.`)
  const context = await contextOf(parts, { adoption, options }, session)
  options.onProgress?.({ stage, subject: stage, done: 0, total: null })
  await found.beforeUndo?.(context, last)
  await undoSteps({ session, adoptionId: adoption.id, stage })
  await found.afterUndo?.(context)
  const state = last === null && stage === stagesOf(adoption.plan)[0] ? 'reverted' : 'open'
  await session.transaction(stage, (tx) => endStage(tx, adoption, { stage, state: 'reverted', adoption: state }))
}
