// Waiting in tests: for a condition with a deadline, never for a time.
import { setTimeout as delay } from 'node:timers/promises'

export interface UntilOptions {
  readonly timeoutMs?: number
  /** What is waited for, for the error. */
  readonly what?: string
}

/**
 * Asks until the condition gives something truthy, and returns that. An error of the last try becomes the cause.
 *
 * @example
 * ```ts
 * const row = await until(async () => (await admin.query('select 1 from jobs where done')).rows[0])
 * ```
 */
export async function until<T>(condition: () => T | Promise<T>, options: UntilOptions = {}): Promise<NonNullable<T>> {
  const { timeoutMs = 10_000, what = condition.toString() } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    let cause: unknown
    try {
      const value = await condition()
      if (value !== undefined && value !== null && value !== false) return value
    } catch (error) {
      cause = error
    }
    if (performance.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what}`, { cause })
    await delay(10)
  }
}
