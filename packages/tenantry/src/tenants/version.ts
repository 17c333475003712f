// The version that a caller has read, against the one that is there.
import { TenantryError } from '../kernel/errors.ts'
import type { Tenant } from './tenant.ts'

/** Throws PRECONDITION_FAILED where a version is asked for and the tenant is at another one. */
export function refuseOtherVersion(tenant: Tenant, ifVersion: number | undefined): void {
  if (ifVersion === undefined || ifVersion === tenant.version) return
  throw new TenantryError(
    'PRECONDITION_FAILED',
    `The tenant ${tenant.slug} is at version ${tenant.version}, not ${ifVersion}.`,
  )
}
