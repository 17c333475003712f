// Tells a run's progress at most ten times a second, with its rate over the last seconds.
import type { MigrationProgress } from '../fleet.ts'
import type { RunTally } from './run-store.ts'

const EVERY_MS = 100
const WINDOW_MS = 5_000

export interface ProgressOptions {
  readonly runId: string
  readonly tally: () => RunTally
  readonly tell: ((progress: MigrationProgress) => void) | undefined
  /** Milliseconds of a clock that only goes forward. Default: the process's. */
  readonly now?: () => number
}

interface Mark {
  readonly at: number
  readonly ended: number
}

export class Progress {
  readonly #options: ProgressOptions
  readonly #now: () => number
  #marks: Mark[] = []
  #toldAt = Number.NEGATIVE_INFINITY
  #later: NodeJS.Timeout | undefined

  constructor(options: ProgressOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#mark()
  }

  /** A tenant came to its end. */
  update(): void {
    const waitMs = this.#toldAt + EVERY_MS - this.#now()
    if (waitMs <= 0) this.tell('running')
    // Whoever comes last is told of, too, also where the next one takes long.
    else this.#later ??= setTimeout(() => this.tell('running'), waitMs).unref()
  }

  /** Nothing more is told by itself. */
  close(): void {
    clearTimeout(this.#later)
    this.#later = undefined
  }

  /** Tells it now, whenever it was told last. */
  tell(state: MigrationProgress['state']): void {
    this.close()
    const { runId, tally, tell } = this.#options
    this.#toldAt = this.#now()
    const rate = this.#mark()
    const { total, done, failed, wave } = tally()
    const left = total - done - failed
    tell?.({
      runId,
      state,
      total,
      done,
      failed,
      wave,
      rate,
      leftMs: rate > 0 ? Math.round((left / rate) * 1000) : null,
    })
  }

  /** Tenants a second since the oldest mark. */
  #mark(): number {
    const at = this.#now()
    const { done, failed } = this.#options.tally()
    this.#marks = [...this.#marks.filter((mark) => at - mark.at <= WINDOW_MS), { at, ended: done + failed }]
    const oldest = this.#marks[0] ?? { at, ended: 0 }
    return at > oldest.at ? ((done + failed - oldest.ended) * 1000) / (at - oldest.at) : 0
  }
}
