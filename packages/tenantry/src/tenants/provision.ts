// Making a tenant ready to enter: a journalled operation of two steps, shared by `create`, `provision` and the
// resumption after a crash. Step 0 builds (schema, participants, guard), step 1 marks the tenant as provisioned.
// Several callers may walk the same operation; each step is done by whichever of them holds the row then.
import type { Sql } from '../engine/sql/database.ts'
import { sqlStateOf } from '../engine/sql/database-errors.ts'
import { type ErrorCode, errorCodes } from '../kernel/error-codes.ts'
import { TenantryError } from '../kernel/errors.ts'
import { recordFact } from './events.ts'
import {
  advanceOperation,
  closeOperation,
  deferDurability,
  type Operation,
  readOperation,
  rewindOperation,
} from './journal.ts'
import { lockTenant } from './lock.ts'
import type { TenantsOptions } from './options.ts'
import type { TenantRecord } from './record.ts'
import { createSchema, dropSchema, guardSchema } from './schema.ts'

const BUILD = 0

/** How one look at the operation ended. `ours` and `theirs` say who did the last step. */
type Outcome = 'going-on' | 'unprepared' | 'ours' | 'theirs'

/**
 * Walks the operation to its end; true where this call did the last step. What a failing step left is undone before
 * its error is thrown: an error of ours as it is, any other one as the cause of PROVISION_FAILED.
 */
export async function finishProvisioning(options: TenantsOptions, operation: Operation): Promise<boolean> {
  for (;;) {
    let step: number | undefined
    try {
      const outcome = await takeStep(options, operation, (next) => {
        step = next
      })
      if (outcome === 'ours' || outcome === 'theirs') return outcome === 'ours'
      if (outcome === 'unprepared') await options.schemas?.prepare()
    } catch (error) {
      // Without a step begun there is nothing of ours to undo: the tenant was busy, or the operation already over.
      if (step === undefined) throw error
      const failure = provisionFailure(error, operation)
      if (await undone(options, operation, { step, failure })) throw failure
    }
  }
}

async function takeStep(
  options: TenantsOptions,
  { id, tenantId, verb }: Operation,
  onStep: (step: number) => void,
): Promise<Outcome> {
  let step: number | undefined
  const outcome = await options.database.transaction<Outcome>(async (tx) => {
    // In order on one connection: the journal is read once the row is held.
    const [tenant, operation] = await Promise.all([
      lockTenant(tx, { column: 'id', value: tenantId }, options.lockTimeoutMs),
      readOperation(tx, id),
    ])
    if (operation?.state === 'done') return 'theirs'
    if (tenant === undefined || operation?.state !== 'running') throw endedElsewhere(operation?.errorCode)
    step = operation.step
    onStep(step)
    const outcome = await (step === BUILD ? build : complete)(options, { tx, tenant, operation })
    if (outcome === 'unprepared') return outcome
    await options.onStep?.(`${verb}:${step}:before-commit`)
    return outcome
  })
  if (step !== undefined && outcome !== 'unprepared') await options.onStep?.(`${verb}:${step}:after-commit`)
  return outcome
}

interface Step {
  readonly tx: Sql
  readonly tenant: TenantRecord
  readonly operation: Operation
}

async function build(options: TenantsOptions, { tx, tenant, operation }: Step): Promise<Outcome> {
  const { schemas, participants } = options
  const hasSchema = tenant.isolation === 'schema'
  const made = hasSchema && schemas !== undefined ? await schemas.make(tx, tenant) : 'empty'
  if (made === 'unprepared') return made
  if (hasSchema && schemas === undefined) await createSchema(tx, tenant)
  const isWhole = made === 'whole'
  const taking = participants.filter((each) => each.provision !== undefined && !(isWhole && each.fillsSchema === true))
  for (const participant of taking) await participant.provision?.(tx, tenant)
  // A whole schema is guarded; what participants put into it after that is not.
  if (hasSchema && (!isWhole || taking.length > 0)) await guardSchema(tx, tenant, options.roles)
  if (hasSchema && !isWhole) await schemas?.prove(tx, tenant)
  await Promise.all([advanceOperation(tx, operation, { madeSchema: hasSchema }), deferDurability(tx)])
  return 'going-on'
}

