// Direct credentials, as the library, HTTP and the command line offer them: logins that belong to one tenant each, for
// reporting tools, scripts and customers who connect to PostgreSQL themselves.
import type { TenantRef } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'

/** A login with its password; this is the only time anybody sees it. */
export interface DirectCredential {
  readonly username: string
  readonly password: string
  /** The tenant's own schema; a row tenant has its name reserved and no schema. */
  readonly schemaName: string
  /** `postgres://…`, with everything percent-encoded. */
  readonly connectionString: string
  readonly tenantId: string
}

export interface CreateCredential {
  /**
   * 1-63 lowercase letters, digits and underscores, not starting with a digit. Default: made from the instance and the
   * tenant's slug.
   */
  readonly username?: string
  /** 12-256 characters in Unicode's form NFKC. Default, and for an empty one: 32 random letters and digits. */
  readonly password?: string
  /** Most connections at a time; default 10. */
  readonly connectionLimit?: number
}

export interface NameCredential {
  /** May be left out where the tenant has one credential. */
  readonly username?: string
}

export interface RotateCredential extends NameCredential {
  /** As for create. */
  readonly password?: string
  /** How long the login that is replaced still works, in seconds; default a day. 0 ends it and its sessions at once. */
  readonly graceSeconds?: number
}

/**
 * `active`: the login works. `replaced`: a rotation made its successor, and it works until `expiresAt`. `expired`,
 * `revoked`: it does not, for good. `disabled`: its tenant is not active.
 */
export type CredentialState = 'active' | 'replaced' | 'expired' | 'revoked' | 'disabled'

/** What is known of a login; the password is not. Times are ISO 8601 in UTC. */
export interface CredentialInfo {
  readonly username: string
  /** The username that the credential began with; the logins that rotation alternates between share it. */
  readonly name: string
  readonly state: CredentialState
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly revokedAt: string | null
}

/** `tenantry.credentials`. Every change writes an event and an audit entry, without secrets. */
export interface Credentials {
  /**
   * Makes a login for an active tenant. Throws CREDENTIAL_NAME_INVALID, CREDENTIAL_NAME_TAKEN (a role that is there is
   * never adopted), INVALID_INPUT for the password, CREDENTIAL_SINK_FAILED, and why the tenant may not be entered;
   * nothing is left behind then.
   */
  create(ref: TenantRef, input?: CreateCredential, options?: ActOptions): Promise<DirectCredential>
  /** All logins of the tenant, oldest first. */
  list(ref: TenantRef): Promise<readonly CredentialInfo[]>
  /**
   * Makes a second login with a password of its own and lets the first one run out, so that clients change over
   * without a gap. Throws CREDENTIAL_CONFLICT while the login of the rotation before still works, CREDENTIAL_NOT_FOUND.
   */
  rotate(ref: TenantRef, input?: RotateCredential, options?: ActOptions): Promise<DirectCredential>
  /** Locks the login out and ends its sessions. Repeating it makes no event. Throws CREDENTIAL_NOT_FOUND. */
  revoke(ref: TenantRef, input?: NameCredential, options?: ActOptions): Promise<CredentialInfo>
  /**
   * Revokes the login, then drops its role and verifies that nothing depends on it any more. What it came to own goes to
   * the admin login, its large objects are deleted. Throws CREDENTIAL_INCOMPLETE naming what is left, CREDENTIAL_NOT_FOUND.
   */
  drop(ref: TenantRef, input?: NameCredential, options?: ActOptions): Promise<CredentialInfo>
}
