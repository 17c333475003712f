// The keys of an issuer, kept: fetched again when they are old and when a token names one that is not known, and used
// on for a bounded time where the issuer does not answer.
import type { Clock } from '../../../kernel/clock.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { fetchKeys, type KeyDocument } from './fetch-keys.ts'
import { type GetKey, type Jose, loadJose } from './jose.ts'

export interface IssuerKeysOptions {
  readonly url: string
  readonly timeoutMs: number
  readonly cooldownMs: number
  readonly maxAgeMs: number
  readonly maxStaleMs: number
  readonly clock: Clock
}

interface Kept {
  readonly getKey: GetKey
  readonly fetchedAt: number
}

// Without any keys each request is in vain, so it is tried more often than for an unknown one.
const RETRY_MS = 1_000

export class IssuerKeys {
  readonly #options: IssuerKeysOptions
  #kept: Kept | undefined
  #fetching: Promise<Kept> | undefined
  #askedAt = Number.NEGATIVE_INFINITY
  #failure: TenantryError | undefined

  constructor(options: IssuerKeysOptions) {
    this.#options = options
  }

  /** The key that a token names. Throws KEYS_UNAVAILABLE, and jose's error for a key that there is not. */
  readonly getKey: GetKey = async (header, token) => {
    const kept = await this.#current()
    try {
      return await kept.getKey(header, token)
    } catch (error) {
      if (!isUnknownKey(error)) throw error
      const fresh = await this.#afterUnknownKey(kept)
      if (fresh === undefined) throw error
      return fresh.getKey(header, token)
    }
  }

  async #current(): Promise<Kept> {
    const { maxAgeMs, maxStaleMs } = this.#options
    const age = this.#kept === undefined ? Number.POSITIVE_INFINITY : this.#now() - this.#kept.fetchedAt
    if (this.#kept !== undefined && age < maxAgeMs) return this.#kept
    if (this.#kept === undefined || age >= maxAgeMs + maxStaleMs) return this.#fetchOrFail()
    const old = this.#kept
    // Once the issuer is known to be away, nobody waits for the next attempt.
    const attempt = this.#mayAsk(this.#options.cooldownMs) ? this.#fetch() : this.#fetching
    if (attempt === undefined) return old
    if (this.#failure !== undefined) {
      attempt.catch(() => undefined)
      return old
    }
    return attempt.catch(() => old)
  }

  /** Without keys of an age that may be used. */
  async #fetchOrFail(): Promise<Kept> {
    if (this.#fetching !== undefined) return this.#fetching
    if (this.#mayAsk(RETRY_MS)) return this.#fetch()
    throw this.#failure ?? unavailable('The keys of the issuer of tokens are too old.')
  }

  /** Newer keys than those that lack one; undefined where it was asked too lately for strangers to make it ask again. */
  async #afterUnknownKey(lacking: Kept): Promise<Kept | undefined> {
    if (this.#kept !== undefined && this.#kept !== lacking) return this.#kept
    if (this.#fetching !== undefined) return this.#fetching
    return this.#mayAsk(this.#options.cooldownMs) ? this.#fetch() : undefined
  }

  #mayAsk(pauseMs: number): boolean {
    return this.#fetching === undefined && this.#now() - this.#askedAt >= pauseMs
  }

  /** One request for all who wait. */
  #fetch(): Promise<Kept> {
    this.#askedAt = this.#now()
    this.#fetching = this.#ask().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #ask(): Promise<Kept> {
    try {
      const [jose, document] = await Promise.all([loadJose(), fetchKeys(this.#options.url, this.#options.timeoutMs)])
      const kept = { getKey: localKeys(jose, document), fetchedAt: this.#now() }
      this.#kept = kept
      this.#failure = undefined
      return kept
    } catch (error) {
      this.#failure =
        error instanceof TenantryError ? error : unavailable('The verifier of tokens cannot be loaded.', error)
      throw this.#failure
    }
  }

  #now(): number {
    return this.#options.clock.now()
  }
}

/** The keys of a document that is at hand. */
export function localKeys(jose: Jose, document: KeyDocument): GetKey {
  // jose checks each key when a token asks for it.
  const keys = document.keys.map((key) => ({ ...key, kty: String(key['kty']) }))
  return jose.createLocalJWKSet({ keys })
}

function unavailable(message: string, cause?: unknown): TenantryError {
  return new TenantryError('KEYS_UNAVAILABLE', message, { cause })
}

function isUnknownKey(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY'
}
