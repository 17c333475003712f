// Which of a tenant's logins a call means, and in what state it is. Pure.
import { TenantryError } from '../../kernel/errors.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import type { CredentialInfo, CredentialState } from './credential.ts'
import type { LoginRole } from './login-roles.ts'

/** Whether logins of the tenant may log in. */
export function letsIn({ status, mode }: Pick<Tenant, 'status' | 'mode'>): boolean {
  return status === 'active' && mode !== 'maintenance'
}

/** Whether the login works while its tenant is active. */
export function isUsable(login: LoginRole): boolean {
  return login.revokedAt === null && !login.isExpired
}

/**
 * The login of that username; without one the tenant's only credential's, its newest.
 * Throws CREDENTIAL_NOT_FOUND, and INVALID_INPUT where there are several to choose from.
 */
export function loginNamed(logins: readonly LoginRole[], username: string | undefined): LoginRole {
  if (username !== undefined) {
    const named = logins.find((login) => login.username === username)
    if (named !== undefined) return named
    throw new TenantryError('CREDENTIAL_NOT_FOUND', 'The tenant has no login of that name.')
  }
  return onlyLogin(logins)
}

/** The newest login of the tenant's only credential. Throws CREDENTIAL_NOT_FOUND, and INVALID_INPUT where there are several. */
export function onlyLogin<T extends { readonly name: string }>(logins: readonly T[]): T {
  const newest = logins.at(-1)
  if (newest === undefined) throw new TenantryError('CREDENTIAL_NOT_FOUND', 'The tenant has no direct credential.')
  if (new Set(logins.map(({ name }) => name)).size === 1) return newest
  throw new TenantryError('INVALID_INPUT', 'The tenant has several credentials.', {
    field: 'username',
    fix: 'Name the one that is meant by its username.',
  })
}

export function infoOf(login: LoginRole, tenant: Pick<Tenant, 'status' | 'mode'>): CredentialInfo {
  return {
    username: login.username,
    name: login.name,
    state: stateOf(login, tenant),
    createdAt: login.createdAt.toISOString(),
    expiresAt: login.expiresAt?.toISOString() ?? null,
    revokedAt: login.revokedAt?.toISOString() ?? null,
  }
}

function stateOf(login: LoginRole, tenant: Pick<Tenant, 'status' | 'mode'>): CredentialState {
  // A login whose role somebody dropped is as good as revoked.
  if (login.revokedAt !== null || login.role === 'gone') return 'revoked'
  if (login.isExpired) return 'expired'
  if (!letsIn(tenant)) return 'disabled'
  return login.expiresAt === null ? 'active' : 'replaced'
}
