// Applying a plan: the stages in order, each begun and ended on record, so that it can be gone on with at any point.
import { sqlStateOf } from '../../engine/sql/database-errors.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { type AdoptParts, contextOf, withSession } from './adopt-parts.ts'
import {
  type Adoption,
  beginAdoption,
  beginStage,
  endStage,
  newestAdoption,
  readStages,
  replacePlan,
} from './adoption-store.ts'
import type { ApplyOptions } from './adopt.ts'
import { checkPlan, checkStage, lastingPart, stagesOf } from './check-plan.ts'
import type { AdoptPlan, AdoptStage } from './plan.ts'
import { refuseUnfit } from './preflight.ts'
import type { StageContext } from './stages/context.ts'
import { explainRequired } from './stages/required.ts'
import type { AdoptSession } from './stages/session.ts'
import { stageNamed } from './stages/stage-list.ts'
import { runStep } from './stages/step.ts'
import { readStructure } from './structure.ts'

export async function applyPlan(parts: AdoptParts, plan: AdoptPlan, options: ApplyOptions): Promise<void> {
  checkPlan(plan)
  const last = checkStage(plan, options.to)
  const adoption = await beginOrGoOn(parts, plan)
  await withSession(parts, { adoption, options }, async (session) => {
    for (const stage of stagesOf(plan)) {
      await applyStage(parts, { adoption, options, stage }, session)
      if (stage === last) break
    }
  })
}

/** The adoption of this plan, begun where there is none. Throws PLAN_OUTDATED while another plan is under way. */
async function beginOrGoOn(parts: AdoptParts, plan: AdoptPlan): Promise<Adoption> {
  const { database } = parts.tenants
  const newest = await newestAdoption(database)
  const isSame = newest !== undefined && lastingPart(newest.plan) === lastingPart(plan)
  if (newest?.state === 'open' && !isSame) {
    throw new TenantryError('PLAN_OUTDATED', 'Another plan is being applied to this database.', {
      fix: 'Go on with that plan, or take it back with `tenantry adopt revert`.',
    })
  }
  if (isSame && newest.state === 'complete') return newest
  if (isSame && newest.state === 'open') {
    await replacePlan(database, newest, plan)
    return { ...newest, plan }
  }
  await refuseUnfit(parts, plan)
  return beginAdoption(database, plan, await readStructure(database, plan.schema))
}

interface StageToApply {
  readonly adoption: Adoption
  readonly options: ApplyOptions
  readonly stage: AdoptStage
}

async function applyStage(
  parts: AdoptParts,
  { adoption, options, stage }: StageToApply,
  session: AdoptSession,
): Promise<void> {
  const before = (await readStages(parts.tenants.database, adoption.id)).find((each) => each.stage === stage)
  if (before?.state === 'done') return
  const found = stageNamed(stage, parts.stages ?? [])
  if (found === undefined) throw new TenantryError('PLAN_INVALID', `The stage ${stage} cannot be applied here.`)
  // A stage that is under way may itself have dropped keys.
  if (before?.state !== 'running') await refuseChanged(parts, adoption)
  await session.transaction(stage, (tx) => beginStage(tx, adoption.id, stage))
  options.onProgress?.({ stage, subject: stage, done: 0, total: null })
  const context = await contextOf(parts, { adoption, options }, session)
  await found.before?.(context)
  const steps = await found.steps(context, session.sql)
  for (const [at, step] of steps.entries()) {
    session.signal?.throwIfAborted()
    await runStep({ session, adoptionId: adoption.id, stage }, step).catch((error: unknown) => {
      throw stageError(explainRequired(error, step.subject), stage, step.subject)
    })
    context.progress({ stage, subject: step.subject, done: at + 1, total: steps.length })
  }
  await finish(context, stage, () => found.after?.(context) ?? Promise.resolve())
  const state = stage === stagesOf(adoption.plan).at(-1) ? 'complete' : 'open'
  await session.transaction(stage, (tx) => endStage(tx, adoption, { stage, state: 'done', adoption: state }))
}

async function finish({ session }: StageContext, stage: AdoptStage, after: () => Promise<void>): Promise<void> {
  await after().catch((error: unknown) => {
    throw session.signal?.aborted === true ? error : stageError(error, stage, stage)
  })
}

async function refuseChanged({ tenants }: AdoptParts, { plan, structure }: Adoption): Promise<void> {
  if ((await readStructure(tenants.database, plan.schema)) === structure) return
  throw new TenantryError(
    'PLAN_OUTDATED',
    `Tables of the schema ${plan.schema} were changed since the plan was begun.`,
    {
      fix: 'Undo that change, or take the stages back with `tenantry adopt revert` and make a new plan.',
    },
  )
}

/** An error of the database as one of the stage; those of ours and aborts stay as they are. */
function stageError(error: unknown, stage: AdoptStage, subject: string): unknown {
  const sqlState = sqlStateOf(error)
  if (error instanceof TenantryError || sqlState === undefined) return error
  return new TenantryError('ADOPT_STAGE_FAILED', `The stage ${stage} failed at ${subject} (SQLSTATE ${sqlState}).`, {
    cause: error,
    sqlState,
  })
}
