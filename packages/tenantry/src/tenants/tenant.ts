// The tenant, as every layer above the registry knows it.

/** Life of a tenant. `deleted` is soft and restorable until `purgeAfter`; `purged` is a tombstone. */
export type TenantStatus = 'active' | 'suspended' | 'inactive' | 'deleted' | 'purged'

export const tenantStatuses: readonly TenantStatus[] = ['active', 'suspended', 'inactive', 'deleted', 'purged']

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
