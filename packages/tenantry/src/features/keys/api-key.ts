// Keys of the HTTP API, as the library, HTTP and the command line offer them.
import type { KeyPrincipal, KeySource, OnBehalfOf, Permission } from '../../tenants/access.ts'
import type { Participant } from '../../tenants/participant.ts'
import type { Page, TenantRef } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'
import type { AdminKeys } from './admin-keys.ts'

/** A key without its secret. Times are ISO 8601 in UTC. */
export interface ApiKey {
  readonly id: string
  /** The tenant that it is good for; null for a service key, which is good for all. */
  readonly tenantId: string | null
  readonly name: string
  /** The first characters of the key; safe to show. */
  readonly prefix: string
  readonly permissions: readonly Permission[]
  readonly createdBy: string
  readonly createdAt: string
  readonly expiresAt: string | null
  /** By the minute. */
  readonly lastUsedAt: string | null
  readonly revokedAt: string | null
  /** The id of the key that a rotation made in its place. */
  readonly replacedBy: string | null
}

/** The key itself; this is the only time anybody sees it. */
export interface NewApiKey extends ApiKey {
  readonly key: string
}

export interface CreateApiKey {
  /** 1-100 characters. */
  readonly name: string
  readonly permissions: readonly Permission[]
  /** Seconds, at most ten years; default: no end. */
  readonly ttlSeconds?: number
}

export interface RotateApiKey {
  /** Seconds that the old key still works; default a day, 0 ends it at once. */
  readonly graceSeconds?: number
}

export interface KeyActOptions extends ActOptions {
  /** Bounds the permissions of a new key by this one's (RANK_TOO_LOW). Default: central power. */
  readonly onBehalfOf?: OnBehalfOf
}

export interface ListApiKeys {
  /** 1-100, default 20. */
  readonly limit?: number
  readonly cursor?: string
  /** Part of the name or the prefix, case-insensitive. */
  readonly search?: string
}

/** Where a null stands for a tenant, it means service keys. */
export interface ApiKeys {
  create(ref: TenantRef | null, input: CreateApiKey, options?: KeyActOptions): Promise<NewApiKey>
  list(ref: TenantRef | null, options?: ListApiKeys): Promise<Page<ApiKey>>
  get(ref: TenantRef | null, id: string): Promise<ApiKey>
  /** A new key with the same permissions; the old one runs out. */
  rotate(ref: TenantRef | null, id: string, options?: KeyActOptions & RotateApiKey): Promise<NewApiKey>
  /** Repeatable. Every process refuses the key from the moment it hears of it, well under a second. */
  revoke(ref: TenantRef | null, id: string, options?: ActOptions): Promise<ApiKey>
  /** What a presented key is; null where it is none, has expired or was revoked. */
  authenticate(presented: string): Promise<KeyPrincipal | null>
}

/** `tenantry.keys`: the admin key, and the keys of services and tenants. */
export interface Keys extends AdminKeys, ApiKeys {}

/** All of it, as the composition root hands it on. */
export interface KeyParts {
  readonly keys: Keys
  readonly source: KeySource
  readonly participant: Participant
  close(): Promise<void>
}
