// Whether whoever sent a request may do what its route does. Central power may do everything; everybody else needs the
// route's permission, and where the route names a tenant, a place in that tenant: of one that is not theirs a caller
// learns no more than of one that does not exist.
import type { Claims } from '../../engine/context/context-token.ts'
import { bypassesMode } from '../../engine/context/scope.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { covers, type KeyPrincipal, type Permission, type VerifiedUser } from '../../tenants/access.ts'
import { admit } from '../../tenants/admission.ts'
import { tenantKey, tenantNotFound } from '../../tenants/reference.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import type { Principal } from './acting.ts'
import type { ControlPlane } from './control-plane.ts'
import type { Scope } from './route-table.ts'

export interface Asked {
  readonly scope: Exclude<Scope, 'public'>
  /** The tenant that the path names, as it names it. */
  readonly tenant: string | undefined
  /** Whether the method changes nothing. */
  readonly isRead: boolean
}

export type Directory = Pick<ControlPlane, 'tenants' | 'members'>

/** Lets the principal through, or throws. Returns the id of the tenant that it was let into, where that was looked up. */
export async function authorise(directory: Directory, principal: Principal, asked: Asked): Promise<string | undefined> {
  if (principal.kind === 'admin' || principal.kind === 'operator') return undefined
  const [level, permission] = readScope(asked.scope)
  if (level === 'tenant' && permission !== undefined) return inTenant(directory, principal, { ...asked, permission })
  if (principal.kind === 'user') {
    if (level === 'user') return undefined
  } else if (principal.key.kind === 'service' && permission !== undefined && level !== 'admin') {
    return refuseUncovered(principal.key, permission)
  }
  throw new TenantryError('FORBIDDEN', `This route is not open to ${callerOf(principal)}.`)
}

function readScope(scope: string): readonly [level: string, permission: Permission | undefined] {
  const [level = '', permission] = scope.split(' ')
  return [level, permission]
}

function callerOf(principal: Principal): string {
  if (principal.kind === 'user') return 'users'
  return principal.kind === 'key' && principal.key.kind === 'tenant' ? 'keys of a tenant' : 'this key'
}

interface AskedInTenant extends Asked {
  readonly permission: Permission
}

async function inTenant(
  directory: Directory,
  principal: Extract<Principal, { kind: 'key' | 'user' }>,
  asked: AskedInTenant,
): Promise<string | undefined> {
  if (asked.tenant === undefined) throw new TenantryError('FORBIDDEN', 'This route names no tenant.')
  if (principal.kind === 'user') return asMember(directory, principal.user, asked)
  if (principal.key.kind === 'service') return refuseUncovered(principal.key, asked.permission)
  const tenant = await findTenant(directory, asked.tenant)
  if (tenant === undefined || tenant.id !== principal.key.tenantId) throw tenantNotFound(tenantKey(asked.tenant))
  refuseClosed(tenant, asked, {})
  refuseUncovered(principal.key, asked.permission)
  return tenant.id
}

async function asMember(directory: Directory, user: VerifiedUser, asked: AskedInTenant): Promise<string> {
  const ref = asked.tenant ?? ''
  const tenant = await findTenant(directory, ref)
  const membership = tenant && (await directory.members.membership({ id: tenant.id }, user.userId))
  if (!tenant || !membership) throw tenantNotFound(tenantKey(ref))
  refuseClosed(tenant, asked, { userId: user.userId })
  if (membership.readOnly && !asked.isRead) {
    throw new TenantryError('PERMISSION_DENIED', 'The user may only read in this tenant.')
  }
  if (covers(membership.permissions, asked.permission)) return tenant.id
  throw new TenantryError('PERMISSION_DENIED', `This needs the permission ${asked.permission} in the tenant.`)
}

/** The tenant of the path; undefined also for text that names none. */
async function findTenant({ tenants }: Directory, ref: string): Promise<Tenant | undefined> {
  return tenants.find(tenantKey(ref).value)
}

/**
 * Who belongs to the tenant hears why it is closed, for all or for writes; named operators pass. One that has nothing to
 * enter yet is open to its control plane.
 */
function refuseClosed(tenant: Tenant, { isRead }: Asked, claims: Claims): void {
  admit({ ...tenant, provisioned: true, migrationVersion: 0 }, claims)
  if (isRead || tenant.mode !== 'read_only' || bypassesMode(tenant, claims)) return
  throw new TenantryError('TENANT_READ_ONLY', `The tenant ${tenant.slug} is read-only.`)
}

function refuseUncovered(key: KeyPrincipal, needed: Permission): undefined {
  if (!covers(key.permissions, needed)) {
    throw new TenantryError('FORBIDDEN', `The key does not have the permission ${needed}.`)
  }
}
