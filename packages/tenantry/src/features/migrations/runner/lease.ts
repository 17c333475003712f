// One run at a time: the lease, its renewal, and how that of a dead process is taken over.
import { setTimeout as delay } from 'node:timers/promises'
import type { CentralDatabase } from '../../../engine/sql/database.ts'
import { sqlStateOf } from '../../../engine/sql/database-errors.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import {
  askToStop,
  type Held,
  insertRun,
  interruptRun,
  readRunning,
  renewRun,
  type RunStart,
  type RunTally,
} from './run-store.ts'

export interface LeaseTimes {
  /** How often a run says that it lives. */
  readonly heartbeatMs: number
  /** How long it may be silent before it counts as dead. */
  readonly leaseMs: number
}

export const leaseTimes: LeaseTimes = { heartbeatMs: 1_000, leaseMs: 5_000 }

const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Opens a run. One that has gone silent is waited for until its lease is over, and then written down as interrupted.
 * Throws MIGRATION_RUNNING where another one is alive.
 */
export async function openRun(database: CentralDatabase, start: RunStart, times: LeaseTimes): Promise<void> {
  let seen: string | undefined
  while (!(await insertRun(database, start))) {
    const running = await readRunning(database)
    if (running === undefined) continue
    if (seen !== undefined && seen !== running.heartbeat) throw alreadyRunning(running.id)
    seen = running.heartbeat
    if (running.silentMs >= times.leaseMs) {
      if (await takeOver(database, running)) continue
      throw alreadyRunning(running.id)
    }
    // Until it is heard of again, or has been silent for too long.
    await delay(Math.min(times.heartbeatMs / 2, times.leaseMs - running.silentMs + 1))
  }
}

async function takeOver(...[database, running]: Parameters<typeof interruptRun>): Promise<boolean> {
  try {
    return await interruptRun(database, running)
  } catch (error) {
    // Silent, and yet a transaction of it goes on.
    if (sqlStateOf(error) === LOCK_NOT_AVAILABLE) return false
    throw error
  }
}

function alreadyRunning(id: string): TenantryError {
  return new TenantryError('MIGRATION_RUNNING', `The run ${id} is going on in another process.`)
}

/**
 * Tells a run to stop. One whose process has gone away ends here, as interrupted: nobody else would hear it.
 */
export async function stopRun(
  database: CentralDatabase,
  stop: Pick<RunStart, 'id' | 'actor'>,
  times: LeaseTimes,
): Promise<void> {
  await askToStop(database, stop)
  const running = await readRunning(database)
  if (running?.id === stop.id && running.silentMs >= times.leaseMs) await takeOver(database, running)
}

/** Renews a run's lease until it is closed, and hears what became of it. */
export class Heartbeat {
  readonly #database: CentralDatabase
  readonly #runId: string
  readonly #tally: () => RunTally
  readonly #timer: NodeJS.Timeout
  #beat: Promise<void> = Promise.resolve()
  readonly #ended = new AbortController()
  #isLost = false
  #isToStop = false

  constructor(
    database: CentralDatabase,
    runId: string,
    { times, tally }: { times: LeaseTimes; tally: () => RunTally },
  ) {
    this.#database = database
    this.#runId = runId
    this.#tally = tally
    this.#timer = setInterval(() => void this.beat(), times.heartbeatMs)
  }

  /** Another process took the run over. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** Somebody told the run to stop. */
  get isToStop(): boolean {
    return this.#isToStop
  }

  /** Aborted when either comes to pass. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** Takes note of what a statement that needs the lease found; undefined where it was lost. */
  hear(held: Held | undefined): void {
    this.#isLost = held === undefined
    this.#isToStop ||= held?.isToStop === true
    if (this.#isLost || this.#isToStop) this.#ended.abort()
  }

  /** Says at once how far the run is. */
  async beat(): Promise<void> {
    this.#beat = this.#beat.then(async () => {
      try {
        this.hear(await renewRun(this.#database, this.#runId, this.#tally()))
      } catch {
        // The server is away for a moment: whoever holds the lease is asked again with each transaction.
      }
    })
    await this.#beat
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#beat
  }
}
