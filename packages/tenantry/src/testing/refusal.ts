// What a suite expects to be refused. Libraries wrap what the driver throws, so the code is looked for in the causes.
import { AssertionError } from 'node:assert/strict'
import { errorCodesOf } from './bridge-errors.ts'

/** Resolves when the work fails with one of these codes; an AssertionError says what happened instead. */
export async function expectRefusal(work: Promise<unknown>, codes: readonly string[], what: string): Promise<void> {
  let found: readonly string[]
  try {
    await work
    found = []
  } catch (error) {
    found = errorCodesOf(error)
    if (found.some((code) => codes.includes(code))) return
    throw new AssertionError({
      message: `${what}: failed with ${found.join(', ') || String(error)}`,
      actual: found,
      expected: codes,
    })
  }
  throw new AssertionError({ message: `${what}: was not refused`, actual: found, expected: codes })
}
