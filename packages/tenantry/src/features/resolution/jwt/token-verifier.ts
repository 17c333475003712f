// Verifies tokens: size, signature, algorithm, issuer, audience, times, and who the user is. What was verified is kept
// for a minute, bounded, under the whole token.
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Clock } from '../../../kernel/clock.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { VerifiedUser } from '../../../tenants/access.ts'
import { ExpiringMap } from '../../../tenants/expiring-map.ts'
import type { TokenSource } from '../caller.ts'
import { claimReader, type ReadClaim } from '../claim.ts'
import type { JwtSettings } from '../settings.ts'
import { IssuerKeys, localKeys } from './issuer-keys.ts'
import { type GetKey, loadJose } from './jose.ts'
import { type CheckedJwt, checkJwtSettings } from './jwt-settings.ts'
import type { VerifiedToken } from './verified-token.ts'

const LARGEST_TOKEN = 8 * 1024
const KEPT_MS = 60_000
const MOST_KEPT = 5_000
const LONGEST_USER_ID = 255

type Key = KeyObject | Uint8Array | GetKey

/** A verifier for the tokens of one issuer. Throws CONFIGURATION_INVALID. */
export function createTokenVerifier(settings: JwtSettings, clock: Clock): TokenSource {
  return new TokenVerifier(settings, clock)
}

class TokenVerifier implements TokenSource {
  readonly #checked: CheckedJwt
  readonly #clock: Clock
  readonly #key: () => Promise<Key>
  readonly #claims: Readonly<Record<'userId' | 'email' | 'emailVerified', ReadClaim>>
  readonly #verified: ExpiringMap<string, VerifiedToken>
  readonly #pending = new Map<string, Promise<VerifiedToken>>()

  constructor(settings: JwtSettings, clock: Clock) {
    this.#checked = checkJwtSettings(settings)
    this.#clock = clock
    this.#key = keySource(settings, clock)
    this.#claims = {
      userId: claimReader(settings.userIdClaim ?? 'sub', 'resolution.jwt.userIdClaim'),
      email: claimReader(settings.emailClaim ?? 'email', 'resolution.jwt.emailClaim'),
      emailVerified: claimReader(settings.emailVerifiedClaim ?? 'email_verified', 'resolution.jwt.emailVerifiedClaim'),
    }
    this.#verified = new ExpiringMap({ ttlMs: KEPT_MS, max: MOST_KEPT, clock })
  }

  peek(token: string): VerifiedToken | undefined {
    const kept = this.#verified.get(token)
    return kept !== undefined && kept.expiresAt > this.#clock.now() ? kept : undefined
  }

  async verify(token: string): Promise<VerifiedToken> {
    const kept = this.peek(token)
    if (kept !== undefined) return kept
    if (token.length > LARGEST_TOKEN) throw new TenantryError('TOKEN_INVALID', 'The token is too large.')
    const pending = this.#pending.get(token) ?? this.#check(token).finally(() => this.#pending.delete(token))
    this.#pending.set(token, pending)
    return pending
  }

  async #check(token: string): Promise<VerifiedToken> {
    const claims = await this.#verifiedClaims(token)
    const expiresAt = Number(claims['exp']) * 1000
    const user = this.#userOf(claims)
    const caller = Object.freeze({ kind: 'user', user, via: 'jwt', claims } as const)
    const verified = { user, claims, caller, expiresAt }
    this.#verified.set(token, verified)
    return verified
  }

  async #verifiedClaims(token: string): Promise<Readonly<Record<string, unknown>>> {
    const { clockToleranceSeconds: clockTolerance, ...expected } = this.#checked
    const currentDate = new Date(this.#clock.now())
    const options = { ...expected, clockTolerance, currentDate, requiredClaims: ['exp'] }
    try {
      const [jose, key] = await Promise.all([loadJose(), this.#key()])
      // Two overloads, for a key and for one that is chosen by the token's header.
      const { payload } =
        typeof key === 'function'
          ? await jose.jwtVerify(token, key, options)
          : await jose.jwtVerify(token, key, options)
      return frozen(payload)
    } catch (error) {
      throw refusalOf(error)
    }
  }

  #userOf(claims: Readonly<Record<string, unknown>>): VerifiedUser {
    const id = this.#claims.userId(claims)
    const userId = typeof id === 'number' && Number.isSafeInteger(id) ? String(id) : id
    if (typeof userId !== 'string' || userId === '' || userId.length > LONGEST_USER_ID) {
      throw new TenantryError('TOKEN_INVALID', 'The token names no user.')
    }
    const email = this.#claims.email(claims)
    const isVerified = this.#claims.emailVerified(claims)
    return Object.freeze({
      userId,
      ...(typeof email === 'string' && email !== '' ? { email } : {}),
      // Some issuers write it as text.
      emailVerified: isVerified === true || isVerified === 'true',
    })
  }
}

function keySource(settings: JwtSettings, clock: Clock): () => Promise<Key> {
  const { jwksUrl, jwks, publicKey, secret } = settings
  if (jwksUrl !== undefined) {
    const keys = new IssuerKeys({
      ...{ url: jwksUrl, clock, timeoutMs: settings.jwksTimeoutMs ?? 5_000 },
      ...{ cooldownMs: settings.jwksCooldownMs ?? 30_000, maxAgeMs: settings.jwksMaxAgeMs ?? 600_000 },
      maxStaleMs: settings.jwksMaxStaleMs ?? 3_600_000,
    })
    return async () => keys.getKey
  }
  if (jwks !== undefined) return async () => localKeys(await loadJose(), { keys: [...jwks.keys] })
  const key = publicKey === undefined ? new TextEncoder().encode(secret) : publicKeyOf(publicKey)
  return async () => key
}

function publicKeyOf(pem: string): KeyObject {
  try {
    // Of a private key this takes the public half, so only what says that it is public is taken.
    if (pem.includes('-----BEGIN PUBLIC KEY-----')) return createPublicKey(pem)
  } catch {
    // Its cause may hold the text.
  }
  throw new TenantryError('CONFIGURATION_INVALID', 'The setting "jwt.publicKey" is no public key in PEM.', {
    field: 'resolution.jwt.publicKey',
  })
}

/** Never with what jose says of a token: it holds claims. */
function refusalOf(error: unknown): TenantryError {
  if (error instanceof TenantryError) return error
  if (codeOf(error) === 'ERR_JWT_EXPIRED') return new TenantryError('TOKEN_EXPIRED', 'The token has expired.')
  if (codeOf(error) === 'ERR_JWT_CLAIM_VALIDATION_FAILED') {
    return new TenantryError('TOKEN_INVALID', `The token is not for here: its claim ${claimOf(error)} does not fit.`)
  }
  return new TenantryError(
    'TOKEN_INVALID',
    'The token is malformed, or not signed with a key and algorithm that count.',
  )
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined)

function claimOf(error: unknown): string {
  const claim = error instanceof Error && 'claim' in error ? error.claim : undefined
  return typeof claim === 'string' && /^[a-z]{3}$/.test(claim) ? claim : 'set'
}

/** One object serves all requests with this token. */
function frozen<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) frozen(inner as object)
  return Object.freeze(value)
}
