// Pauses between two batches: in proportion to the work, and for as long as a replica is too far behind.
import type { AdoptStage } from '../plan.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { pause } from './session.ts'

/** How far the server has written, and how far every replica of it has replayed. Positions are bytes of the log. */
export interface ReplicaState {
  /** False where the login may not see what replicas report. */
  readonly isVisible: boolean
  readonly written: number
  /** Of the replica that is furthest behind; null where there is none. */
  readonly replayed: number | null
  /** What the server itself knows of its lag, in milliseconds. */
  readonly lagMs: number
}

export interface RestOptions {
  /** Milliseconds of pause for each millisecond of work. */
  readonly throttle: number
  /** Undefined: replicas do not matter. */
  readonly maxLagMs: number | undefined
  readonly read: () => Promise<ReplicaState>
  /** Told when a wait for replicas begins, with the lag in milliseconds. */
  readonly onWait: (stage: AdoptStage, lagMs: number) => void
  readonly signal: AbortSignal | undefined
  /** Milliseconds on a clock that never goes back; default `performance.now`. */
  readonly now?: () => number
  readonly wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
}

/** What `read` asks of the server. */
export const REPLICA_STATE = `
  select pg_has_role('pg_read_all_stats', 'usage') as "isVisible", (pg_current_wal_lsn() - '0/0')::float8 as written,
      min(r.replay_lsn - '0/0')::float8 as replayed, coalesce(max(extract(epoch from r.replay_lag)) * 1000, 0)::float8 as "lagMs"
    from pg_stat_replication r where r.state = 'streaming'`

const CHECK_MS = 200

export class Rest {
  readonly #options: RestOptions
  // What was written when, as far as it has not been replayed: a replica that stands still reports no growing lag.
  #waiting: { readonly written: number; readonly at: number }[] = []

  constructor(options: RestOptions) {
    this.#options = options
  }

  /** Rests after work that took so many milliseconds. Throws the signal's reason, and INVALID_INPUT without the right to look. */
  async after(stage: AdoptStage, workedMs: number): Promise<void> {
    const { throttle, maxLagMs, signal, wait = pause } = this.#options
    if (throttle > 0) await wait(workedMs * throttle, signal)
    if (maxLagMs === undefined) return
    for (let isFirst = true; ; isFirst = false) {
      const lag = await this.#lag()
      if (lag <= maxLagMs) return
      if (isFirst) this.#options.onWait(stage, Math.round(lag))
      await wait(CHECK_MS, signal)
    }
  }

  async #lag(): Promise<number> {
    const { read, now = () => performance.now() } = this.#options
    const { isVisible, written, replayed, lagMs } = await read()
    if (!isVisible) {
      throw new TenantryError('INVALID_INPUT', 'The admin login may not see how far replicas are behind.', {
        field: 'maxLagMs',
        fix: 'GRANT pg_read_all_stats to it, or leave the lag of replicas out.',
      })
    }
    if (replayed === null) {
      this.#waiting = []
      return 0
    }
    if (this.#waiting.at(-1)?.written !== written) this.#waiting.push({ written, at: now() })
    this.#waiting = this.#waiting.filter((each) => each.written > replayed)
    const oldest = this.#waiting[0]
    // Caught up: what the server last measured is history.
    return oldest === undefined ? 0 : Math.max(lagMs, now() - oldest.at)
  }
}
