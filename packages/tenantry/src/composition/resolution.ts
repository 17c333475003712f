// Wires the resolution of requests to an instance that may not have started yet.
import { createResolution, type RequestResolution } from '../features/resolution/create-resolution.ts'
import type { KeySource } from '../tenants/access.ts'
import type { Runtime } from './runtime.ts'
import type { TenantrySettings } from './settings.ts'

export interface StartableRuntime {
  /** Undefined until it has started. */
  readonly peek: () => Runtime | undefined
  readonly started: () => Promise<Runtime>
}

/** Throws RESOLVER_UNKNOWN and CONFIGURATION_INVALID for settings that cannot be followed. */
export function resolutionOf(settings: TenantrySettings, { peek, started }: StartableRuntime): RequestResolution {
  return createResolution(settings.resolution ?? {}, {
    tenants: {
      recall: (ref) => peek()?.registry.recall(ref),
      lookup: async (ref) => (await started()).registry.lookup(ref),
    },
    members: {
      peek: (tenantId, userId) => peek()?.memberships.peek(tenantId, userId),
      lookup: async (tenantId, userId) => (await started()).memberships.lookup(tenantId, userId),
    },
    keys: adminKeys(started),
    reservedSlugs: settings.reservedSlugs,
  })
}

/** The admin key, which its keeper remembers. */
function adminKeys(started: () => Promise<Runtime>): KeySource {
  return {
    peek: () => undefined,
    async lookup(presented) {
      const isAdmin = await (await started()).nouns.keys.verify(presented)
      return isAdmin ? { ...ADMIN, permissions: ['*'] } : null
    },
  }
}

const ADMIN = { keyId: null, prefix: 'admin', kind: 'admin', tenantId: null } as const
