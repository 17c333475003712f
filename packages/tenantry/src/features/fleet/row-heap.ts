// The first rows of an order, out of any number: a heap that never holds more than it may keep.

export class RowHeap<T> {
  readonly #compare: (a: T, b: T) => number
  readonly #limit: number
  /** The last of those kept is on top. */
  readonly #rows: T[] = []

  constructor(compare: (a: T, b: T) => number, limit: number) {
    this.#compare = compare
    this.#limit = limit
  }

  get size(): number {
    return this.#rows.length
  }

  /** Returns the row that is not kept for it: another one, itself, or none while there is room. */
  add(row: T): T | undefined {
    const rows = this.#rows
    if (rows.length < this.#limit) {
      rows.push(row)
      this.#rise(rows.length - 1)
      return undefined
    }
    const last = rows[0] as T
    if (this.#compare(row, last) >= 0) return row
    rows[0] = row
    this.#sink(0)
    return last
  }

  sorted(): readonly T[] {
    return this.#rows.toSorted(this.#compare)
  }

  #rise(start: number): void {
    for (let at = start; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!this.#isBehind(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(start: number): void {
    for (let at = start; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      let last = at
      if (left < this.#rows.length && this.#isBehind(left, last)) last = left
      if (right < this.#rows.length && this.#isBehind(right, last)) last = right
      if (last === at) return
      this.#swap(at, last)
      at = last
    }
  }

  // Both places exist: they are computed from the length.
  #isBehind(a: number, b: number): boolean {
    return this.#compare(this.#rows[a] as T, this.#rows[b] as T) > 0
  }

  #swap(a: number, b: number): void {
    const rows = this.#rows
    const row = rows[a] as T
    rows[a] = rows[b] as T
    rows[b] = row
  }
}
