// The first half of `create`: the tenant's row, its event and audit entry, and the open journal of its provisioning, in
// one transaction. Uniqueness is the constraints' business, so parallel creations need no look before.
import { constraintOf } from '../engine/sql/database-errors.ts'
import { TenantryError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { recordFact } from './events.ts'
import type { NewTenant } from './input.ts'
import { deferDurability, type Operation, openOperation } from './journal.ts'
import type { TenantsOptions } from './options.ts'
import { onlyRow, type TenantRow, tenantColumns, toTenant } from './record.ts'
import type { Tenant } from './tenant.ts'

export interface Registered {
  readonly tenant: Tenant
  /** Open where the tenant is to be provisioned. */
  readonly operation: Operation | undefined
}

const insertTenant = `
insert into tenantry.tenant
  (id, slug, name, status, isolation, schema_name, plan, owner_user_id, settings, metadata, created_at, updated_at)
values ($1, $2, $3, 'active', $4, $5, $6, $7, $8, $9, $10, $10)
returning ${tenantColumns}`

/** Writes the tenant and, where it is to be provisioned, opens its journal. Throws SLUG_TAKEN, SCHEMA_NAME_TAKEN. */
export async function registerTenant(options: TenantsOptions, input: NewTenant, actor: string): Promise<Registered> {
  const at = new Date(options.clock.now())
  const valuesFor = (id: string) => [
    id,
    input.slug,
    input.name,
    input.isolation,
    input.schemaName,
    input.plan,
    input.ownerUserId,
    JSON.stringify(input.settings),
    JSON.stringify(input.metadata),
    at,
  ]
  return options.database.transaction(async (tx) => {
    const needsSchema = input.provision && input.isolation === 'schema'
    const ready = needsSchema && input.id === undefined ? await options.schemas?.reserve(tx) : undefined
    const id = input.id ?? ready ?? newId()
    const { rows } = await tx.query<TenantRow>(insertTenant, valuesFor(id)).catch((error: unknown) => {
      throw takenError(error, input)
    })
    const tenant = toTenant(onlyRow(rows))
    const [operation] = await Promise.all([
      input.provision ? openOperation(tx, tenant.id, { verb: 'create', actor }) : undefined,
      recordFact(tx, { event: 'tenant.created', action: 'tenant.create', tenant, actor, at }),
      input.provision ? deferDurability(tx) : undefined,
    ])
    if (tenant.ownerUserId !== null) {
      for (const participant of options.participants) await participant.ownerNamed?.(tx, tenant, { actor, at })
    }
    await options.onStep?.('create:begin:before-commit')
    return { tenant, operation }
  })
}

function takenError(error: unknown, input: NewTenant): unknown {
  const constraint = constraintOf(error)
  if (constraint === 'tenant_slug_key') {
    return new TenantryError('SLUG_TAKEN', `The slug ${input.slug} is taken.`, { field: 'slug', cause: error })
  }
  if (constraint === 'tenant_schema_name_key') {
    const message = `The schema name ${input.schemaName} is taken.`
    return new TenantryError('SCHEMA_NAME_TAKEN', message, { field: 'schemaName', cause: error })
  }
  return error
}
