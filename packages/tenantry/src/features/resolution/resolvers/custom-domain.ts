// customDomain: a domain of a tenant's own, looked up. That it is the tenant's was checked before.
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../../kernel/clock.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { ExpiringMap } from '../../../tenants/expiring-map.ts'
import { Pace } from '../../../tenants/pace.ts'
import type { TenantRef } from '../../../tenants/tenant.ts'
import { type Eventually, whenDone } from '../eventually.ts'
import type { Resolver, TenancyRequest } from '../resolution.ts'
import type { CustomDomainSettings } from '../settings.ts'

export interface CustomDomainResolverOptions extends CustomDomainSettings {
  readonly priority: number
  /** Hosts at and under these are the platform's own and are not looked up. */
  readonly baseDomains: readonly string[]
  readonly hostOf: (request: TenancyRequest) => string | undefined
}

/** Names the tenant whose domain the host is; else, for a host that begins with `www.`, the tenant of the rest. */
export function customDomainResolver(options: CustomDomainResolverOptions): Resolver {
  const directory = new DomainDirectory(options)
  const isOwn = (host: string) => options.baseDomains.some((base) => host === base || host.endsWith(`.${base}`))
  return {
    ...{ name: 'customDomain', priority: options.priority, trust: 'verified' },
    resolve(request) {
      const host = options.hostOf(request)
      if (host === undefined || !host.includes('.') || isOwn(host)) return NOBODY
      const exact = directory.find(host)
      if (!host.startsWith('www.') || !host.includes('.', WWW)) return whenDone(exact, refs)
      return whenDone(exact, (ref) => (ref === null ? whenDone(directory.find(host.slice(WWW)), refs) : [ref]))
    },
  }
}

const NOBODY: readonly TenantRef[] = []
const WWW = 'www.'.length
const refs = (ref: TenantRef | null): readonly TenantRef[] => (ref === null ? NOBODY : [ref])

const MOST_ENTRIES = 10_000
const LONGEST_LOOKUP_MS = 5_000
const LONGEST_WAIT_MS = 1_000

/**
 * The look-ups of the application, from memory where they were answered lately. A host costs one look-up however many
 * wait for it, and hosts that nobody has seen cost so many a second and no more.
 */
class DomainDirectory {
  readonly #lookup: CustomDomainSettings['lookup']
  readonly #known: ExpiringMap<string, TenantRef>
  readonly #nobodys: ExpiringMap<string, true>
  readonly #pending = new Map<string, Promise<TenantRef | null>>()
  readonly #pace: Pace

  constructor(options: CustomDomainSettings) {
    const { lookup, cacheTtlMs = 30_000, negativeTtlMs = 5_000, maxLookupsPerSecond = 200 } = options
    this.#lookup = lookup
    const bounds = { max: MOST_ENTRIES, clock: systemClock }
    this.#known = new ExpiringMap({ ...bounds, ttlMs: cacheTtlMs })
    this.#nobodys = new ExpiringMap({ ...bounds, ttlMs: negativeTtlMs })
    this.#pace = new Pace({ perSecond: maxLookupsPerSecond, burst: maxLookupsPerSecond })
  }

  /** Null: nobody's. */
  find(host: string): Eventually<TenantRef | null> {
    const known = this.#known.get(host)
    if (known !== undefined) return known
    if (this.#nobodys.get(host) === true) return null
    const pending = this.#pending.get(host) ?? this.#ask(host).finally(() => this.#pending.delete(host))
    this.#pending.set(host, pending)
    return pending
  }

  async #ask(host: string): Promise<TenantRef | null> {
    const waitMs = this.#pace.reserve(LONGEST_WAIT_MS)
    if (waitMs === undefined) throw unavailable('More unknown hosts are asked for than are looked up at a time.')
    if (waitMs > 0) await delay(waitMs)
    const ref = await this.#inTime(host)
    if (ref === undefined) this.#nobodys.set(host, true)
    else this.#known.set(host, ref)
    return ref ?? null
  }

  async #inTime(host: string): Promise<TenantRef | undefined> {
    const stop = new AbortController()
    const late = delay(LONGEST_LOOKUP_MS, undefined, { signal: stop.signal }).then(() => {
      throw unavailable('The look-up of a domain did not answer in time.')
    })
    try {
      return await Promise.race([this.#lookup(host), late])
    } catch (cause) {
      throw cause instanceof TenantryError ? cause : unavailable('The look-up of a domain failed.', cause)
    } finally {
      late.catch(() => undefined)
      stop.abort()
    }
  }
}

function unavailable(message: string, cause?: unknown): TenantryError {
  return new TenantryError('DATABASE_UNAVAILABLE', message, cause === undefined ? {} : { cause })
}
