// Who may be entered: the small facts of a tenant that every request needs, and the decision on them. Pure.
import { TenantryError } from '../kernel/errors.ts'
import type { Isolation, TenantStatus } from './tenant.ts'

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
  readonly plan: string | null
}

/**
 * Returns the tenant if it may be entered.
 * Throws TENANT_SUSPENDED, TENANT_INACTIVE, TENANT_DELETED, TENANT_PURGED, TENANT_NOT_PROVISIONED.
 */
export function admit(tenant: CachedTenant): CachedTenant {
  if (tenant.status === 'active' && tenant.provisioned) return tenant
  throw refusal(tenant)
}

function refusal({ status, slug }: CachedTenant): TenantryError {
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
      return new TenantryError('TENANT_NOT_PROVISIONED', `The tenant ${slug} is not provisioned.`)
  }
}
