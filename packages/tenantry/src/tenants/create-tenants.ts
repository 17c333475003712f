// Puts the parts together into what `tenantry.tenants` offers.
import { TenantryError } from '../kernel/errors.ts'
import { checkCreate, checkReason, checkUpdate } from './input.ts'
import { openOperation, openOperations, type Operation } from './journal.ts'
import { changeStatus, refuseWhileRunning, statusConflict } from './lifecycle.ts'
import { inTenantTransaction } from './lock.ts'
import { checkMode, setMode } from './mode.ts'
import type { TenantsOptions } from './options.ts'
import { finishProvisioning } from './provision.ts'
import { finishPurge, purgeTenant } from './purge.ts'
import { tenantKey } from './reference.ts'
import { registerTenant } from './registration.ts'
import { findTenant, getTenant, listEvents, listTenants, tenantStats } from './registry.ts'
import { countTables } from './schema.ts'
import type { CreateTenant, ProvisionResult, Tenant, TenantRef } from './tenant.ts'
import type { ActOptions, PurgeOptions, Tenants } from './tenants.ts'
import { updateTenant } from './update.ts'

/**
 * The tenants of an instance, over its control plane's database.
 *
 * @example
 * ```ts
 * const tenants = createTenants({ database, participants, roles, defaults, clock: systemClock, logger: silentLogger })
 * const acme = await tenants.create({ name: 'ACME Corp', slug: 'acme-corp' })
 * ```
 */
export function createTenants(options: TenantsOptions): Tenants {
  const { database } = options
  const actorOf = (act: ActOptions = {}) => act.actor ?? options.actor ?? 'library'
  const announced = async (change: Promise<Tenant>) => {
    const tenant = await change
    options.onChange?.(tenant.id)
    return tenant
  }
  const status = (verb: 'activate' | 'deactivate' | 'restore') => (ref: TenantRef, act?: ActOptions) =>
    announced(changeStatus(options, ref, { verb, actor: actorOf(act) }))

  return {
    create: (input, act) => announced(create(options, input, actorOf(act))),
    get: (ref) => getTenant(database, ref),
    find: (ref) => findTenant(database, ref),
    list: (query = {}) => listTenants(database, query),
    update: (ref, change, { ifVersion, ...act } = {}) =>
      announced(
        rejecting(() => updateTenant(options, ref, { ...checkUpdate(change), ifVersion, actor: actorOf(act) })),
      ),
    provision: (ref, act) => provision(options, ref, actorOf(act)),
    suspend: (ref, { reason, ...act } = {}) =>
      announced(
        rejecting(() =>
          changeStatus(options, ref, { verb: 'suspend', actor: actorOf(act), reason: checkReason(reason) }),
        ),
      ),
    activate: status('activate'),
    deactivate: status('deactivate'),
    delete: (ref, { ifVersion, ...act } = {}) =>
      announced(changeStatus(options, ref, { verb: 'delete', actor: actorOf(act), ifVersion })),
    restore: status('restore'),
    purge: (ref, act) => announced(purgeTenant(options, ref, { actor: actorOf(act), confirm: typedConfirmation(act) })),
    setMode: (ref, input, act) =>
      announced(rejecting(() => setMode(options, ref, { ...checkMode(input), actor: actorOf(act) }))),
    stats: () => tenantStats(database),
    events: (query = {}) => listEvents(database, query),
    resume: () => resume(options),
    purgeDue: () => purgeDue(options),
  }
}

/** Turns what the check of an input throws into a rejection. */
async function rejecting<T>(run: () => Promise<T>): Promise<T> {
  return run()
}

// Never null: that is how the end of the restore window confirms.
function typedConfirmation(options: Partial<PurgeOptions> | undefined): string {
  return typeof options?.confirm === 'string' ? options.confirm : ''
}

async function create(options: TenantsOptions, input: CreateTenant, actor: string): Promise<Tenant> {
  const checked = checkCreate(input, options.defaults)
  const { tenant, operation } = await registerTenant(options, checked, actor)
  await options.onStep?.('create:begin:after-commit')
  if (operation === undefined) return tenant
  await finishProvisioning(options, operation)
  return getTenant(options.database, { id: tenant.id })
}

async function provision(options: TenantsOptions, ref: TenantRef, actor: string): Promise<ProvisionResult> {
  const { tenant, operation } = await inTenantTransaction(options, tenantKey(ref), async (tx, found) => {
    if (found.status === 'deleted' || found.status === 'purged') {
      throw statusConflict('provision', found, ['active', 'suspended', 'inactive'])
    }
    if (found.provisionedAt !== null) return { tenant: found, operation: undefined }
    const open = await refuseWhileRunning(tx, found, ['create', 'provision'])
    const opened = open ?? (await openOperation(tx, found.id, { verb: 'provision', actor }))
    await options.onStep?.('provision:begin:before-commit')
    return { tenant: found, operation: opened }
  })
  await options.onStep?.('provision:begin:after-commit')
  const done = operation !== undefined && (await finishProvisioning(options, operation))
  if (done) options.onChange?.(tenant.id)
  return {
    provisioned: true,
    schemaName: tenant.schemaName,
    tableCount: await countTables(options.database, tenant),
    message: done ? 'provisioned successfully' : 'already provisioned',
  }
}

async function resume(options: TenantsOptions): Promise<number> {
  let ended = 0
  for (const operation of await openOperations(options.database)) {
    if (await endOperation(options, operation)) ended += 1
    options.onChange?.(operation.tenantId)
  }
  for (const participant of options.participants) {
    await participant.resume?.().catch((error: unknown) => {
      const code = error instanceof TenantryError ? error.code : 'DATABASE_ERROR'
      options.logger.warn('a participant could not catch up', { participant: participant.name, code })
    })
  }
  return ended
}

/** Finishes or undoes one operation; false where it stays open, which is for the log and not for the caller. */
async function endOperation(options: TenantsOptions, operation: Operation): Promise<boolean> {
  try {
    if (operation.verb === 'purge') await finishPurge(options, operation)
    else await finishProvisioning(options, operation)
    return true
  } catch (error) {
    const code = error instanceof TenantryError ? error.code : 'DATABASE_ERROR'
    options.logger.warn('an open operation could not be finished', { verb: operation.verb, code })
    const open = await openOperations(options.database)
    return !open.some((other) => other.id === operation.id)
  }
}

async function purgeDue(options: TenantsOptions): Promise<readonly string[]> {
  const { rows } = await options.database.query<{ id: string }>(
    `select id from tenantry.tenant where status = 'deleted' and purge_after <= $1 order by purge_after`,
    [new Date(options.clock.now())],
  )
  const purged: string[] = []
  for (const { id } of rows) {
    if (await purgeOneDue(options, id)) purged.push(id)
  }
  return purged
}

async function purgeOneDue(options: TenantsOptions, id: string): Promise<boolean> {
  try {
    await purgeTenant(options, { id }, { actor: 'system', confirm: null })
    options.onChange?.(id)
    return true
  } catch (error) {
    const code = error instanceof TenantryError ? error.code : 'DATABASE_ERROR'
    options.logger.warn('a tenant past its restore window could not be purged', { tenantId: id, code })
    return false
  }
}
