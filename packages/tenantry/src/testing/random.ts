// Random choices that a seed repeats.

export interface Random {
  /** From 0, below 1. */
  next(): number
  /** A whole number from 0, below the limit. */
  below(limit: number): number
  pick<T>(items: readonly T[]): T
}

/** The mulberry32 generator: small, fast, and the same everywhere for one seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number) => Math.floor(next() * limit)
  const pick = <T>(items: readonly T[]): T => {
    const item = items[below(items.length)]
    if (item === undefined) throw new Error('There is nothing to pick from.')
    return item
  }
  return { next, below, pick }
}
