// How far an adoption is.
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { type Adoption, newestAdoption, readStages, type StageState } from './adoption-store.ts'
import { stagesOf } from './check-plan.ts'
import type { AdoptStatus } from './plan.ts'

/** The newest adoption's state. Throws PLAN_NOT_FOUND. */
export async function readStatus(sql: Sql): Promise<AdoptStatus> {
  const adoption = await newestAdoption(sql)
  if (adoption === undefined) throw new TenantryError('PLAN_NOT_FOUND', 'No plan was applied to this database.')
  const states = await readStages(sql, adoption.id)
  const stages = stagesOf(adoption.plan).map((stage) => {
    const found = states.find((each) => each.stage === stage)
    return { stage, state: found?.state ?? 'pending', ...times(found) } as const
  })
  return {
    plan: adoption.plan,
    stage: stages.findLast(({ state }) => state === 'done')?.stage ?? null,
    stages,
    tables: await readTables(sql, adoption),
    observingUntil: await readObserving(sql, adoption),
    observed: await readObserved(sql, adoption),
  }
}

const times = (found: StageState | undefined) => ({
  startedAt: found?.startedAt.toISOString() ?? null,
  finishedAt: found?.finishedAt?.toISOString() ?? null,
})

async function readTables(sql: Sql, { id, plan }: Adoption): Promise<AdoptStatus['tables']> {
  const { rows } = await sql.query<{
    table: string
    before: string | null
    now: string | null
    filled: string
    same: boolean | null
  }>(
    `select table_name as "table", rows_before as before, rows_now as now, backfilled as filled, same
       from tenantry.adoption_table where adoption_id = $1 and row_hash is not null order by table_name`,
    [id],
  )
  return rows.map(({ table, before, now, filled, same }) => ({
    table,
    rowsBefore: before === null ? (plan.tables.find((each) => each.table === table)?.rows ?? 0) : Number(before),
    rowsNow: now === null ? null : Number(now),
    backfilled: Number(filled),
    same,
  }))
}

async function readObserving(sql: Sql, { id }: Adoption): Promise<string | null> {
  const { rows } = await sql.query<{ until: Date }>(
    `select a.observe_until as until from tenantry.adoption a
      where a.id = $1 and a.state = 'open' and a.observe_until > now()
        and exists (select from tenantry.adoption_stage s where s.adoption_id = a.id and s.stage = 'observe' and s.state <> 'reverted')`,
    [id],
  )
  return rows[0]?.until.toISOString() ?? null
}

async function readObserved(sql: Sql, { id }: Adoption): Promise<AdoptStatus['observed']> {
  const { rows } = await sql.query<{ table: string; count: string; lastAt: Date }>(
    `select table_name as "table", count(*) as count, max(at) as "lastAt" from tenantry.adopt_observation
      where adoption_id = $1 group by table_name order by table_name`,
    [id],
  )
  return rows.map(({ table, count, lastAt }) => ({ table, count: Number(count), lastAt: lastAt.toISOString() }))
}
