// Runs in the control plane: the lease that one of them holds, and what became of each.
import type { CentralDatabase, Sql } from '../../../engine/sql/database.ts'
import type { ErrorCode } from '../../../kernel/error-codes.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { recordEntry, recordFact } from '../../../tenants/events.ts'
import type { MigrationFailure, MigrationRun, MigrationRunState } from '../fleet.ts'

/** What a run has come to, as its heartbeat writes it down. */
export interface RunTally {
  readonly total: number
  readonly upToDate: number
  readonly done: number
  readonly failed: number
  readonly wave: number
}

interface RunRow extends RunTally {
  readonly id: string
  readonly state: MigrationRunState
  readonly target: string | null
  readonly shared: readonly string[]
  readonly reason: string | null
  readonly startedAt: string
  readonly finishedAt: string | null
  readonly durationMs: number
  readonly failures: readonly (Omit<MigrationFailure, 'code'> & { readonly code: ErrorCode })[]
}

const iso = (column: string) => `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** As RunRow reads it; of `tenantry.migration_run r`. */
export const runColumns = `r.id, r.state, r.target, r.shared, r.total, r.up_to_date as "upToDate", r.done, r.failed, r.wave,
  r.reason, ${iso('r.started_at')} as "startedAt", ${iso('r.finished_at')} as "finishedAt",
  (extract(epoch from coalesce(r.finished_at, clock_timestamp()) - r.started_at) * 1000)::float8 as "durationMs",
  coalesce((select json_agg(json_build_object('tenantId', f.tenant_id, 'slug', t.slug, 'code', f.code, 'sqlState', f.sql_state,
      'migration', f.migration, 'message', f.message, 'attempts', f.attempts) order by f.tenant_id)
    from tenantry.migration_failure f join tenantry.tenant t on t.id = f.tenant_id where f.run_id = r.id), '[]') as failures`

export function toRun({ id, ...row }: RunRow): MigrationRun {
  return { runId: id, dryRun: false, ...row }
}

const KEPT = 100

/** The newest runs, newest first. */
export async function readRuns(sql: Sql): Promise<readonly MigrationRun[]> {
  const { rows } = await sql.query<RunRow>(
    `select ${runColumns} from tenantry.migration_run r order by r.started_at desc, r.id desc limit ${KEPT}`,
  )
  return rows.map(toRun)
}

/** Throws MIGRATION_RUN_NOT_FOUND. */
export async function readRun(sql: Sql, id: string): Promise<MigrationRun> {
  const { rows } = await sql.query<RunRow>(`select ${runColumns} from tenantry.migration_run r where r.id::text = $1`, [
    id,
  ])
  const row = rows[0]
  if (row === undefined) throw new TenantryError('MIGRATION_RUN_NOT_FOUND', 'There is no such run of migrations.')
  return toRun(row)
}

export interface RunStart {
  readonly id: string
  readonly actor: string
  readonly target: string | null
}

/** Writes down a new run, which holds the lease then; false where another one holds it. */
export async function insertRun(database: CentralDatabase, { id, actor, target }: RunStart): Promise<boolean> {
  return database.transaction(async (tx) => {
    const { rows } = await tx.query(
      `insert into tenantry.migration_run (id, actor, target) values ($1, $2, $3)
       on conflict ((true)) where state = 'running' do nothing returning id`,
      [id, actor, target],
    )
    if (rows.length === 0) return false
    const fact = { event: 'migrations.started', action: 'migrations.up', tenant: null, actor, at: new Date() }
    await recordFact(tx, { ...fact, detail: { runId: id, target } })
    return true
  })
}

export interface RunningRun {
  readonly id: string
  readonly heartbeat: string
  /** By the server's clock. */
  readonly silentMs: number
}

/** The run that holds the lease. */
export async function readRunning(sql: Sql): Promise<RunningRun | undefined> {
  const { rows } = await sql.query<RunningRun>(
    `select id, heartbeat_at::text as heartbeat, (extract(epoch from clock_timestamp() - heartbeat_at) * 1000)::float8 as "silentMs"
       from tenantry.migration_run where state = 'running'`,
  )
  return rows[0]
}

/**
 * Takes the lease of a run that has gone silent away; false where it has been heard of again. Waits for what it still has
 * under way: a transaction of it holds its row, and none commits afterwards.
 */
export async function interruptRun(database: CentralDatabase, run: RunningRun): Promise<boolean> {
  return database.transaction(async (tx) => {
    const { rows } = await tx.query<{ actor: string }>(
      `select actor from tenantry.migration_run where id = $1 and state = 'running' and heartbeat_at::text = $2 for update`,
      [run.id, run.heartbeat],
    )
    const found = rows[0]
    if (found === undefined) return false
    const reason = 'Its process went away.'
    await endRun(tx, { id: run.id, actor: found.actor, state: 'interrupted', reason })
    return true
  })
}

/** What a run that holds its lease is to know. */
export interface Held {
  /** Somebody told it to stop. */
  readonly isToStop: boolean
}

const held = `stop_asked_at is not null as "isToStop"`

/** Renews the lease and writes down how far the run is; undefined where it holds the lease no more. */
export async function renewRun(sql: Sql, id: string, tally: RunTally): Promise<Held | undefined> {
  const { rows } = await sql.query<Held>(
    `update tenantry.migration_run set heartbeat_at = clock_timestamp(), total = $2, up_to_date = $3, done = $4, failed = $5, wave = $6
      where id = $1 and state = 'running' returning ${held}`,
    [id, tally.total, tally.upToDate, tally.done, tally.failed, tally.wave],
  )
  return rows[0]
}

/** Throws MIGRATION_RUNNING unless the run holds the lease, and keeps it from being taken away to the end of the transaction. */
export async function holdRun(tx: Sql, id: string): Promise<Held> {
  const { rows } = await tx.query<Held>(
    `select ${held} from tenantry.migration_run where id = $1 and state = 'running' for key share`,
    [id],
  )
  if (rows[0] !== undefined) return rows[0]
  throw new TenantryError('MIGRATION_RUNNING', 'Another run took this one over.')
}

export interface RunEnd {
  readonly id: string
  readonly actor: string
  readonly state: Exclude<MigrationRunState, 'running'>
  readonly reason: string | null
}

/** Tells a run to stop, whichever process it is in; once, however often it is told. */
export async function askToStop(
  database: CentralDatabase,
  { id, actor }: Pick<RunStart, 'id' | 'actor'>,
): Promise<void> {
  await database.transaction(async (tx) => {
    const { rows } = await tx.query(
      `update tenantry.migration_run set stop_asked_at = clock_timestamp()
        where id::text = $1 and state = 'running' and stop_asked_at is null returning id`,
      [id],
    )
    if (rows.length === 0) return
    await recordEntry(tx, { action: 'migrations.stop', tenant: null, actor, at: new Date(), detail: { runId: id } })
  })
}

/** Writes down how a run ended, and gives its lease back. */
export async function endRun(tx: Sql, { id, actor, state, reason }: RunEnd): Promise<void> {
  const { rows } = await tx.query<RunTally>(
    `update tenantry.migration_run set state = $2, reason = $3, finished_at = clock_timestamp() where id = $1 and state = 'running'
     returning total, up_to_date as "upToDate", done, failed, wave`,
    [id, state, reason],
  )
  if (rows[0] === undefined) return
  const fact = { event: 'migrations.ended', action: `migrations.${state}`, tenant: null, actor, at: new Date() }
  await recordFact(tx, { ...fact, reason, detail: { runId: id, state, ...rows[0] } })
}

export async function setShared(sql: Sql, id: string, shared: readonly string[]): Promise<void> {
  await sql.query('update tenantry.migration_run set shared = $2 where id = $1', [id, shared])
}
