// What a guard says of a request that was resolved: that it may go on, or the answer it gets. Pure, and the same in every
// framework; a bridge only carries the answer out.
import type { ErrorCode } from '../../kernel/error-codes.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { problemDetails } from '../../kernel/problem.ts'
import { covers, type Permission } from '../../tenants/access.ts'
import { loginPage } from './login-page.ts'
import { newRequestId } from './request-id.ts'
import type { Resolution, TenancyRequest } from './resolution.ts'

/** Options of guards in front of pages that people look at. */
export interface GuardOptions {
  /**
   * Where browsers are sent that are not signed in, such as `/login`: 302 with `return-to`, the path they asked for. It is
   * for requests that accept text/html; others get the problem, as members of another tenant do.
   */
  readonly loginUrl?: string
}

/** What goes out instead of the page that was asked for. */
export interface GuardAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The same for callers that have no response to send it with; it names neither a tenant nor a value. */
  readonly error: TenantryError
}

/** A request that was resolved. */
export interface GuardedRequest {
  readonly resolution: Resolution
  readonly request: TenancyRequest
  readonly requestId: string
}

/** Decides on one request: undefined lets it go on. One that nobody has resolved is refused. */
export type Guard = (guarded: GuardedRequest | undefined) => GuardAnswer | undefined

/**
 * Lets a request on that is bound to a tenant. 404 where none was named or there is none, 403 where it is not active or the
 * caller does not belong to it, 409 where two were named, 401 for a token that is not valid, 503 while it cannot be told.
 */
export const tenantGuard = (options: GuardOptions = {}): Guard => guard(options, refusalOfTenant)

/** Lets members of the request's tenant on; others get 403 NOT_A_MEMBER. */
export const memberGuard = (options: GuardOptions = {}): Guard =>
  guard(options, (resolution) => refusalOfTenant(resolution) ?? refusalOfMember(resolution))

/** Lets members on whose role is one of these; others get 403 PERMISSION_DENIED. */
export const roleGuard = (roles: readonly string[]): Guard =>
  guard({}, (resolution) => {
    const refused = refusalOfTenant(resolution) ?? refusalOfMember(resolution)
    if (refused !== undefined || roles.includes(resolution.membership?.role ?? '')) return refused
    return 'PERMISSION_DENIED'
  })

/** Lets members and keys on that have all of these permissions; others get 403 PERMISSION_DENIED. */
export const permissionGuard = (permissions: readonly Permission[]): Guard =>
  guard({}, (resolution) => {
    const refused = refusalOfTenant(resolution)
    if (refused !== undefined) return refused
    const held = heldBy(resolution)
    if (held === undefined) return refusalOfMember(resolution)
    return permissions.every((needed) => covers(held, needed)) ? undefined : 'PERMISSION_DENIED'
  })

type Refusal = ErrorCode | undefined

function refusalOfTenant({ tenant, refusal }: Resolution): Refusal {
  return refusal?.code ?? (tenant === undefined ? 'TENANT_NOT_RESOLVED' : undefined)
}

/** On a public route a token that was refused is what keeps somebody from being a member. */
function refusalOfMember({ membership, credentialRefusal }: Resolution): Refusal {
  return membership === null ? (credentialRefusal?.code ?? 'NOT_A_MEMBER') : undefined
}

function heldBy({ caller, membership }: Resolution): readonly Permission[] | undefined {
  return caller.kind === 'key' ? caller.key.permissions : membership?.permissions
}

function guard({ loginUrl }: GuardOptions, refusalOf: (resolution: Resolution) => Refusal): Guard {
  return (guarded) => {
    if (guarded === undefined) return problemAnswer('CONFIGURATION_INVALID', newRequestId())
    const { resolution } = guarded
    const code = refusalOf(resolution)
    // Before the request's id, which costs something to make.
    if (code === undefined) return undefined
    const { request, requestId } = guarded
    const page = loginUrl === undefined ? undefined : loginPage(loginUrl, { code, caller: resolution.caller, request })
    const problem = problemAnswer(code, requestId)
    return page === undefined ? problem : { ...redirect(page, requestId), error: problem.error }
  }
}

function redirect(location: string, requestId: string): Omit<GuardAnswer, 'error'> {
  return { status: 302, headers: { ...commonHeaders(requestId), location }, body: '' }
}

/** An error that a handler threw, as problem details. */
export function errorAnswer(error: TenantryError, guarded: GuardedRequest | undefined): GuardAnswer {
  return answerOf(error, guarded?.requestId ?? newRequestId())
}

/** The error of this code as problem details, in words that name neither a tenant nor a value. */
function problemAnswer(code: ErrorCode, requestId: string): GuardAnswer {
  return answerOf(new TenantryError(code, wordsOf(code), fixOf(code)), requestId)
}

function answerOf(error: TenantryError, requestId: string): GuardAnswer {
  const problem = { ...problemDetails(error), requestId, instance: `urn:tenantry:request:${requestId}` }
  const headers = {
    ...commonHeaders(requestId),
    'content-type': 'application/problem+json',
    ...(error.status === 401 ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {}),
    ...(error.status === 503 && error.retryable ? { 'retry-after': '1' } : {}),
  }
  return { status: error.status, headers, body: JSON.stringify(problem), error }
}

const commonHeaders = (requestId: string) => ({ 'x-request-id': requestId, 'cache-control': 'no-store' })

/** What the answer says. The refusal's own message is for the log: it names the tenant. */
const words: Partial<Record<ErrorCode, string>> = {
  TENANT_NOT_RESOLVED: 'The request names no tenant.',
  TENANT_NOT_FOUND: 'There is no such tenant.',
  TENANT_SUSPENDED: 'The tenant is suspended.',
  TENANT_INACTIVE: 'The tenant is not active.',
  TENANT_DELETED: 'The tenant is deleted.',
  TENANT_PURGED: 'The tenant is gone.',
  TENANT_NOT_PROVISIONED: 'The tenant is not provisioned.',
  TENANT_MAINTENANCE: 'The tenant is under maintenance.',
  TENANT_CONFLICT: 'The request names more than one tenant.',
  NOT_A_MEMBER: 'The caller does not belong to the tenant.',
  PERMISSION_DENIED: 'The caller may not do this here.',
  TOKEN_INVALID: 'The token is not valid.',
  TOKEN_EXPIRED: 'The token has expired.',
  KEYS_UNAVAILABLE: 'The token cannot be checked at the moment.',
  DATABASE_UNAVAILABLE: 'The tenant cannot be looked up at the moment.',
  CONFIGURATION_INVALID: 'A guard was reached by a request that tenancy() has not seen.',
}

const wordsOf = (code: ErrorCode) => words[code] ?? 'The tenant of the request cannot be entered.'

const fixOf = (code: ErrorCode) =>
  code === 'CONFIGURATION_INVALID' ? { fix: 'Mount tenancy() before the routes that the guard protects.' } : {}
