// The registry as requests see it: from memory, by id and slug. Every change of a tenant reaches it by NOTIFY; the TTL
// is the backstop for notifications that were lost.
import type { CentralDatabase, Subscription } from '../engine/sql/database.ts'
import type { Clock } from '../kernel/clock.ts'
import { isTenantryError } from '../kernel/errors.ts'
import type { CachedTenant } from './admission.ts'
import { ExpiringMap } from './expiring-map.ts'
import { type TenantKey, tenantKey, tenantNotFound } from './reference.ts'
import { openTenantLoader, type TenantLoader } from './tenant-loader.ts'
import type { TenantRef } from './tenant.ts'

/** Announced where something changed that is of no one tenant, such as a key that is good for all. */
export const instanceWide = '00000000-0000-0000-0000-000000000000'

export interface CachedRegistryOptions {
  readonly database: CentralDatabase
  /** The instance's notification channel. */
  readonly channel: string
  readonly clock: Clock
  /** Default: 30 s. */
  readonly ttlMs?: number
  /** How long an unknown reference stays unknown. Default: 5 s. */
  readonly negativeTtlMs?: number
  /** Default: 50,000 tenants. */
  readonly maxEntries?: number
  /** Default: 10,000 unknown references. */
  readonly maxNegative?: number
}

export interface CachedRegistry {
  /** The tenant if it is in memory: no promise, for the hot path. Throws TENANT_NOT_FOUND for text that is no reference. */
  peek(ref: TenantRef): CachedTenant | undefined
  /** As peek; null where it is known, for a while, that there is no such tenant. */
  recall(ref: TenantRef): CachedTenant | null | undefined
  /** The tenant, of any status. Throws TENANT_NOT_FOUND, and what the database throws when it must be asked. */
  lookup(ref: TenantRef): Promise<CachedTenant>
  /** Forgets a tenant, as a notification would. */
  invalidate(tenantId: string): void
  /**
   * Hears of each tenant that is forgotten; undefined stands for all of them, and the nil UUID (`instanceWide`) for what
   * is of no one tenant. For what else is kept of tenants.
   */
  onForget(listener: (tenantId: string | undefined) => void): void
  /** Whether changes that other processes make are heard at once. */
  readonly isListening: boolean
  /** Begins to listen. Until then only the TTL bounds how old an entry is. */
  start(): Promise<void>
  close(): Promise<void>
}

/**
 * A registry cache that other processes invalidate.
 *
 * @example
 * ```ts
 * const registry = createCachedRegistry({ database, channel: instance.channel, clock: systemClock })
 * await registry.start()
 * const tenant = admit(registry.peek('acme-corp') ?? (await registry.lookup('acme-corp')))
 * ```
 */
export function createCachedRegistry(options: CachedRegistryOptions): CachedRegistry {
  return new MemoryRegistry(options)
}

class MemoryRegistry implements CachedRegistry {
  readonly #options: CachedRegistryOptions
  readonly #loader: TenantLoader
  readonly #tenants: ExpiringMap<string, CachedTenant>
  readonly #idOfSlug = new Map<string, string>()
  // By id or slug: they cannot be confused, because no slug is UUID-shaped.
  readonly #unknown: ExpiringMap<string, true>
  readonly #listeners: ((tenantId: string | undefined) => void)[] = []
  #listening: Promise<Subscription> | undefined
  #subscription: Subscription | undefined

  constructor(options: CachedRegistryOptions) {
    const { clock, ttlMs = 30_000, negativeTtlMs = 5_000, maxEntries = 50_000, maxNegative = 10_000 } = options
    this.#options = options
    this.#tenants = new ExpiringMap({
      ttlMs,
      max: maxEntries,
      clock,
      onRemove: (id, { slug }) => {
        if (this.#idOfSlug.get(slug) === id) this.#idOfSlug.delete(slug)
      },
    })
    this.#unknown = new ExpiringMap({ ttlMs: negativeTtlMs, max: maxNegative, clock })
    this.#loader = openTenantLoader(options.database, {
      found: (tenant) => this.#remember(tenant),
      missing: (key) => this.#unknown.set(key.value, true),
    })
  }

  get isListening(): boolean {
    return this.#subscription?.isConnected ?? false
  }

  peek(ref: TenantRef): CachedTenant | undefined {
    const hit = typeof ref === 'string' ? this.#asItStands(ref) : undefined
    if (hit !== undefined) return hit
    return this.#cached(tenantKey(ref))
  }

  recall(ref: TenantRef): CachedTenant | null | undefined {
    const hit = typeof ref === 'string' ? this.#asItStands(ref) : undefined
    if (hit !== undefined) return hit
    const key = keyOrNull(ref)
    if (key === null) return null
    return this.#cached(key) ?? (this.#unknown.get(key.value) === true ? null : undefined)
  }

  async lookup(ref: TenantRef): Promise<CachedTenant> {
    const key = tenantKey(ref)
    const cached = this.#cached(key)
    if (cached !== undefined) return cached
    const tenant = this.#unknown.get(key.value) === true ? undefined : await this.#loader.load(key)
    if (tenant === undefined) throw tenantNotFound(key)
    return tenant
  }

  invalidate(tenantId: string): void {
    this.#loader.invalidate(tenantId)
    this.#tenants.delete(tenantId)
    // Which slug a new tenant has is not known yet, so nothing stays unknown.
    this.#unknown.clear()
    this.#tell(tenantId)
  }

  onForget(listener: (tenantId: string | undefined) => void): void {
    this.#listeners.push(listener)
  }

  async start(): Promise<void> {
    this.#listening ??= this.#options.database.listen(
      this.#options.channel,
      (tenantId) => (tenantId === instanceWide ? this.#tell(tenantId) : this.invalidate(tenantId)),
      () => this.#clear(),
    )
    try {
      this.#subscription = await this.#listening
    } catch (error) {
      this.#listening = undefined
      throw error
    }
    // What was read before may have changed unheard.
    this.#clear()
  }

  async close(): Promise<void> {
    const subscription = await this.#listening?.catch(() => undefined)
    this.#listening = undefined
    this.#subscription = undefined
    await subscription?.close()
    this.#clear()
  }

  #tell(tenantId: string | undefined): void {
    for (const heard of this.#listeners) heard(tenantId)
  }

  /** What is found as it stands was checked when it came in. */
  #asItStands(ref: string): CachedTenant | undefined {
    return this.#tenants.get(this.#idOfSlug.get(ref) ?? ref)
  }

  #cached({ column, value }: TenantKey): CachedTenant | undefined {
    const id = column === 'id' ? value : this.#idOfSlug.get(value)
    return id === undefined ? undefined : this.#tenants.get(id)
  }

  #remember(tenant: CachedTenant): void {
    this.#tenants.set(tenant.id, tenant)
    this.#idOfSlug.set(tenant.slug, tenant.id)
  }

  #clear(): void {
    this.#loader.invalidateAll()
    this.#tenants.clear()
    this.#unknown.clear()
    this.#tell(undefined)
  }
}

/** Null for text that no tenant can have as its slug or id. */
function keyOrNull(ref: TenantRef): TenantKey | null {
  try {
    return tenantKey(ref)
  } catch (error) {
    if (isTenantryError(error, 'TENANT_NOT_FOUND')) return null
    throw error
  }
}
