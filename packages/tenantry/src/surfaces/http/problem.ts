// Errors as RFC 9457 problem details. What is not a TenantryError stays inside: the caller gets INTERNAL and the
// request id under which the cause stands in the log.
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { TenantryError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import { problemDetails } from '../../kernel/problem.ts'
import type { Env } from './app.ts'
import type { Problem } from './contract.ts'

/** The problem details of an error, as the body that goes out. */
function problemOf(error: TenantryError, requestId: string): Problem {
  return { ...problemDetails(error), requestId, instance: `urn:tenantry:request:${requestId}` }
}

/** Turns whatever a handler threw into an answer, and logs what the operator has to know. */
export function answerError(thrown: unknown, c: Context<Env>, logger: Logger): Response {
  const error =
    thrown instanceof TenantryError
      ? thrown
      : new TenantryError('INTERNAL', 'The request failed unexpectedly.', { cause: thrown })
  const requestId = c.get('requestId')
  if (error.status >= 500) logFailure(error, requestId, logger)
  c.header('cache-control', 'no-store')
  if (error.status === 503 && error.retryable) c.header('retry-after', '1')
  // Every status of the error table has a body, which is all that the narrower type says.
  const status = error.status as ContentfulStatusCode
  return c.body(JSON.stringify(problemOf(error, requestId)), status, { 'content-type': 'application/problem+json' })
}

function logFailure(error: TenantryError, requestId: string, logger: Logger): void {
  const fields = { requestId, code: error.code, sqlState: error.sqlState, cause: causes(error) }
  if (error.retryable) logger.warn(error.message, fields)
  else logger.error(error.message, fields)
}

/** Stacks of the causes, outermost first; a chain that loops ends after ten. */
function causes(error: Error): string | undefined {
  const stacks: string[] = []
  for (let cause = error.cause; cause !== undefined && stacks.length < 10; ) {
    stacks.push(cause instanceof Error ? (cause.stack ?? cause.message) : typeof cause)
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return stacks.length === 0 ? undefined : stacks.join('\ncaused by ')
}
