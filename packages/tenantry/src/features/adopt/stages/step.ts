// A step of a stage, and how it is run and taken back: each is written down by the transaction that makes it, so whoever
// comes after a crash goes on exactly there.
import { createHash } from 'node:crypto'
import type { Sql } from '../../../engine/sql/database.ts'
import type { AdoptStage } from '../plan.ts'
import type { AdoptSession } from './session.ts'

export interface Step {
  /** The table, mostly; said in progress and errors. */
  readonly subject: string
  readonly statements: readonly string[]
  /** What takes it back, in this order. */
  readonly undo: readonly string[]
  /** The index that its one statement builds outside of transactions. */
  readonly builds?: string
}

/** Where a step is written down. */
export interface StepPlace {
  readonly session: AdoptSession
  readonly adoptionId: string
  readonly stage: AdoptStage
}

const digestOf = (stage: AdoptStage, { subject, statements }: Step): string =>
  createHash('sha256')
    .update(JSON.stringify([stage, subject, statements]))
    .digest('hex')

/** Runs a step where it has not been run. */
export async function runStep(place: StepPlace, step: Step): Promise<void> {
  if (step.builds !== undefined) return buildIndex(place, step, step.builds)
  const { session, adoptionId, stage } = place
  await session.transaction(step.subject, async (tx) => {
    const digest = digestOf(stage, step)
    if (await isDone(tx, adoptionId, digest)) return
    for (const statement of step.statements) await tx.query(statement)
    await tx.query(
      `insert into tenantry.adoption_step (adoption_id, stage, subject, digest, state, undo) values ($1, $2, $3, $4, 'done', $5)`,
      [adoptionId, stage, step.subject, digest, step.undo],
    )
  })
}

async function isDone(tx: Sql, adoptionId: string, digest: string): Promise<boolean> {
  const { rows } = await tx.query(
    `select from tenantry.adoption_step where adoption_id = $1 and digest = $2 and state = 'done'`,
    [adoptionId, digest],
  )
  return rows.length > 0
}

// The undo is on record before there is anything to undo. What an interrupted build left is invalid, and goes first.
async function buildIndex({ session, adoptionId, stage }: StepPlace, step: Step, index: string): Promise<void> {
  const digest = digestOf(stage, step)
  const place = [adoptionId, digest]
  const skip = await session.transaction(step.subject, async (tx) => {
    if (await isDone(tx, adoptionId, digest)) return true
    await tx.query(
      `insert into tenantry.adoption_step (adoption_id, stage, subject, digest, state, undo)
       values ($1, $2, $3, $4, 'begun', $5) on conflict do nothing`,
      [adoptionId, stage, step.subject, digest, step.undo],
    )
    return false
  })
  if (skip) return
  for (const statement of step.statements) {
    await session.outside(step.subject, statement, async () => {
      const rows = await session.read<{ valid: boolean }>(
        'select i.indisvalid as valid from pg_index i where i.indexrelid = to_regclass($1)',
        [index],
      )
      if (rows[0]?.valid === false) await session.transaction(step.subject, (tx) => tx.query(`drop index ${index}`))
      return rows[0]?.valid === true
    })
  }
  await session.transaction(step.subject, (tx) =>
    tx.query(`update tenantry.adoption_step set state = 'done' where adoption_id = $1 and digest = $2`, place),
  )
}

/** Takes back every step of a stage, the last one first. */
export async function undoSteps({ session, adoptionId, stage }: StepPlace): Promise<void> {
  for (;;) {
    const left = await session.transaction(stage, async (tx) => {
      const { rows } = await tx.query<{ seq: string; undo: readonly string[] }>(
        `select seq, undo from tenantry.adoption_step where adoption_id = $1 and stage = $2 order by seq desc limit 1`,
        [adoptionId, stage],
      )
      const step = rows[0]
      if (step === undefined) return false
      for (const statement of step.undo) await tx.query(statement)
      await tx.query('delete from tenantry.adoption_step where adoption_id = $1 and seq = $2', [adoptionId, step.seq])
      return true
    })
    if (!left) return
  }
}
