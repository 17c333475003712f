// Operators: the people behind the instance, and their way into a tenant. Nobody has central power by being somebody:
// each use of it is switched on for a time and a reason, and is in the audit log.
import type { Page, TenantRef } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'

/** `super-admin` may take up central power; both may be given support access to a tenant. */
export type OperatorRole = 'super-admin' | 'support'

export const operatorRoles: readonly OperatorRole[] = ['super-admin', 'support']

export interface Operator {
  readonly userId: string
  readonly role: OperatorRole
  readonly createdAt: string
}

/** Central power for a while. The token is shown once. */
export interface Elevation {
  readonly id: string
  readonly userId: string
  readonly reason: string
  readonly createdAt: string
  readonly expiresAt: string
  readonly endedAt: string | null
}

export interface NewElevation extends Elevation {
  /** `tn_op_…`, sent as `Authorization: Bearer`. */
  readonly token: string
}

export interface ElevateInput {
  readonly userId: string
  /** 1-500 characters. */
  readonly reason: string
  /** 1-60, default 15. */
  readonly minutes?: number
}

/** `tenantry.operators`. */
export interface Operators {
  set(input: { readonly userId: string; readonly role: OperatorRole }, options?: ActOptions): Promise<Operator>
  /** Ends what the operator has open, too, and takes them out of the modes that they are named with. */
  remove(userId: string, options?: ActOptions): Promise<Operator>
  list(): Promise<readonly Operator[]>
  /** Throws OPERATOR_REQUIRED for anybody but a super-admin, REASON_REQUIRED. */
  elevate(input: ElevateInput, options?: ActOptions): Promise<NewElevation>
  /** Ends an elevation early. Repeatable. Throws ELEVATION_NOT_FOUND. */
  release(id: string, options?: ActOptions): Promise<Elevation>
  elevations(options?: { readonly limit?: number; readonly cursor?: string }): Promise<Page<Elevation>>
  /** Whose open elevation a presented token is; null for none. Never cached. */
  authenticate(token: string): Promise<Elevation | null>
}

/** An operator's time-boxed access to one tenant. The tenant sees it. */
export interface SupportAccess {
  readonly id: string
  readonly tenantId: string
  readonly userId: string
  readonly reason: string
  /** False unless it was opened with `write`. */
  readonly mayWrite: boolean
  readonly openedBy: string
  readonly createdAt: string
  readonly expiresAt: string
  readonly endedAt: string | null
}

export interface OpenSupport {
  readonly userId: string
  /** 1-500 characters. */
  readonly reason: string
  /** 1-1440, default 60. */
  readonly minutes?: number
  readonly write?: boolean
}

/** `tenantry.support`. Opening and ending stand in the tenant's audit trail and in the instance's. */
export interface Support {
  /** Throws OPERATOR_REQUIRED for a user who is no operator, REASON_REQUIRED. */
  open(ref: TenantRef, input: OpenSupport, options?: ActOptions): Promise<SupportAccess>
  /** Newest first, ended ones included. */
  list(
    ref: TenantRef,
    options?: { readonly limit?: number; readonly cursor?: string; readonly open?: boolean },
  ): Promise<Page<SupportAccess>>
  /** Repeatable. Throws SUPPORT_ACCESS_NOT_FOUND. */
  end(ref: TenantRef, id: string, options?: ActOptions): Promise<SupportAccess>
}
