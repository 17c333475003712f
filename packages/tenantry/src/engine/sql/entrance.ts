// Makes the prelude that takes a statement into a tenant: role, search path and a freshly signed context. Preludes are
// kept per tenant and actor until their signature is half used up, so that a hot tenant signs rarely.
import { type Claims, type SigningKey, signContext } from '../context/context-token.ts'
import type { ScopedTenant } from '../context/scope.ts'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import { encodePrelude, type Prelude } from './prelude.ts'

export interface EntranceOptions {
  readonly signingKey: SigningKey
  /** The role that has the data grants. */
  readonly appRole: string
  /** Schemas every tenant may see, after its own. */
  readonly sharedSchemas: readonly string[]
  /** How far the database's clock is ahead of ours. */
  readonly clockOffsetMs: number
  readonly clock?: Clock
}

export interface EntranceRequest {
  readonly tenant: ScopedTenant
  readonly claims: Claims
  readonly statementTimeoutMs?: number | undefined
  readonly readOnly?: boolean | undefined
}

interface Kept {
  readonly prelude: Prelude
  readonly renewAt: number
}

const LIFETIME_MS = 120_000
const CACHE_LIMIT = 10_000

export class Entrance {
  readonly #options: EntranceOptions
  readonly #clock: Clock
  readonly #kept = new Map<string, Kept>()

  constructor(options: EntranceOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  prelude(request: EntranceRequest): Prelude {
    const key = keyOf(request)
    const now = this.#clock.now()
    const kept = this.#kept.get(key)
    if (kept && kept.renewAt > now) return kept.prelude
    const prelude = this.#make(request, now)
    if (this.#kept.size >= CACHE_LIMIT) this.#kept.clear()
    this.#kept.set(key, { prelude, renewAt: now + LIFETIME_MS / 2 })
    return prelude
  }

  #make({ tenant, claims, statementTimeoutMs, readOnly }: EntranceRequest, now: number): Prelude {
    const { signingKey, appRole, sharedSchemas, clockOffsetMs } = this.#options
    const expiresAt = Math.floor((now + clockOffsetMs + LIFETIME_MS) / 1000)
    const own = tenant.isolation === 'schema' ? tenant.schemaName : undefined
    return encodePrelude({
      role: appRole,
      searchPath: own === undefined ? sharedSchemas : [own, ...sharedSchemas],
      token: signContext(signingKey, { tenantId: tenant.id, expiresAt, ...claims }),
      requiredSchema: own,
      statementTimeoutMs,
      readOnly,
    })
  }
}

// JSON keeps the parts apart whatever a user id contains.
function keyOf({ tenant, claims, statementTimeoutMs, readOnly = false }: EntranceRequest): string {
  if (claims.userId === undefined && claims.role === undefined && statementTimeoutMs === undefined && !readOnly) {
    return tenant.isolation === 'row' ? tenant.id : `${tenant.id}${tenant.schemaName}`
  }
  return JSON.stringify([
    tenant.id,
    tenant.schemaName,
    tenant.isolation,
    claims.userId,
    claims.role,
    statementTimeoutMs,
    readOnly,
  ])
}
