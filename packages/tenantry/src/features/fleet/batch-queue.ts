// Hands batches from several producers to one consumer, who sets the pace: a producer waits until its batch was taken.

interface Waiting<T> {
  readonly batch: T
  readonly taken: (isWanted: boolean) => void
}

export class BatchQueue<T> {
  readonly #waiting: Waiting<T>[] = []
  #wake: (() => void) | undefined
  #ended = false
  #closed = false

  /** Resolves when the consumer has taken the batch: false where nobody wants more. */
  put(batch: T): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false)
    return new Promise((taken) => {
      this.#waiting.push({ batch, taken })
      this.#wake?.()
    })
  }

  /** The producers have put all they had. */
  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** The consumer has had enough. */
  close(): void {
    this.#closed = true
    for (const { taken } of this.#waiting.splice(0)) taken(false)
    this.#wake?.()
  }

  /** The next batch; undefined when there are no more. */
  async next(): Promise<T | undefined> {
    for (;;) {
      const first = this.#waiting.shift()
      if (first) {
        first.taken(true)
        return first.batch
      }
      if (this.#ended || this.#closed) return undefined
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }
}
