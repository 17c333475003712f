// A bounded map whose entries expire; where it fills up, entries unused for long make room.
import type { Clock } from '../kernel/clock.ts'

export interface ExpiringMapOptions<K, V> {
  readonly ttlMs: number
  readonly max: number
  readonly clock: Clock
  /** Runs for each entry that leaves the map. */
  readonly onRemove?: (key: K, value: V) => void
}

interface Entry<V> {
  readonly value: V
  readonly expiresAt: number
}

export class ExpiringMap<K, V> {
  // A Map iterates in the order of insertion, so re-inserting what is used keeps the least used in front.
  readonly #entries = new Map<K, Entry<V>>()
  readonly #options: ExpiringMapOptions<K, V>

  constructor(options: ExpiringMapOptions<K, V>) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.expiresAt <= this.#options.clock.now()) {
      this.delete(key)
      return undefined
    }
    // Keeping the order costs more than the look-up, so it is kept only where something is about to be dropped.
    if (this.#entries.size > this.#options.max / 2) {
      this.#entries.delete(key)
      this.#entries.set(key, entry)
    }
    return entry.value
  }

  /** Keeps a value for the map's time to live, or for the shorter one that is given. */
  set(key: K, value: V, ttlMs = this.#options.ttlMs): void {
    this.delete(key)
    const lifeMs = Math.min(ttlMs, this.#options.ttlMs)
    this.#entries.set(key, { value, expiresAt: this.#options.clock.now() + lifeMs })
    if (this.#entries.size <= this.#options.max) return
    const oldest = this.#entries.keys().next()
    if (oldest.done !== true) this.delete(oldest.value)
  }

  delete(key: K): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#options.onRemove?.(key, entry.value)
  }

  clear(): void {
    for (const key of [...this.#entries.keys()]) this.delete(key)
  }
}
