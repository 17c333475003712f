// Checks the settings of tokens, so that no combination of them accepts what nobody signed.
import { TenantryError } from '../../../kernel/errors.ts'
import type { JwtSettings } from '../settings.ts'

const ASYMMETRIC = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
]
const SYMMETRIC = ['HS256', 'HS384', 'HS512']
const SOURCES = ['jwksUrl', 'jwks', 'publicKey', 'secret'] as const
const SHORTEST_SECRET = 32
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

export interface CheckedJwt {
  readonly issuer: string[]
  readonly audience: string[]
  readonly algorithms: string[]
  readonly clockToleranceSeconds: number
}

/** What a token must have. Throws CONFIGURATION_INVALID, naming the setting. */
export function checkJwtSettings(settings: JwtSettings): CheckedJwt {
  const given = SOURCES.filter((source) => settings[source] !== undefined)
  if (given.length !== 1) throw invalid('jwt', `needs exactly one of ${SOURCES.join(', ')}`)
  checkSource(settings)
  const { clockToleranceSeconds = 10 } = settings
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 300)) {
    throw invalid('jwt.clockToleranceSeconds', 'must be 0 to 300 seconds')
  }
  return {
    issuer: namesOf(settings.issuer, 'jwt.issuer'),
    audience: namesOf(settings.audience, 'jwt.audience'),
    algorithms: algorithmsOf(settings),
    clockToleranceSeconds,
  }
}

function checkSource({ jwksUrl, secret }: JwtSettings): void {
  if (jwksUrl !== undefined && !isSafeUrl(jwksUrl)) {
    throw invalid('jwt.jwksUrl', 'must be an https URL; http is for this machine only')
  }
  if (secret === undefined) return
  if (Buffer.byteLength(secret) < SHORTEST_SECRET)
    throw invalid('jwt.secret', `must have ${SHORTEST_SECRET} bytes or more`)
  // A public key as a secret would let everybody sign.
  if (secret.includes('-----BEGIN')) throw invalid('jwt.secret', 'is a key in PEM; give public keys as "publicKey"')
}

/** Whoever can change the answer on its way can sign for anybody. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
}

/** Shared secrets and public keys never meet in one list: what verifies one could be taken for the other. */
function algorithmsOf({ algorithms, secret }: JwtSettings): string[] {
  const possible: readonly string[] = secret === undefined ? ASYMMETRIC : SYMMETRIC
  if (algorithms === undefined) return secret === undefined ? [...ASYMMETRIC] : ['HS256']
  if (algorithms.length > 0 && algorithms.every((each) => possible.includes(each))) return [...algorithms]
  throw invalid('jwt.algorithms', `may name ${possible.join(', ')}`)
}

function namesOf(given: string | readonly string[], field: string): string[] {
  const names = typeof given === 'string' ? [given] : [...given]
  if (names.length === 0 || names.includes('')) throw invalid(field, 'must be given')
  return names
}

function invalid(field: string, what: string): TenantryError {
  return new TenantryError('CONFIGURATION_INVALID', `The setting "${field}" ${what}.`, { field: `resolution.${field}` })
}
