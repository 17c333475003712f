// Keys of a YAML file may be written as YAML's users write them: header_name is headerName. Pure.
import { TenantryError } from '../../kernel/errors.ts'

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** The same with every snake_case key in camelCase. Throws CONFIGURATION_INVALID where a key is given in both. */
export function camelKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelKeys)
  if (!isPlainObject(value)) return value
  const result: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) {
    const name = key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    if (Object.hasOwn(result, name)) {
      throw new TenantryError('CONFIGURATION_INVALID', `The configuration has the key "${name}" twice.`, {
        field: name,
      })
    }
    // Not by assignment, which __proto__ would turn into something else.
    Object.defineProperty(result, name, {
      value: camelKeys(inner),
      enumerable: true,
      writable: true,
      configurable: true,
    })
  }
  return result
}

/** The known name nearest to a misspelt one; undefined where none is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const byDistance = known.map((each) => ({ each, distance: distanceOf(name.toLowerCase(), each.toLowerCase()) }))
  const best = byDistance.sort((a, b) => a.distance - b.distance)[0]
  return best !== undefined && best.distance <= Math.max(2, Math.floor(name.length / 4)) ? best.each : undefined
}

/** How many letters to insert, drop or change. */
function distanceOf(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [row, letter] of Array.from(a).entries()) {
    const next = [row + 1]
    for (const [column, other] of Array.from(b).entries()) {
      const changed = (before[column] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(changed, (before[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    before = next
  }
  return before[b.length] ?? 0
}
