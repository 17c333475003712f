// Who may be entered: the small facts of a tenant that every request needs, and the decision on them. Pure.
import type { Claims } from '../engine/context/context-token.ts'
import { bypassesMode } from '../engine/context/scope.ts'
import { TenantryError } from '../kernel/errors.ts'
import type { Isolation, TenantMode, TenantStatus } from './tenant.ts'

/** What a scope needs to know of its tenant. Frozen: one object serves all requests. */
export interface CachedTenant {
  readonly id: string
  readonly slug: string
  readonly status: TenantStatus
  readonly isolation: Isolation
  readonly schemaName: string
  readonly provisioned: boolean
  /** How many tenant migrations its schema carries. */
  readonly migrationVersion: number
  readonly mode: TenantMode
  /** Users whom the mode does not hold for. */
  readonly modeOperators: readonly string[]
  readonly plan: string | null
}

const NOBODY: Claims = {}

/**
 * Returns the tenant if whoever makes these claims may enter it.
 * Throws TENANT_SUSPENDED, TENANT_INACTIVE, TENANT_DELETED, TENANT_PURGED, TENANT_NOT_PROVISIONED, TENANT_MAINTENANCE.
 */
export function admit(tenant: CachedTenant, claims: Claims = NOBODY): CachedTenant {
  const isOpen = tenant.status === 'active' && tenant.provisioned
  if (isOpen && (tenant.mode !== 'maintenance' || bypassesMode(tenant, claims))) return tenant
  throw refusal(tenant)
}

function refusal({ status, slug, provisioned }: CachedTenant): TenantryError {
  switch (status) {
    case 'suspended':
      return new TenantryError('TENANT_SUSPENDED', `The tenant ${slug} is suspended.`)
    case 'inactive':
      return new TenantryError('TENANT_INACTIVE', `The tenant ${slug} is not active.`)
    case 'deleted':
      return new TenantryError('TENANT_DELETED', `The tenant ${slug} is deleted.`)
    case 'purged':
      return new TenantryError('TENANT_PURGED', 'The tenant was purged.')
    case 'active':
      if (provisioned) return new TenantryError('TENANT_MAINTENANCE', `The tenant ${slug} is under maintenance.`)
      return new TenantryError('TENANT_NOT_PROVISIONED', `The tenant ${slug} is not provisioned.`)
  }
}
