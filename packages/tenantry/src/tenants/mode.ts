// What a tenant is open for. A mode is no status: the tenant stays active, and comes back as it was.
import { recordFact } from './events.ts'
import { type Check, checkFields, oneOf, text } from './field-checks.ts'
import { inTenantTransaction } from './lock.ts'
import type { TenantsOptions } from './options.ts'
import { onlyRow, publicTenant, type TenantRow, tenantColumns, toTenant } from './record.ts'
import { tenantKey } from './reference.ts'
import { type SetMode, type Tenant, type TenantRef, tenantModes } from './tenant.ts'
import { TenantryError } from '../kernel/errors.ts'
import { refuseUpdate } from './update.ts'

const MOST_OPERATORS = 100

const userIds: Check<readonly string[]> = (value, field) => {
  if (!Array.isArray(value) || value.length > MOST_OPERATORS) {
    throw new TenantryError('INVALID_INPUT', `"${field}" must be a list of at most ${MOST_OPERATORS} user ids.`, {
      field,
    })
  }
  return [...new Set(value.map((each) => text(255)(each, field)))].sort()
}

const modeFields = { mode: oneOf(tenantModes), reason: text(500), operators: userIds }

/** Checks a change of the mode. Throws INVALID_INPUT, UNKNOWN_FIELD. */
export function checkMode(input: unknown): SetMode {
  const { mode, ...rest } = checkFields(modeFields, input)
  if (mode === undefined) throw new TenantryError('INVALID_INPUT', '"mode" is missing.', { field: 'mode' })
  if (mode === 'normal' && (rest.operators?.length ?? 0) > 0) {
    throw new TenantryError('INVALID_INPUT', '"operators" are named with a mode that holds for others.', {
      field: 'operators',
    })
  }
  return { mode, ...rest }
}

/** The facts of a mode as they are after a change; undefined where it changes nothing. */
export function modeAfter(
  tenant: Tenant,
  { mode, reason, operators }: SetMode,
): Pick<Tenant, 'mode' | 'modeReason' | 'modeOperators'> | undefined {
  const stays = mode === tenant.mode
  if (mode === 'normal') return stays ? undefined : { mode, modeReason: null, modeOperators: [] }
  const modeReason = reason ?? (stays ? tenant.modeReason : null)
  const modeOperators = operators ?? (stays ? tenant.modeOperators : [])
  const same = stays && modeReason === tenant.modeReason && String(modeOperators) === String(tenant.modeOperators)
  return same ? undefined : { mode, modeReason, modeOperators }
}

const UPDATE = `
update tenantry.tenant
   set mode = $2, mode_reason = $3, mode_operators = $4, mode_since = case when mode = $2 then mode_since else now() end,
       updated_at = $5, version = version + 1
 where id = $1 returning ${tenantColumns}`

/** Changes the mode; a repetition changes nothing. Throws TENANT_NOT_FOUND, TENANT_DELETED, TENANT_PURGED, TENANT_BUSY. */
export async function setMode(
  options: TenantsOptions,
  ref: TenantRef,
  { actor, ...change }: SetMode & { readonly actor: string },
): Promise<Tenant> {
  const changed = await inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
    refuseUpdate(tenant, undefined)
    const after = modeAfter(tenant, change)
    if (after === undefined) return publicTenant(tenant)
    const at = new Date(options.clock.now())
    const { mode, modeReason, modeOperators } = after
    const { rows } = await tx.query<TenantRow>(UPDATE, [tenant.id, mode, modeReason, modeOperators, at])
    const saved = toTenant(onlyRow(rows))
    for (const participant of options.participants) await participant.statusChanged?.(tx, saved)
    await recordFact(tx, {
      ...{ event: 'tenant.mode_changed', action: 'tenant.mode', tenant, actor, at, reason: change.reason ?? null },
      detail: { mode, before: tenant.mode, operators: modeOperators },
    })
    return saved
  })
  for (const participant of options.participants) await participant.afterStatusChange?.(changed)
  return changed
}
