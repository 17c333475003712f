// Changing a tenant's own facts, under its row lock. What did not change makes no version and no event.
import { isDeepStrictEqual } from 'node:util'
import { TenantryError } from '../kernel/errors.ts'
import { recordFact } from './events.ts'
import { inTenantTransaction } from './lock.ts'
import type { TenantsOptions } from './options.ts'
import { onlyRow, publicTenant, type TenantRow, tenantColumns, toTenant } from './record.ts'
import { tenantKey } from './reference.ts'
import type { Tenant, TenantRef, UpdateTenant } from './tenant.ts'
import { refuseOtherVersion } from './version.ts'

/** Changes a tenant's own facts. Throws TENANT_DELETED, TENANT_PURGED, PRECONDITION_FAILED, TENANT_BUSY. */
export async function updateTenant(
  options: TenantsOptions,
  ref: TenantRef,
  change: UpdateTenant & { readonly ifVersion: number | undefined; readonly actor: string },
): Promise<Tenant> {
  const { ifVersion, actor, ...fields } = change
  return inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
    refuseUpdate(tenant, ifVersion)
    const changed = changedFields(tenant, fields)
    if (changed.length === 0) return publicTenant(tenant)
    const after = { ...tenant, ...fields }
    const at = new Date(options.clock.now())
    const { rows } = await tx.query<TenantRow>(
      `update tenantry.tenant set name = $2, plan = $3, owner_user_id = $4, settings = $5, metadata = $6,
              updated_at = $7, version = version + 1
        where id = $1 returning ${tenantColumns}`,
      [
        tenant.id,
        after.name,
        after.plan,
        after.ownerUserId,
        JSON.stringify(after.settings),
        JSON.stringify(after.metadata),
        at,
      ],
    )
    await recordFact(tx, {
      event: 'tenant.updated',
      action: 'tenant.update',
      tenant: after,
      actor,
      at,
      detail: { changed },
    })
    const updated = toTenant(onlyRow(rows))
    if (updated.ownerUserId !== null && changed.includes('ownerUserId')) {
      for (const participant of options.participants) await participant.ownerNamed?.(tx, updated, { actor, at })
    }
    return updated
  })
}

/** Throws TENANT_DELETED, TENANT_PURGED, PRECONDITION_FAILED. */
export function refuseUpdate(tenant: Tenant, ifVersion: number | undefined): void {
  if (tenant.status === 'deleted') throw new TenantryError('TENANT_DELETED', `The tenant ${tenant.slug} is deleted.`)
  if (tenant.status === 'purged') throw new TenantryError('TENANT_PURGED', 'The tenant was purged.')
  refuseOtherVersion(tenant, ifVersion)
}

/** Names of what an update changes, those inside settings and metadata one by one: `settings.theme`. */
export function changedFields(tenant: Tenant, change: UpdateTenant): readonly string[] {
  const { settings, metadata, ...plain } = change
  return [
    ...changedKeys(tenant, plain),
    ...(settings === undefined ? [] : changedKeys(tenant.settings, settings, tenant.settings).map(under('settings'))),
    ...(metadata === undefined ? [] : changedKeys(tenant.metadata, metadata, tenant.metadata).map(under('metadata'))),
  ]
}

const under = (field: string) => (key: string) => `${field}.${key}`

function changedKeys(before: object, after: object, removable: object = {}): readonly string[] {
  const old = new Map<string, unknown>(Object.entries(before))
  const next = new Map<string, unknown>(Object.entries(after))
  const keys = new Set([...next.keys(), ...Object.keys(removable)])
  return [...keys].filter((key) => next.has(key) !== old.has(key) || !isDeepStrictEqual(old.get(key), next.get(key)))
}
