// Wires the resolution of requests to an instance that may not have started yet.
import { createResolution, type UserTokens } from '../features/resolution/create-resolution.ts'
import type { Resolve } from '../features/resolution/resolution.ts'
import type { ResolverRegistry } from '../features/resolution/resolver-registry.ts'
import type { Runtime } from './runtime.ts'
import type { TenantrySettings } from './settings.ts'

/** What an instance offers for requests. */
export interface Requests {
  /**
   * Finds out which tenant a request may run in: who calls, what the resolvers find named, and whether it may be bound.
   * Never throws; what stands against it is the `refusal`. Synchronous where everything is in memory.
   *
   * @example
   * ```ts
   * const { tenant, refusal } = await tenantry.resolve(request)
   * if (tenant === undefined) throw refusal
   * await tenantry.run({ id: tenant.id }, () => tenantry.pool.query('select * from invoices'))
   * ```
   */
  readonly resolve: Resolve
  /**
   * The resolvers that are asked; the application's own can be registered.
   *
   * @example
   * ```ts
   * console.log(tenantry.resolvers.ordered().map(({ name, trust }) => `${name}: ${trust}`))
   * ```
   */
  readonly resolvers: ResolverRegistry
  /** Verifies tokens by the settings of `resolution.jwt`, for whoever lets users in by them; undefined without these. */
  readonly users: UserTokens | undefined
}

export interface StartableRuntime {
  /** Undefined until it has started. */
  readonly peek: () => Runtime | undefined
  readonly started: () => Promise<Runtime>
}

/** Throws RESOLVER_UNKNOWN and CONFIGURATION_INVALID for settings that cannot be followed. */
export function resolutionOf(settings: TenantrySettings, { peek, started }: StartableRuntime): Requests {
  return createResolution(settings.resolution ?? {}, {
    tenants: {
      recall: (ref) => peek()?.registry.recall(ref),
      lookup: async (ref) => (await started()).registry.lookup(ref),
    },
    members: {
      peek: (tenantId, userId) => peek()?.memberships.peek(tenantId, userId),
      lookup: async (tenantId, userId) => (await started()).memberships.lookup(tenantId, userId),
    },
    keys: {
      peek: (presented) => peek()?.keySource.peek(presented),
      lookup: async (presented) => (await started()).keySource.lookup(presented),
    },
    reservedSlugs: settings.reservedSlugs,
  })
}
