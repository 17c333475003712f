// What a suite expects to be refused. Libraries wrap what the driver throws, so the code is looked for in the causes.
import { AssertionError } from 'node:assert/strict'

/** The codes of an error and of its causes, outermost first. */
function codesOf(error: unknown): readonly string[] {
  const codes: string[] = []
  for (let at = error; at instanceof Error && codes.length < 10; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') codes.push(at.code)
    // Prisma and Sequelize keep the driver's error elsewhere.
    for (const key of ['original', 'originalError', 'driverError', 'meta']) {
      const inner = (at as unknown as Record<string, unknown>)[key]
      if (typeof inner === 'object' && inner !== null && 'code' in inner) codes.push(String(inner.code))
    }
  }
  return codes
}

/** Resolves when the work fails with one of these codes; an AssertionError says what happened instead. */
export async function expectRefusal(work: Promise<unknown>, codes: readonly string[], what: string): Promise<void> {
  let found: readonly string[]
  try {
    await work
    found = []
  } catch (error) {
    found = codesOf(error)
    if (found.some((code) => codes.includes(code))) return
    throw new AssertionError({
      message: `${what}: failed with ${found.join(', ') || String(error)}`,
      actual: found,
      expected: codes,
    })
  }
  throw new AssertionError({ message: `${what}: was not refused`, actual: found, expected: codes })
}
