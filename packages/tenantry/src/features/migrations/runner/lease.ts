// One run at a time: the lease, its renewal, and how that of a dead process is taken over.
import { setTimeout as delay } from 'node:timers/promises'
import type { CentralDatabase } from '../../../engine/sql/database.ts'
import { sqlStateOf } from '../../../engine/sql/database-errors.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { insertRun, interruptRun, readRunning, renewRun, type RunStart, type RunTally } from './run-store.ts'

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

/** Renews a run's lease until it is closed. */
export class Heartbeat {
  readonly #database: CentralDatabase
  readonly #runId: string
  readonly #tally: () => RunTally
  readonly #timer: NodeJS.Timeout
  #beat: Promise<void> = Promise.resolve()
  #isLost = false

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

  /** Says at once how far the run is. */
  async beat(): Promise<void> {
    this.#beat = this.#beat.then(async () => {
      try {
        this.#isLost = !(await renewRun(this.#database, this.#runId, this.#tally()))
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
