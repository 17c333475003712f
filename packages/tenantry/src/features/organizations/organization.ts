// Organizations, which own tenants, and their teams, as the library, HTTP and the command line offer them.
import type { JsonObject, Page, TenantRef } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'

/** An organization by slug or id; a plain string is an id where it is UUID-shaped. */
export type OrganizationRef = string

/** Times are ISO 8601 in UTC. */
export interface Organization {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly metadata: JsonObject
  readonly createdAt: string
  readonly updatedAt: string
}

/**
 * `owner` and `admin` have that role in every tenant of the organization; `member` has the role that the organization
 * gives its members in a tenant, or none.
 */
export type OrganizationRole = 'owner' | 'admin' | 'member'

export const organizationRoles: readonly OrganizationRole[] = ['owner', 'admin', 'member']

export interface OrganizationMember {
  readonly organizationId: string
  readonly userId: string
  readonly email: string | null
  readonly role: OrganizationRole
  readonly createdAt: string
}

export interface OrganizationTenant {
  readonly tenantId: string
  readonly slug: string
  readonly name: string
  readonly status: string
  /** The role that plain members of the organization have in it; null for none. */
  readonly memberRole: string | null
}

export interface CreateOrganization {
  readonly name: string
  /** Default: made from the name. The same rule as for tenants. */
  readonly slug?: string
  readonly ownerUserId?: string
  readonly metadata?: JsonObject
}

export interface ListQuery {
  /** 1-100, default 20. */
  readonly limit?: number
  readonly cursor?: string
  /** Part of slug or name, or of user id or e-mail address; case-insensitive. */
  readonly search?: string
}

/** A user of any of an organization's tenants. */
export interface OrganizationUser {
  readonly userId: string
  readonly email: string | null
  readonly organizationRole: OrganizationRole | null
  /** Their own places in the organization's tenants, by slug. */
  readonly tenants: readonly {
    readonly tenantId: string
    readonly slug: string
    readonly role: string
    readonly state: string
  }[]
}

/** `tenantry.organizations`. Every change writes an event and an audit entry. */
export interface Organizations {
  create(input: CreateOrganization, options?: ActOptions): Promise<Organization>
  get(ref: OrganizationRef): Promise<Organization>
  list(options?: ListQuery): Promise<Page<Organization>>
  update(
    ref: OrganizationRef,
    change: { readonly name?: string; readonly metadata?: JsonObject },
    options?: ActOptions,
  ): Promise<Organization>
  /** Only without tenants (ORGANIZATION_CONFLICT). */
  delete(ref: OrganizationRef, options?: ActOptions): Promise<Organization>
  /** A tenant belongs to one organization at most (ORGANIZATION_CONFLICT). */
  addTenant(
    ref: OrganizationRef,
    input: { readonly tenant: TenantRef; readonly memberRole?: string | null },
    options?: ActOptions,
  ): Promise<OrganizationTenant>
  removeTenant(ref: OrganizationRef, tenant: TenantRef, options?: ActOptions): Promise<OrganizationTenant>
  tenants(ref: OrganizationRef, options?: ListQuery): Promise<Page<OrganizationTenant>>
  /** Adds, or changes the role. At least one owner stays (LAST_OWNER). */
  setMember(
    ref: OrganizationRef,
    input: { readonly userId: string; readonly email?: string; readonly role?: OrganizationRole },
    options?: ActOptions,
  ): Promise<OrganizationMember>
  removeMember(ref: OrganizationRef, userId: string, options?: ActOptions): Promise<OrganizationMember>
  members(ref: OrganizationRef, options?: ListQuery): Promise<Page<OrganizationMember>>
  /** All users across the organization's tenants, in one query. */
  users(ref: OrganizationRef, options?: ListQuery): Promise<Page<OrganizationUser>>
  /** The organizations that a user belongs to. */
  organizationsOf(userId: string, options?: ListQuery): Promise<Page<Organization>>
}

export interface Team {
  readonly id: string
  readonly organizationId: string
  readonly slug: string
  readonly name: string
  readonly createdAt: string
}

export interface TeamMember {
  readonly teamId: string
  readonly userId: string
  readonly createdAt: string
}

/** A role that a team has in one of its organization's tenants. */
export interface TeamRole {
  readonly teamId: string
  readonly tenantId: string
  readonly slug: string
  readonly role: string
}

/** `tenantry.teams`: groups of an organization's members, with roles in its tenants. A team is named by slug or id. */
export interface Teams {
  create(
    ref: OrganizationRef,
    input: { readonly name: string; readonly slug?: string },
    options?: ActOptions,
  ): Promise<Team>
  list(ref: OrganizationRef, options?: ListQuery): Promise<Page<Team>>
  get(ref: OrganizationRef, team: string): Promise<Team>
  delete(ref: OrganizationRef, team: string, options?: ActOptions): Promise<Team>
  /** Only members of the organization (MEMBER_NOT_FOUND). */
  addMember(ref: OrganizationRef, team: string, act: { readonly userId: string } & ActOptions): Promise<TeamMember>
  removeMember(ref: OrganizationRef, team: string, act: { readonly userId: string } & ActOptions): Promise<TeamMember>
  members(ref: OrganizationRef, team: string): Promise<readonly TeamMember[]>
  /** Null takes the role away. */
  setRole(
    ref: OrganizationRef,
    team: string,
    act: { readonly tenant: TenantRef; readonly role: string | null } & ActOptions,
  ): Promise<readonly TeamRole[]>
  roles(ref: OrganizationRef, team: string): Promise<readonly TeamRole[]>
}
