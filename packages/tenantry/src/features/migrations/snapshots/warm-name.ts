// What schemas are called before they are a tenant's.
import { randomBytes } from 'node:crypto'

/** A name that no tenant's schema can have. */
export function warmName(): string {
  return `tenantry_warm_${randomBytes(4).toString('hex')}`
}
