// Who may do what where: the words in which the features that own members, keys and operators answer, and those that
// resolve requests and guard routes ask. They meet here, because features never import each other.

/**
 * What a role allows or a key covers: `noun:verb`, lower case, such as `members:write`; `noun:*` covers every verb of a
 * noun and `*` everything. An application may use nouns of its own.
 */
export type Permission = string

/** Permissions that the control plane itself asks for; the `write` of a noun includes its `read`. */
export const permissions = [
  ...(['tenants:read', 'tenants:write', 'members:read', 'members:write', 'roles:read', 'roles:write'] as const),
  ...(['invitations:read', 'invitations:write', 'organizations:read', 'organizations:write'] as const),
  ...(['teams:read', 'teams:write', 'keys:read', 'keys:write', 'credentials:read', 'credentials:write'] as const),
  ...(['support:read', 'support:write', 'events:read', 'stats:read', 'verify:read', 'verify:write'] as const),
  ...(['migrations:read', 'migrations:write', 'fleet:read'] as const),
] as const

const PERMISSION = /^(\*|[a-z][a-z0-9_-]{0,62}(:[a-z0-9_-]{1,63})*(:\*)?)$/

/** Whether a text has the form of a permission. */
export function isPermission(text: string): boolean {
  return text.length <= 200 && PERMISSION.test(text)
}

/** Whether a list of permissions covers one. */
export function covers(held: readonly Permission[], needed: Permission): boolean {
  return held.some((each) => each === needed || coversByPattern(each, needed))
}

function coversByPattern(held: Permission, needed: Permission): boolean {
  if (held === '*') return true
  if (held.endsWith(':*')) return needed.startsWith(held.slice(0, -1))
  return held.endsWith(':write') && needed === `${held.slice(0, -':write'.length)}:read`
}

/** A user's effective place in a tenant, whichever way it came about. */
export interface Membership {
  readonly tenantId: string
  readonly userId: string
  readonly role: string
  /** 1-100; owner 100, admin 80, member 40, guest 20. */
  readonly rank: number
  readonly permissions: readonly Permission[]
  /** Where it comes from: the member's own row, an organization, a team, or a support access. */
  readonly source: 'member' | 'organization' | 'team' | 'support'
  /** Whether this user may only read here. */
  readonly readOnly: boolean
  /** Milliseconds since 1970 after which it is void; null where it has no end. */
  readonly expiresAt: number | null
}

/** Answers who belongs where, from memory where it can. Only active members of a tenant are members. */
export interface MembershipSource {
  /** Null: not a member. Undefined: the database must be asked. */
  peek(tenantId: string, userId: string): Membership | null | undefined
  lookup(tenantId: string, userId: string): Promise<Membership | null>
}

/** What a key of the HTTP API stands for. */
export interface KeyPrincipal {
  /** Null for the admin key and for keys that live no longer than a process. */
  readonly keyId: string | null
  /** May stand in logs and audit entries. */
  readonly prefix: string
  readonly kind: 'admin' | 'service' | 'tenant'
  /** The one tenant that a `tenant` key is good for; null for the others, which are good for all. */
  readonly tenantId: string | null
  readonly permissions: readonly Permission[]
}

/** Answers what a presented key is, from memory where it can. */
export interface KeySource {
  /** Null: no key of ours. Undefined: the database must be asked. */
  peek(presented: string): KeyPrincipal | null | undefined
  lookup(presented: string): Promise<KeyPrincipal | null>
}

/** A user as the application, or the issuer of a token, vouches for. */
export interface VerifiedUser {
  readonly userId: string
  readonly email?: string | undefined
  /** Only a verified address can accept an invitation. */
  readonly emailVerified?: boolean | undefined
}

/** Whose rank and permissions bound an act: a member of the tenant, read under the tenant's lock, or a key's own. */
export type OnBehalfOf = { readonly userId: string } | { readonly permissions: readonly Permission[] }
