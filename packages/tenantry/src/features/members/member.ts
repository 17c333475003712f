// Members of tenants and their roles, as the library, HTTP and the command line offer them.
import type { Membership, OnBehalfOf, Permission } from '../../tenants/access.ts'
import type { JsonObject, Page, TenantRef } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'

/** `invited`: asked, not yet answered. Only `active` members may enter. `revoked` ones may be added or invited again. */
export type MemberState = 'invited' | 'active' | 'suspended' | 'revoked'

export const memberStates: readonly MemberState[] = ['invited', 'active', 'suspended', 'revoked']

/** A user's own place in a tenant. Times are ISO 8601 in UTC. */
export interface Member {
  readonly tenantId: string
  /** The application's own id of the user, 1-255 characters. */
  readonly userId: string
  /** Lower case. */
  readonly email: string | null
  /** `owner`, `admin`, `member`, `guest`, or a role of the tenant's own. */
  readonly role: string
  readonly state: MemberState
  readonly invitedBy: string | null
  readonly invitedAt: string | null
  readonly joinedAt: string | null
  readonly suspendedAt: string | null
  readonly revokedAt: string | null
  readonly metadata: JsonObject
  readonly createdAt: string
  readonly updatedAt: string
}

export interface MemberActOptions extends ActOptions {
  /** Bounds the act by this one's rank and permissions (RANK_TOO_LOW). Default: central power, nothing bounds it. */
  readonly onBehalfOf?: OnBehalfOf
}

export interface AddMember {
  readonly userId: string
  readonly email?: string
  /** Default `member`. */
  readonly role?: string
  readonly metadata?: JsonObject
}

export interface UpdateMember {
  readonly role?: string
  readonly email?: string | null
  readonly metadata?: JsonObject
}

export interface ListMembers {
  /** 1-100, default 20. */
  readonly limit?: number
  readonly cursor?: string
  /** Part of user id or e-mail address, case-insensitive. */
  readonly search?: string
  readonly state?: MemberState
  readonly role?: string
}

export interface TransferOwnership {
  /** An active member. */
  readonly to: string
  /** The owner who becomes admin; default: the tenant's `ownerUserId`. */
  readonly from?: string
}

/** A tenant that a user belongs to. */
export interface UserTenant {
  readonly tenantId: string
  readonly slug: string
  readonly name: string
  readonly status: string
  readonly role: string
  readonly source: Membership['source']
}

/** `tenantry.members`. Every change writes an event and an audit entry; repeating one changes nothing. */
export interface Members {
  add(ref: TenantRef, input: AddMember, options?: MemberActOptions): Promise<Member>
  invite(ref: TenantRef, input: AddMember, options?: MemberActOptions): Promise<Member>
  accept(ref: TenantRef, userId: string, options?: ActOptions): Promise<Member>
  get(ref: TenantRef, userId: string): Promise<Member>
  list(ref: TenantRef, options?: ListMembers): Promise<Page<Member>>
  update(ref: TenantRef, userId: string, change: UpdateMember, options?: MemberActOptions): Promise<Member>
  suspend(ref: TenantRef, userId: string, options?: MemberActOptions): Promise<Member>
  activate(ref: TenantRef, userId: string, options?: MemberActOptions): Promise<Member>
  /** Takes the member out; also how a member leaves. */
  revoke(ref: TenantRef, userId: string, options?: MemberActOptions): Promise<Member>
  /** Makes `to` owner and `from` admin, in one step. */
  transferOwnership(ref: TenantRef, input: TransferOwnership, options?: MemberActOptions): Promise<Member>
  /** The first owner of a tenant that has none. Throws OWNER_EXISTS. */
  bootstrapOwner(ref: TenantRef, input: Omit<AddMember, 'role'>, options?: ActOptions): Promise<Member>
  /** The user's effective place: own, by organization, by team or by support access; null for none. */
  membership(ref: TenantRef, userId: string): Promise<Membership | null>
  /** The tenants that a user may enter, by their slugs. */
  tenantsOf(userId: string, options?: { readonly limit?: number; readonly cursor?: string }): Promise<Page<UserTenant>>
}

/** A set of permissions with a rank. Built-in ones have no tenant. */
export interface Role {
  readonly name: string
  /** Nobody gives a role that ranks above their own; 1-99 for roles of a tenant's own. */
  readonly rank: number
  readonly permissions: readonly Permission[]
  readonly description: string | null
  readonly isBuiltIn: boolean
}

export interface CreateRole {
  /** 2-63 lower-case letters, digits, `_` and `-`, starting with a letter. */
  readonly name: string
  /** Default 40, that of `member`. */
  readonly rank?: number
  readonly permissions: readonly Permission[]
  readonly description?: string
}

export interface UpdateRole {
  readonly rank?: number
  readonly permissions?: readonly Permission[]
  readonly description?: string | null
}

/** `tenantry.roles`. */
export interface Roles {
  /** Built-in ones first, then by rank. */
  list(ref: TenantRef): Promise<readonly Role[]>
  get(ref: TenantRef, name: string): Promise<Role>
  create(ref: TenantRef, input: CreateRole, options?: MemberActOptions): Promise<Role>
  update(ref: TenantRef, name: string, change: UpdateRole, options?: MemberActOptions): Promise<Role>
  delete(ref: TenantRef, name: string, options?: MemberActOptions): Promise<Role>
}
