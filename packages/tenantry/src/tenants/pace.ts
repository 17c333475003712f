// How often something that strangers can cause may be done: so many times at once, then so many a second.

export interface PaceOptions {
  readonly perSecond: number
  /** How many times at once, after a pause. */
  readonly burst: number
  /** Milliseconds that only grow; default: the process's own. */
  readonly now?: () => number
}

export class Pace {
  readonly #options: PaceOptions
  readonly #now: () => number
  #left: number
  #countedAt: number

  constructor(options: PaceOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#left = options.burst
    this.#countedAt = this.#now()
  }

  /** Takes the next turn and says in how many milliseconds it is; undefined, and nothing taken, where that is too long. */
  reserve(mostMs = Number.POSITIVE_INFINITY): number | undefined {
    const { perSecond, burst } = this.#options
    const now = this.#now()
    this.#left = Math.min(burst, this.#left + ((now - this.#countedAt) / 1000) * perSecond)
    this.#countedAt = now
    const waitMs = Math.max(0, ((1 - this.#left) / perSecond) * 1000)
    if (waitMs > mostMs) return undefined
    this.#left -= 1
    return waitMs
  }

  /** Hands back a turn that turned out to be harmless. */
  giveBack(): void {
    this.#left = Math.min(this.#options.burst, this.#left + 1)
  }
}
