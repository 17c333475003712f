// The one error class. Messages name what failed and for which thing; they never carry values, secrets or
// another tenant's id.
import { type ErrorCode, errorCodes } from './error-codes.ts'

export interface ErrorDetails {
  /** What to do next, when it is more exact than the table's advice. */
  readonly fix?: string
  readonly cause?: unknown
  /** The offending input field, for edge errors. */
  readonly field?: string
  /** SQLSTATE of the database error behind it. */
  readonly sqlState?: string
}

/**
 * An error of Tenantry, with a code from the one table.
 *
 * @example
 * ```ts
 * throw new TenantryError('TENANT_NOT_FOUND', 'No tenant acme-corp.')
 * ```
 */
export class TenantryError extends Error {
  override readonly name = 'TenantryError'
  readonly code: ErrorCode
  /** HTTP status for this error. */
  readonly status: number
  /** True where the same call may succeed later without a change. */
  readonly retryable: boolean
  /** What to do next. */
  readonly fix: string
  readonly field: string | undefined
  readonly sqlState: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    const row = errorCodes[code]
    this.code = code
    this.status = row.status
    this.retryable = row.retryable
    this.fix = details.fix ?? row.fix
    this.field = details.field
    this.sqlState = details.sqlState
  }
}

/**
 * Whether a value is a Tenantry error, and of the given code where one is named.
 *
 * @example
 * ```ts
 * if (isTenantryError(error, 'TENANT_SUSPENDED')) return new Response('paused', { status: 403 })
 * ```
 */
export function isTenantryError(error: unknown, code?: ErrorCode): error is TenantryError {
  return error instanceof TenantryError && (code === undefined || error.code === code)
}
