// An error as problem details (RFC 9457), the same over HTTP and on the command line.
import type { TenantryError } from './errors.ts'

export interface ProblemDetails {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly fix: string
  readonly retryable: boolean
  /** The offending input field, where there is one. */
  readonly field?: string
}

export function problemDetails(error: TenantryError): ProblemDetails {
  const { code, status, message: detail, fix, retryable, field } = error
  const words = code.toLowerCase().replaceAll('_', ' ')
  return {
    type: `urn:tenantry:problem:${words.replaceAll(' ', '-')}`,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    ...{ status, detail, code, fix, retryable },
    ...(field === undefined ? {} : { field }),
  }
}
