// What can be done with tenants, as the library, HTTP and the command line all offer it.
import type {
  CreateTenant,
  ListTenants,
  Page,
  ProvisionResult,
  SetMode,
  Tenant,
  TenantRef,
  TenantStats,
  UpdateTenant,
} from './tenant.ts'

/** Who asks, for the audit log: `library`, `cli`, `http:<key prefix>`, or the application's own word. */
export interface ActOptions {
  readonly actor?: string
}

export interface UpdateOptions extends ActOptions {
  /** The version that was read; another one now is PRECONDITION_FAILED. */
  readonly ifVersion?: number
}

export interface SuspendOptions extends ActOptions {
  readonly reason?: string
}

export interface PurgeOptions extends ActOptions {
  /** The tenant's slug, typed out; anything else is CONFIRMATION_REQUIRED. */
  readonly confirm: string
}

/** A fact from the outbox. */
export interface TenantEvent {
  readonly seq: string
  readonly id: string
  /** `tenant.created`, `tenant.provisioned`, `tenant.suspended`, … */
  readonly type: string
  readonly tenantId: string | null
  readonly payload: Readonly<Record<string, unknown>>
  readonly createdAt: string
}

export interface ListEvents {
  readonly limit?: number
  readonly cursor?: string
  readonly tenant?: TenantRef
  readonly type?: string
}

/** Tenant lifecycle and registry. Repeating a verb that has already taken effect changes nothing and makes no event. */
export interface Tenants {
  create(input: CreateTenant, options?: ActOptions): Promise<Tenant>
  /** The tenant, of any status except purged; TENANT_NOT_FOUND otherwise. Reads the database, not the cache. */
  get(ref: TenantRef): Promise<Tenant>
  find(ref: TenantRef): Promise<Tenant | undefined>
  /** Without a status, deleted and purged tenants are left out. */
  list(options?: ListTenants): Promise<Page<Tenant>>
  update(ref: TenantRef, change: UpdateTenant, options?: UpdateOptions): Promise<Tenant>
  provision(ref: TenantRef, options?: ActOptions): Promise<ProvisionResult>
  suspend(ref: TenantRef, options?: SuspendOptions): Promise<Tenant>
  activate(ref: TenantRef, options?: ActOptions): Promise<Tenant>
  deactivate(ref: TenantRef, options?: ActOptions): Promise<Tenant>
  delete(ref: TenantRef, options?: UpdateOptions): Promise<Tenant>
  restore(ref: TenantRef, options?: ActOptions): Promise<Tenant>
  purge(ref: TenantRef, options: PurgeOptions): Promise<Tenant>
  /**
   * Closes a tenant for writes, or altogether, or opens it again: in every process at once. Direct logins and gateways
   * are bound by it, too. Throws TENANT_NOT_FOUND, TENANT_DELETED, TENANT_PURGED, TENANT_BUSY, INVALID_INPUT.
   *
   * @example
   * ```ts
   * await tenantry.tenants.setMode('acme-corp', { mode: 'read_only', reason: 'moving house', operators: ['user-7'] })
   * await tenantry.tenants.setMode('acme-corp', { mode: 'normal' })
   * ```
   */
  setMode(ref: TenantRef, input: SetMode, options?: ActOptions): Promise<Tenant>
  stats(): Promise<TenantStats>
  events(options?: ListEvents): Promise<Page<TenantEvent>>
  /** Finishes or undoes what a stopped process left open; returns how many operations it ended. */
  resume(): Promise<number>
  /** Purges deleted tenants whose restore window has closed; returns their ids. */
  purgeDue(): Promise<readonly string[]>
}
