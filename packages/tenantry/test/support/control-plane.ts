// A control plane for tests of the HTTP surface alone: every noun fails as told, but for those that are given.
import { nounMethods } from '../../src/composition/nouns.ts'
import { TenantryError } from '../../src/kernel/errors.ts'
import { healthReport } from '../../src/kernel/health.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import type { ControlPlane } from '../../src/surfaces/http/control-plane.ts'
import type { Tenants } from '../../src/tenants/tenants.ts'

/** The nouns of the HTTP surface. */
type Nouns = Omit<ControlPlane, 'tenants' | 'verify' | 'lastVerification' | 'health' | 'logger' | 'version'>

const unreached = new TenantryError('INTERNAL', 'A request got past the guard.')

export function controlPlaneWith(given: Partial<ControlPlane>, error: Error = unreached): ControlPlane {
  const fail = () => Promise.reject(error)
  const nouns = Object.keys(nounMethods).map((noun) => [noun, new Proxy({}, { get: () => fail })])
  return {
    // Every noun with every method, each of which fails.
    ...(Object.fromEntries(nouns) as Nouns),
    tenants: new Proxy({} as Tenants, { get: () => fail }),
    verify: fail,
    lastVerification: fail,
    health: () => Promise.resolve(healthReport({ database: { status: 'up', latencyMs: 1 } })),
    logger: silentLogger,
    version: '1.2.3',
    ...given,
  }
}

/** Keys of which this one is the admin key, and no other is any. */
export function keysWith(admin: string): ControlPlane['keys'] {
  const principal = { keyId: null, prefix: 'test', kind: 'admin', tenantId: null, permissions: ['*'] } as const
  return { ...({} as ControlPlane['keys']), authenticate: (key) => Promise.resolve(key === admin ? principal : null) }
}
