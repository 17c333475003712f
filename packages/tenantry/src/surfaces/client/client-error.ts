// What a call of the client fails with: the server's problem as an error, or that there was no answer to be read.
import type { KnownErrorCode } from './generated/api.ts'

/** A code of the error table; a server that is newer than this client may know more of them. */
export type ClientErrorCode = KnownErrorCode | (string & {})

export interface ClientErrorDetails {
  /** HTTP status; 0 where no answer came, or not all of it. */
  readonly status: number
  readonly detail: string
  readonly fix: string
  readonly retryable: boolean
  readonly requestId?: string | undefined
  readonly field?: string | undefined
  readonly cause?: unknown
}

/**
 * A call that failed. `code` is the server's own, such as `TENANT_NOT_FOUND`; `SERVER_UNREACHABLE` where nothing that
 * could be read came back. Never holds the key.
 *
 * @example
 * ```ts
 * import { TenantryClientError } from 'tenantry/client'
 *
 * if (error instanceof TenantryClientError && error.code === 'TENANT_NOT_FOUND') console.log(error.requestId)
 * ```
 */
export class TenantryClientError extends Error {
  override readonly name = 'TenantryClientError'
  readonly code: ClientErrorCode
  /** HTTP status; 0 where no answer came, or not all of it. */
  readonly status: number
  readonly detail: string
  /** What to do next. */
  readonly fix: string
  /** True where the same call may succeed later without a change. */
  readonly retryable: boolean
  /** Under which the server's log has the request. */
  readonly requestId: string | undefined
  /** The offending input field. */
  readonly field: string | undefined

  constructor(code: ClientErrorCode, details: ClientErrorDetails) {
    super(details.detail, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.status = details.status
    this.detail = details.detail
    this.fix = details.fix
    this.retryable = details.retryable
    this.requestId = details.requestId
    this.field = details.field
  }
}

/** The error of an answer: its problem, or SERVER_UNREACHABLE where it holds none. */
export function errorOfAnswer(body: unknown, response: Response): TenantryClientError {
  const problem: Readonly<Record<string, unknown>> = typeof body === 'object' && body !== null ? { ...body } : {}
  const text = (name: string) => (typeof problem[name] === 'string' ? problem[name] : undefined)
  const code = text('code')
  if (code === undefined) return unreachable(`answered with HTTP ${response.status} and no problem`, response.status)
  // An answer of lines is a success until one of them says otherwise.
  const said = problem['status']
  return new TenantryClientError(code, {
    status: response.ok && typeof said === 'number' ? said : response.status,
    detail: text('detail') ?? code,
    fix: text('fix') ?? '',
    retryable: problem['retryable'] === true,
    requestId: text('requestId'),
    field: text('field'),
  })
}

/** What is said where no answer came, or one that is not the control plane's. */
export function unreachable(what: string, status: number, cause?: unknown): TenantryClientError {
  return new TenantryClientError('SERVER_UNREACHABLE', {
    status,
    detail: `The Tenantry server ${what}.`,
    fix: 'Check that the server runs and that the base URL is its own, without a redirect.',
    retryable: true,
    cause,
  })
}

/** Input that this side refuses before anything goes out. */
export function refused(code: 'CONFIGURATION_INVALID' | 'INVALID_INPUT', field: string, detail: string) {
  return new TenantryClientError(code, {
    ...{ status: 400, detail, field, retryable: false },
    fix: `Correct ${field}.`,
  })
}
