// How a run fails: which exit code, which words, which JSON. Codes and exits come from the error table alone.
import { errorCodes } from '../../kernel/error-codes.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { problemDetails } from '../../kernel/problem.ts'
import { Interrupted } from './confirm.ts'
import type { Output } from './output.ts'
import { plain } from './text.ts'

const INTERRUPTED = 130

/** Any thrown value as an error of the table; what nobody foresaw is INTERNAL and keeps its cause. */
export function asTenantryError(error: unknown): TenantryError {
  if (error instanceof TenantryError) return error
  if (isDatabaseError(error)) return databaseError(error)
  const message = error instanceof Error ? error.message : 'Something was thrown that is not an error.'
  const fix = 'Run it again with TENANTRY_DEBUG=1 to see where it happened.'
  return new TenantryError('INTERNAL', message || 'An error without a message.', { cause: error, fix })
}

interface DatabaseFailure extends Error {
  readonly code: string
  readonly severity: string
  readonly hint?: unknown
}

// Known by its shape: this file is loaded by every command, the driver only by those that need it.
function isDatabaseError(error: unknown): error is DatabaseFailure {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string'
}

function databaseError(error: DatabaseFailure): TenantryError {
  const fix = typeof error.hint === 'string' ? error.hint : `PostgreSQL calls it SQLSTATE ${error.code}.`
  return new TenantryError('DATABASE_ERROR', error.message, { cause: error, sqlState: error.code, fix })
}

export interface FailureStyle {
  readonly json: boolean
  readonly debug: boolean
}

/** Tells the person or the program what failed, and returns the exit code. */
export function reportFailure(output: Output, thrown: unknown, style: FailureStyle): number {
  if (thrown instanceof Interrupted) {
    output.note('Interrupted; nothing was done.')
    return INTERRUPTED
  }
  const error = asTenantryError(thrown)
  if (style.json) output.json(problemDetails(error))
  else for (const line of failureLines(error)) output.note(line)
  if (style.debug) output.note(stackOf(error))
  return errorCodes[error.code].exit
}

/** What failed, what to do, and the code to search for. */
export function failureLines(error: TenantryError): string[] {
  return [`✗ ${plain(error.message)}`, `  ${plain(error.fix)}`, `  Code: ${error.code}`]
}

function stackOf(error: TenantryError): string {
  const cause = error.cause instanceof Error ? `\nCaused by: ${error.cause.stack ?? error.cause.message}` : ''
  return `${error.stack ?? error.message}${cause}`
}
