// What presented keys stand for, from memory, by their SHA-256. Every process hears at once of a key that changed and
// drops what it knows of the keys of that tenant; while it cannot hear, it asks the database each time.
import type { Sql } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { KeyPrincipal } from '../../tenants/access.ts'
import { instanceWide } from '../../tenants/cached-registry.ts'
import { ExpiringMap } from '../../tenants/expiring-map.ts'
import { type FoundKey, KeyLoader } from './key-loader.ts'

export interface KeyCacheOptions {
  readonly database: Sql
  readonly clock: Clock
  /** Whether changes that other processes make are heard at once. */
  readonly isHearing: () => boolean
  /** Runs where a key is used, at most once a minute for each. */
  readonly onUse: (keyId: string) => void
  /** How long an entry is served without asking again; the backstop for what went unheard. Default: 30 s. */
  readonly ttlMs?: number
  /** How long text that is no key stays that. Default: 5 s. */
  readonly negativeTtlMs?: number
  /** Default: 10,000 keys. */
  readonly maxEntries?: number
  /** Default: 10,000 texts. */
  readonly maxNegative?: number
}

const MINUTE_MS = 60_000

interface Entry {
  /** Null where the key is known and does not work. */
  readonly principal: KeyPrincipal | null
  /** The nil UUID for service keys. */
  readonly tenantId: string
  readonly endsAt: number
  nextUse: number
}

export class KeyCache {
  readonly #options: KeyCacheOptions
  readonly #loader: KeyLoader
  readonly #entries: ExpiringMap<string, Entry>
  readonly #unknown: ExpiringMap<string, true>
  readonly #hashesOf = new Map<string, Set<string>>()
  // Counts what was forgotten, so that an answer that was read before is not kept after.
  #changes = 0

  constructor(options: KeyCacheOptions) {
    const {
      database,
      clock,
      ttlMs = 30_000,
      negativeTtlMs = 5_000,
      maxEntries = 10_000,
      maxNegative = 10_000,
    } = options
    this.#options = options
    this.#loader = new KeyLoader(database)
    this.#entries = new ExpiringMap({
      ttlMs,
      max: maxEntries,
      clock,
      onRemove: (hash, entry) => this.#unlist(hash, entry),
    })
    this.#unknown = new ExpiringMap({ ttlMs: negativeTtlMs, max: maxNegative, clock })
  }

  /** Null: no key that works. Undefined: the database must be asked. By the SHA-256, in base64. */
  peek(hash: string): KeyPrincipal | null | undefined {
    if (!this.#options.isHearing()) return undefined
    const entry = this.#entries.get(hash)
    if (entry === undefined) return this.#unknown.get(hash) === true ? null : undefined
    return this.#answer(entry)
  }

  async lookup(hash: string): Promise<KeyPrincipal | null> {
    const known = this.peek(hash)
    if (known !== undefined) return known
    const before = this.#changes
    const found = await this.#loader.load(hash)
    const isCurrent = before === this.#changes
    if (found === undefined) {
      if (isCurrent) this.#unknown.set(hash, true)
      return null
    }
    const entry = this.#entryOf(found)
    if (isCurrent) this.#remember(hash, entry)
    return this.#answer(entry)
  }

  /** Forgets the keys of a tenant, those that are good for all (the nil UUID), or all of them (undefined). */
  forget(tenantId: string | undefined): void {
    this.#changes += 1
    if (tenantId === undefined) {
      this.#entries.clear()
      this.#unknown.clear()
      return
    }
    for (const hash of [...(this.#hashesOf.get(tenantId) ?? [])]) this.#entries.delete(hash)
  }

  #entryOf({ principal, tenantId, works, remainingMs }: FoundKey): Entry {
    const now = this.#options.clock.now()
    const endsAt = remainingMs === null ? Number.POSITIVE_INFINITY : now + remainingMs
    return { principal: works ? principal : null, tenantId: tenantId ?? instanceWide, endsAt, nextUse: now }
  }

  #answer(entry: Entry): KeyPrincipal | null {
    const { principal } = entry
    const now = this.#options.clock.now()
    if (principal === null || now >= entry.endsAt) return null
    if (now >= entry.nextUse && principal.keyId !== null) {
      entry.nextUse = now + MINUTE_MS
      this.#options.onUse(principal.keyId)
    }
    return principal
  }

  #remember(hash: string, entry: Entry): void {
    this.#entries.set(hash, entry)
    const listed = this.#hashesOf.get(entry.tenantId)
    if (listed === undefined) this.#hashesOf.set(entry.tenantId, new Set([hash]))
    else listed.add(hash)
  }

  #unlist(hash: string, { tenantId }: Entry): void {
    const listed = this.#hashesOf.get(tenantId)
    listed?.delete(hash)
    if (listed?.size === 0) this.#hashesOf.delete(tenantId)
  }
}
