// Where in a token's claims something stands, nested claims included. Pure.
import { TenantryError } from '../../kernel/errors.ts'

type Claims = Readonly<Record<string, unknown>>

/** Finds one claim. */
export type ReadClaim = (claims: Claims) => unknown

/**
 * A reader for a claim: a name or a dotted path, a JSON pointer (`/a~1b/c`), or a list of keys. A name that is there as
 * it stands goes before its reading as a path. Throws CONFIGURATION_INVALID, naming the setting, for an empty one.
 */
export function claimReader(path: string | readonly string[], field: string): ReadClaim {
  const keys = keysOf(path)
  if (keys.length === 0 || keys.includes('')) {
    throw new TenantryError('CONFIGURATION_INVALID', `"${field}" names no claim.`, { field })
  }
  const [first = ''] = keys
  if (keys.length === 1) return (claims) => own(claims, first)
  if (typeof path !== 'string' || path.startsWith('/')) return (claims) => within(claims, keys)
  return (claims) => own(claims, path) ?? within(claims, keys)
}

function keysOf(path: string | readonly string[]): readonly string[] {
  if (typeof path !== 'string') return path
  if (!path.startsWith('/')) return path.split('.')
  return path
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function within(claims: Claims, keys: readonly string[]): unknown {
  let value: unknown = claims
  for (const key of keys) value = own(value, key)
  return value
}

/** A key of the object's own: claims hold what their issuer wrote, and `__proto__` is a key like others. */
function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Claims)[key]
}