async function complete(options: TenantsOptions, { tx, tenant, operation }: Step): Promise<Outcome> {
  // Migrations that ran since it was built did not know of it: it is built anew, of what there is now. From here to the
  // commit none can begin that would not see it.
  if (options.schemas !== undefined && !(await options.schemas.isNewest(tx, tenant))) {
    await takeBack(options, { tx, tenant, operation })
    await rewindOperation(tx, operation, operation.step)
    return 'going-on'
  }
  const at = new Date(options.clock.now())
  const { actor } = operation.detail
  await Promise.all([
    tx.query(
      `update tenantry.tenant set provisioned_at = $2, updated_at = $2, version = version + 1,
              migration_version = (select count(*) from tenantry.migration where tenant_id = $1)
        where id = $1`,
      [tenant.id, at],
    ),
    recordFact(tx, { event: 'tenant.provisioned', action: 'tenant.provision', tenant, actor, at }),
    closeOperation(tx, operation, { state: 'done' }),
  ])
  return 'ours'
}

interface Failure {
  readonly step: number
  readonly failure: TenantryError
}

async function undone(options: TenantsOptions, operation: Operation, failed: Failure): Promise<boolean> {
  try {
    return await undoProvisioning(options, operation, failed)
  } catch (error) {
    options.logger.warn('undoing a failed provisioning is left to the next start', { tenantId: operation.tenantId })
    throw new TenantryError('PROVISION_FAILED', `${failed.failure.message} It could not be undone yet.`, {
      cause: new AggregateError([failed.failure, error]),
      fix: 'Start Tenantry again when the database answers: it finishes or undoes the operation.',
    })
  }
}

/** Takes back what the operation made, in one transaction. False where another walker has gone on in the meantime. */
async function undoProvisioning(
  options: TenantsOptions,
  { id, tenantId }: Operation,
  failed: Failure,
): Promise<boolean> {
  return options.database.transaction(async (tx) => {
    const tenant = await lockTenant(tx, { column: 'id', value: tenantId }, options.lockTimeoutMs)
    const operation = await readOperation(tx, id)
    if (tenant === undefined || operation === undefined || operation.state === 'undone') return true
    if (operation.state !== 'running' || operation.step !== failed.step) return false
    await takeBack(options, { tx, tenant, operation })
    if (operation.verb === 'create') await removeTenant(options, { tx, tenant, operation })
    else await closeOperation(tx, operation, { state: 'undone', errorCode: failed.failure.code })
    return true
  })
}

async function takeBack(options: TenantsOptions, { tx, tenant, operation }: Step): Promise<void> {
  if (operation.step === BUILD) return // the build step is one transaction: having failed, it left nothing
  for (const participant of options.participants.toReversed()) await participant.undoProvision?.(tx, tenant)
  if (operation.detail.madeSchema === true) await dropSchema(tx, tenant.schemaName)
}

/** A creation that failed leaves no tenant; subscribers who heard of one hear that it is gone. */
async function removeTenant(options: TenantsOptions, { tx, tenant, operation }: Step): Promise<void> {
  await tx.query('delete from tenantry.tenant where id = $1', [tenant.id])
  await recordFact(tx, {
    event: 'tenant.purged',
    action: 'tenant.create.undone',
    tenant,
    actor: operation.detail.actor,
    at: new Date(options.clock.now()),
    reason: 'provisioning failed',
  })
}

function provisionFailure(error: unknown, operation: Operation): TenantryError {
  // A lost connection is not the tenant's fault, but to the caller it is this operation that failed.
  if (error instanceof TenantryError && error.code !== 'DATABASE_UNAVAILABLE') return error
  const sqlState = sqlStateOf(error)
  const message = `Provisioning failed while ${operation.verb === 'create' ? 'creating' : 'provisioning'} the tenant`
  return new TenantryError(
    'PROVISION_FAILED',
    `${message}${sqlState === undefined ? '' : ` (SQLSTATE ${sqlState})`}.`,
    {
      cause: error,
      ...(sqlState === undefined ? {} : { sqlState }),
    },
  )
}

function endedElsewhere(code: string | null | undefined): TenantryError {
  const known = typeof code === 'string' && isErrorCode(code)
  return new TenantryError(known ? code : 'PROVISION_FAILED', 'Provisioning failed in a call beside this one.')
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code)
}
