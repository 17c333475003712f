// What each verb of the status machine does to a tenant's own facts. Pure.
import type { TenantRecord } from './record.ts'

const DAY_MS = 24 * 60 * 60 * 1000

const unsuspended = { suspendedAt: null, suspendReason: null, restoredAt: null } as const

export function suspended(tenant: TenantRecord, at: Date, reason: string | null): TenantRecord {
  return { ...tenant, ...unsuspended, status: 'suspended', suspendedAt: at.toISOString(), suspendReason: reason }
}

export function activated(tenant: TenantRecord): TenantRecord {
  return { ...tenant, ...unsuspended, status: 'active' }
}

export function deactivated(tenant: TenantRecord): TenantRecord {
  return { ...tenant, ...unsuspended, status: 'inactive' }
}

export function deleted(tenant: TenantRecord, at: Date, purgeAfterDays: number): TenantRecord {
  return {
    ...tenant,
    status: 'deleted',
    statusBefore: tenant.status,
    restoredAt: null,
    deletedAt: at.toISOString(),
    purgeAfter: new Date(at.getTime() + purgeAfterDays * DAY_MS).toISOString(),
  }
}

export function restored(tenant: TenantRecord, at: Date): TenantRecord {
  return {
    ...tenant,
    status: tenant.statusBefore ?? 'inactive',
    statusBefore: null,
    archivedSchema: null,
    restoredAt: at.toISOString(),
    deletedAt: null,
    purgeAfter: null,
  }
}
