// The adoption on record: its plan, and the state of its stages.
import type { Sql } from '../../engine/sql/database.ts'
import { newId } from '../../kernel/ids.ts'
import { recordFact } from '../../tenants/events.ts'
import type { AdoptPlan, AdoptStage } from './plan.ts'

export interface Adoption {
  readonly id: string
  readonly plan: AdoptPlan
  /** Of the tables when it began, as `readStructure` writes it. */
  readonly structure: string
  readonly state: 'open' | 'complete' | 'reverted'
}

export interface StageState {
  readonly stage: AdoptStage
  readonly state: 'running' | 'done' | 'reverted'
  readonly startedAt: Date
  readonly finishedAt: Date | null
}

/** The newest adoption of this database. */
export async function newestAdoption(sql: Sql): Promise<Adoption | undefined> {
  const { rows } = await sql.query<Adoption>(
    'select id, plan, structure, state from tenantry.adoption order by created_at desc, id desc limit 1',
  )
  return rows[0]
}

export async function beginAdoption(sql: Sql, plan: AdoptPlan, structure: string): Promise<Adoption> {
  const id = newId()
  await sql.query('insert into tenantry.adoption (id, plan, structure) values ($1, $2, $3)', [
    id,
    JSON.stringify(plan),
    structure,
  ])
  return { id, plan, structure, state: 'open' }
}

export async function replacePlan(sql: Sql, { id }: Adoption, plan: AdoptPlan): Promise<void> {
  await sql.query(`update tenantry.adoption set plan = $2, state = 'open' where id = $1`, [id, JSON.stringify(plan)])
}

export async function readStages(sql: Sql, adoptionId: string): Promise<readonly StageState[]> {
  const { rows } = await sql.query<StageState>(
    `select stage, state, started_at as "startedAt", finished_at as "finishedAt" from tenantry.adoption_stage where adoption_id = $1`,
    [adoptionId],
  )
  return rows
}

export async function beginStage(tx: Sql, adoptionId: string, stage: AdoptStage): Promise<void> {
  await tx.query(
    `insert into tenantry.adoption_stage (adoption_id, stage, state) values ($1, $2, 'running')
     on conflict (adoption_id, stage) do update set state = 'running', finished_at = null,
       started_at = case adoption_stage.state when 'running' then adoption_stage.started_at else now() end`,
    [adoptionId, stage],
  )
}

export interface EndedStage {
  readonly stage: AdoptStage
  readonly state: 'done' | 'reverted'
  /** Of the adoption, from now on. */
  readonly adoption: Adoption['state']
}

/** Ends a stage, on record as an event and in the audit log. */
export async function endStage(tx: Sql, { id }: Adoption, { stage, state, adoption }: EndedStage): Promise<void> {
  await tx.query(
    'update tenantry.adoption_stage set state = $3, finished_at = now() where adoption_id = $1 and stage = $2',
    [id, stage, state],
  )
  await tx.query('update tenantry.adoption set state = $2 where id = $1 and state <> $2', [id, adoption])
  const verb = state === 'done' ? 'applied' : 'reverted'
  await recordFact(tx, {
    event: `adoption.stage_${verb}`,
    action: `adoption.${state === 'done' ? 'apply' : 'revert'}`,
    tenant: null,
    actor: 'adopt',
    at: new Date(),
    detail: { stage },
  })
}
