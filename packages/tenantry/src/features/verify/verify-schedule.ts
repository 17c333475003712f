// Verify at intervals, in one of all processes that are told to. A lease in the control plane says whose turn it is; it
// outlives a process that died by a quarter of an hour.
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { newId } from '../../kernel/ids.ts'
import type { Logger } from '../../kernel/logger.ts'
import { fails } from './check.ts'
import type { Verifier } from './create-verifier.ts'
import type { VerifyReport } from './report.ts'

/** Calls again and again until the returned function is called. */
export type Repeat = (run: () => void, everyMs: number) => () => void

export interface ScheduleOptions {
  readonly database: CentralDatabase
  readonly verifier: Pick<Verifier, 'run'>
  readonly logger: Logger
  readonly everyMs: number
  readonly repeat?: Repeat
}

export interface VerifySchedule {
  /** One turn, where it is due and nobody else has it; says whether it ran. */
  turn(): Promise<boolean>
  /** Takes up nothing new and waits for what is under way. */
  stop(): Promise<void>
}

const LEASE = "interval '15 minutes'"
// Timers of several processes never agree to the millisecond.
const EARLY = 0.9

const CLAIM = `
  update tenantry.verify_schedule set holder = $1, lease_until = now() + ${LEASE}, started_at = now()
   where (lease_until is null or lease_until < now())
     and (started_at is null or started_at <= now() - $2 * interval '1 millisecond')
  returning failing`

const RELEASE = `
  update tenantry.verify_schedule set holder = null, lease_until = null, failing = coalesce($2, failing)
   where holder = $1`

const RECORD = `
  with outbox as (insert into tenantry.event (id, type, payload) values ($1, $3, $4))
  insert into tenantry.audit_entry (id, actor, action, detail) values ($2, 'schedule', $3, $4)`

const everySoOften: Repeat = (run, everyMs) => {
  const timer = setInterval(run, everyMs)
  // The server keeps the process alive, not this.
  timer.unref()
  return () => clearInterval(timer)
}

/** Starts at once, where it is due, and again after every interval. Failures to run go to the log. */
export function startVerifySchedule(options: ScheduleOptions): VerifySchedule {
  const { logger, everyMs, repeat = everySoOften } = options
  let underway: Promise<boolean> | undefined
  const turn = (): Promise<boolean> => {
    underway ??= takeTurn(options).finally(() => {
      underway = undefined
    })
    return underway
  }
  const round = () =>
    void turn().catch((error: unknown) => {
      logger.error('verify could not run', { reason: error instanceof Error ? error.message : 'unknown' })
    })
  const end = repeat(round, everyMs)
  round()
  return {
    turn,
    stop: async () => {
      end()
      await underway?.catch(() => undefined)
    },
  }
}

async function takeTurn(options: ScheduleOptions): Promise<boolean> {
  const { database, verifier, everyMs } = options
  const holder = newId()
  const { rows } = await database.query<{ failing: boolean | null }>(CLAIM, [holder, everyMs * EARLY])
  const [claim] = rows
  if (claim === undefined) return false
  try {
    const report = await verifier.run({ actor: 'schedule' })
    await finish(options, { holder, report, wasFailing: claim.failing ?? false })
    return true
  } catch (error) {
    await database.query(RELEASE, [holder, null]).catch(() => undefined)
    throw error
  }
}

interface Turn {
  readonly holder: string
  readonly report: VerifyReport
  readonly wasFailing: boolean
}

const NAMED_AT_MOST = 50

/** Tells of a change from good to bad and back, once each, in the transaction that notes it. */
async function finish({ database, logger }: ScheduleOptions, { holder, report, wasFailing }: Turn): Promise<void> {
  const failed = report.checks.filter((check) => fails(check, report.allowSkipped))
  const [first] = failed
  if (!report.ok) {
    const fields = { failed: failed.length, check: first?.name, subject: first?.subject }
    logger.error('verify failed: isolation is not what it has to be', fields)
  }
  const named = failed.slice(0, NAMED_AT_MOST).map(({ name, subject }) => ({ name, subject }))
  await database.transaction(async (tx) => {
    await tx.query(RELEASE, [holder, !report.ok])
    if (!report.ok && !wasFailing) await record(tx, 'verify.failed', { count: failed.length, failed: named })
    if (report.ok && wasFailing) await record(tx, 'verify.recovered', {})
  })
  if (report.ok && wasFailing) logger.info('verify has recovered')
}

async function record(tx: Sql, type: string, payload: object): Promise<void> {
  await tx.query(RECORD, [newId(), newId(), type, JSON.stringify(payload)])
}
