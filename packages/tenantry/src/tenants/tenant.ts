// The tenant, as every layer above the registry knows it.

/** Life of a tenant. `deleted` is soft and restorable until `purgeAfter`; `purged` is a tombstone. */
export type TenantStatus = 'active' | 'suspended' | 'inactive' | 'deleted' | 'purged'

export const tenantStatuses: readonly TenantStatus[] = ['active', 'suspended', 'inactive', 'deleted', 'purged']

/**
 * What a tenant is open for: `read_only` refuses writes and `maintenance` refuses to enter, to all but the operators that
 * are named with it.
 */
export type TenantMode = 'normal' | 'read_only' | 'maintenance'

export const tenantModes: readonly TenantMode[] = ['normal', 'read_only', 'maintenance']

/** How a tenant's data is kept apart. */
export type Isolation = 'row' | 'schema'

export const isolations: readonly Isolation[] = ['row', 'schema']

export type JsonObject = { readonly [key: string]: unknown }

/** A tenant. Times are ISO 8601 in UTC. */
export interface Tenant {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly status: TenantStatus
  readonly isolation: Isolation
  /** Name of the tenant's own schema; a row tenant keeps the name reserved, too. */
  readonly schemaName: string
  readonly mode: TenantMode
  readonly modeReason: string | null
  /** When the mode was last changed; null where it never was. */
  readonly modeSince: string | null
  /** Ids of the users whom the mode does not hold for. */
  readonly modeOperators: readonly string[]
  readonly plan: string | null
  readonly ownerUserId: string | null
  readonly settings: JsonObject
  readonly metadata: JsonObject
  /** When it was made ready to enter; null means there is nothing to enter yet. */
  readonly provisionedAt: string | null
  readonly suspendedAt: string | null
  readonly suspendReason: string | null
  readonly deletedAt: string | null
  /** After this a deleted tenant is purged. */
  readonly purgeAfter: string | null
  readonly purgedAt: string | null
  readonly createdAt: string
  readonly updatedAt: string
  /** Grows by one with every change; the ETag of HTTP. */
  readonly version: number
}

/** A tenant by slug or id; a plain string is an id where it is UUID-shaped, otherwise a slug. */
export type TenantRef = string | { readonly slug: string } | { readonly id: string }

export interface CreateTenant {
  readonly name: string
  /** Default: made from the name. */
  readonly slug?: string
  readonly schemaName?: string
  readonly plan?: string
  /** Default: the instance's. */
  readonly isolation?: Isolation
  /** Default: the instance's `autoProvision`, true. */
  readonly provision?: boolean
  readonly ownerUserId?: string
  readonly settings?: JsonObject
  readonly metadata?: JsonObject
}

/** A change of a tenant's own facts. Slug, status and isolation have verbs of their own. */
export interface UpdateTenant {
  readonly name?: string
  readonly plan?: string | null
  readonly ownerUserId?: string | null
  readonly settings?: JsonObject
  readonly metadata?: JsonObject
}

/** What a tenant is to be open for. Where the mode stays, what is left out stays, too. */
export interface SetMode {
  readonly mode: TenantMode
  /** At most 500 characters; for the audit log, and shown with the tenant until it is back to normal. */
  readonly reason?: string
  /** Ids of users, at most 100, whom the mode does not hold for: the `userId` of the scopes they enter. */
  readonly operators?: readonly string[]
}

export interface ListTenants {
  /** 1-100, default 20. */
  readonly limit?: number
  readonly cursor?: string
  readonly status?: TenantStatus
  /** Part of slug or name, case-insensitive. */
  readonly search?: string
  readonly plan?: string
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
  /** How many match without the limit. */
  readonly total: number
}

export interface ProvisionResult {
  readonly provisioned: boolean
  readonly schemaName: string
  readonly tableCount: number
  /** `provisioned successfully` or `already provisioned`. */
  readonly message: string
}

export interface TenantStats {
  readonly total: number
  readonly byStatus: Readonly<Record<TenantStatus, number>>
  readonly byPlan: Readonly<Record<string, number>>
  readonly byIsolation: Readonly<Record<string, number>>
  readonly unprovisioned: number
}
