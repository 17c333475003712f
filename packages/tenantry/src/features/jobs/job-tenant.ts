// The tenant of a job in somebody else's queue: how its id travels with the payload, and how a worker comes back into it.
// Shared by the bridges of the queues; it knows none of them.
import type { CurrentScope, ScopedWork } from '../../engine/sql/scope-handle.ts'
import type { RequestScope } from '../../engine/sql/request-scope.ts'
import { isTenantryError, TenantryError } from '../../kernel/errors.ts'
import { isUuid } from '../../kernel/identifiers.ts'
import type { Logger } from '../../kernel/logger.ts'

/** What of an instance the bridges use. */
export interface JobHost {
  readonly logger: Logger
  current(): CurrentScope | undefined
  run<T>(ref: { readonly id: string }, callback: ScopedWork<T>): Promise<T>
  requestScope(tenant: undefined): Pick<RequestScope, 'run'>
}

/** Where the tenant's id lies in a job's payload; null marks a job that is central on purpose. */
const TENANT_KEY = 'tenantry:tenant'

/** A job's payload: what the queues keep as a JSON object. */
export type JobPayload = Readonly<Record<string, unknown>>

/** Why a job's handler was not called at all. Its message starts with the code, since queues keep little more than that. */
export class JobRefusal extends TenantryError {
  constructor(error: TenantryError) {
    super(error.code, `${error.code}: ${error.message}`, { fix: error.fix, cause: error })
  }

  /** Whether the tenant may be entered later without anybody touching the job. */
  get isForNow(): boolean {
    return this.retryable || FOR_NOW.has(this.code)
  }
}

const FOR_NOW: ReadonlySet<string> = new Set([
  ...['TENANT_SUSPENDED', 'TENANT_INACTIVE', 'TENANT_DELETED', 'TENANT_NOT_PROVISIONED'],
])

/** The tenant in which a job is sent. Throws TENANT_CONTEXT_MISSING, and TENANT_READ_ONLY in a scope that only reads. */
export function senderOf(host: JobHost): string {
  const scope = host.current()
  if (scope === undefined) {
    throw new TenantryError('TENANT_CONTEXT_MISSING', 'A job was sent outside of every tenant scope.', {
      fix: 'Send it inside tenantry.run(tenant, fn), or as a central job on purpose.',
    })
  }
  if (scope.readOnly) {
    throw new TenantryError(
      'TENANT_READ_ONLY',
      'A job was sent from a scope that only reads; it would run as one that writes.',
      {
        fix: 'Send the job from a scope without readOnly.',
      },
    )
  }
  return scope.tenantId
}

/** The payload with its tenant. Throws INVALID_INPUT for what is no object, or brings that key itself. */
export function labelled(payload: unknown, tenantId: string | null): Record<string, unknown> {
  const fields = payload ?? {}
  if (!isPayload(fields)) {
    throw new TenantryError('INVALID_INPUT', 'The payload of a job must be an object.', { field: 'payload' })
  }
  if (TENANT_KEY in fields) {
    throw new TenantryError(
      'INVALID_INPUT',
      `The payload of a job has a field "${TENANT_KEY}", which says its tenant.`,
      {
        field: TENANT_KEY,
        fix: 'Leave the field out; the tenant is the one in which the job is sent.',
      },
    )
  }
  return { ...fields, [TENANT_KEY]: tenantId }
}

/** The payload as its sender gave it. */
export function unlabelled(payload: unknown): Record<string, unknown> {
  if (!isPayload(payload)) return {}
  return Object.fromEntries(Object.entries(payload).filter(([key]) => key !== TENANT_KEY))
}

/** New data for a job that was stored with this payload; they belong to the same tenant, or to none as before. */
export function relabelled(payload: unknown, stored: unknown): Record<string, unknown> {
  const label = labelOf(stored)
  return labelled(payload, typeof label === 'string' ? label : null)
}

function isPayload(payload: unknown): payload is JobPayload {
  if (typeof payload !== 'object' || payload === null) return false
  const prototype: unknown = Object.getPrototypeOf(payload)
  return prototype === Object.prototype || prototype === null
}

/**
 * Calls the queue's own library outside of every tenant, whatever scope the caller is in: its statements are not the tenant's.
 * Throws CONFIGURATION_INVALID where it sends them through the scoped pool.
 */
export async function outside<T>(host: JobHost, callback: () => PromiseLike<T>): Promise<T> {
  try {
    return await host.requestScope(undefined).run(callback)
  } catch (error) {
    if (!isTenantryError(error, 'TENANT_CONTEXT_MISSING')) throw error
    throw new TenantryError('CONFIGURATION_INVALID', 'The queue sends its own statements through tenantry.pool.', {
      cause: error,
      fix: 'Give the queue a pool or a connection of its own; its tables belong to no tenant.',
    })
  }
}

/**
 * Runs a job's handler in the tenant that its payload names, whatever scope the worker's loop is in. Throws a JobRefusal where
 * there is none, or where it may not be entered; the handler has not been called then.
 */
export async function inTenantOf<T>(host: JobHost, payload: unknown, work: ScopedWork<T>): Promise<T> {
  const state = { isBegun: false }
  const begin: ScopedWork<T> = (scope) => {
    state.isBegun = true
    return work(scope)
  }
  try {
    const id = tenantOf(payload)
    return await host.requestScope(undefined).run(() => host.run({ id }, begin))
  } catch (error) {
    if (state.isBegun || !isTenantryError(error)) throw error
    throw new JobRefusal(error)
  }
}

/** Runs the handler of a central job outside of every tenant. Throws a JobRefusal (SCOPE_CONFLICT) for a tenant's job. */
export async function asCentralJob<T>(host: JobHost, payload: unknown, work: () => T | PromiseLike<T>): Promise<T> {
  const label = labelOf(payload)
  if (label === undefined || label === null) return host.requestScope(undefined).run(work)
  throw new JobRefusal(
    new TenantryError('SCOPE_CONFLICT', 'The job of a tenant was given to a handler of central jobs.'),
  )
}

function labelOf(payload: unknown): unknown {
  return isPayload(payload) ? payload[TENANT_KEY] : undefined
}

function tenantOf(payload: unknown): string {
  const label = labelOf(payload)
  if (label === undefined || label === null) {
    throw new TenantryError('TENANT_CONTEXT_MISSING', 'The job names no tenant.', {
      fix: 'Send it through the bridge inside tenantry.run(tenant, fn).',
    })
  }
  if (typeof label === 'string' && isUuid(label)) return label
  throw new TenantryError('TENANT_NOT_FOUND', 'The job names a tenant by something that is no id.')
}

/** A key by which a queue tells jobs apart, so that two tenants’ keys never meet. */
export function keyOf(tenantId: string, key: string): string {
  return `${tenantId}-${key}`
}
