// Who belongs where, as requests ask it: from memory. What changes in a tenant is forgotten with the tenant itself; the
// time to live is the backstop for notifications that were lost.
import type { Sql } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import { isUuid } from '../../kernel/identifiers.ts'
import type { Membership, MembershipSource } from '../../tenants/access.ts'
import { ExpiringMap } from '../../tenants/expiring-map.ts'
import { type LoadedMembership, type MembershipLoader, openMembershipLoader } from './membership-loader.ts'

export interface MembershipsOptions {
  readonly sql: Sql
  readonly clock: Clock
  /** Tells of each tenant that changed; undefined stands for all of them. */
  readonly onForget: (listener: (tenantId: string | undefined) => void) => void
  /** Default: 30 s. */
  readonly ttlMs?: number
  /** How long a stranger stays one. Default: 5 s. */
  readonly negativeTtlMs?: number
  /** Default: 50,000 memberships. */
  readonly maxEntries?: number
  /** Default: 10,000 strangers, so that made-up users push no member out. */
  readonly maxNegative?: number
}

const MAX_USER_ID = 255
// What PostgreSQL cannot store would be compared as another text.
const NOT_STORABLE = /\0|[\uD800-\uDFFF]/u

/** Opens the source of memberships over the control plane's database. */
export function createMemberships(options: MembershipsOptions): MembershipSource {
  return new CachedMemberships(options)
}

class CachedMemberships implements MembershipSource {
  readonly #members: ExpiringMap<string, Membership>
  readonly #strangers: ExpiringMap<string, LoadedMembership>
  // Which entries are a tenant's own, so that one that changes takes along nobody else's.
  readonly #keysOf = new Map<string, Set<string>>()
  readonly #loader: MembershipLoader

  constructor(options: MembershipsOptions) {
    const { sql, clock, ttlMs = 30_000, negativeTtlMs = 5_000, maxEntries = 50_000, maxNegative = 10_000 } = options
    const onRemove = (key: string, { tenantId }: { readonly tenantId: string }) => this.#drop(tenantId, key)
    this.#members = new ExpiringMap<string, Membership>({ ttlMs, max: maxEntries, clock, onRemove })
    this.#strangers = new ExpiringMap<string, LoadedMembership>({
      ttlMs: negativeTtlMs,
      max: maxNegative,
      clock,
      onRemove,
    })
    this.#loader = openMembershipLoader(sql, (answer) => this.#remember(answer))
    options.onForget((tenantId) => this.#forget(tenantId))
  }

  peek(tenantId: string, userId: string): Membership | null | undefined {
    // An id of a tenant has one length, so no two pairs make the same key.
    const key = tenantId + userId
    const member = this.#members.get(key)
    if (member !== undefined) return member
    return this.#strangers.get(key) === undefined ? undefined : null
  }

  lookup(tenantId: string, userId: string): Promise<Membership | null> {
    // Nobody belongs anywhere by an id that nobody can have; and it is not worth a query.
    if (!isUuid(tenantId) || !isUserId(userId)) return Promise.resolve(null)
    const id = tenantId.toLowerCase()
    const cached = this.peek(id, userId)
    return cached === undefined ? this.#loader.load(id, userId) : Promise.resolve(cached)
  }

  #remember(answer: LoadedMembership): void {
    const key = answer.tenantId + answer.userId
    this.#members.delete(key)
    this.#strangers.delete(key)
    if (answer.membership === null) this.#strangers.set(key, answer)
    else this.#members.set(key, answer.membership, answer.lifeMs)
    const keys = this.#keysOf.get(answer.tenantId) ?? new Set()
    this.#keysOf.set(answer.tenantId, keys.add(key))
  }

  #drop(tenantId: string, key: string): void {
    const keys = this.#keysOf.get(tenantId)
    if (keys?.delete(key) === true && keys.size === 0) this.#keysOf.delete(tenantId)
  }

  #forget(tenantId: string | undefined): void {
    this.#loader.forget(tenantId)
    if (tenantId === undefined) {
      this.#members.clear()
      this.#strangers.clear()
      return
    }
    for (const key of [...(this.#keysOf.get(tenantId) ?? [])]) {
      this.#members.delete(key)
      this.#strangers.delete(key)
    }
  }
}

function isUserId(userId: string): boolean {
  return typeof userId === 'string' && userId.length > 0 && userId.length <= MAX_USER_ID && !NOT_STORABLE.test(userId)
}
