// Where a browser that is not signed in goes, and comes back to. Pure.
import type { ErrorCode } from '../../kernel/error-codes.ts'
import type { Caller, TenancyRequest } from './resolution.ts'

interface Refused {
  readonly code: ErrorCode
  readonly caller: Caller
  readonly request: TenancyRequest
}

/** The login page with the way back; undefined where signing in would not help, or nobody looks at the answer. */
export function loginPage(loginUrl: string, refused: Refused): string | undefined {
  const { request } = refused
  if (!couldSignIn(refused) || !isBrowser(request)) return undefined
  const back = returnPath(request.target)
  if (back === undefined) return loginUrl
  return `${loginUrl}${loginUrl.includes('?') ? '&' : '?'}return-to=${encodeURIComponent(back)}`
}

/** Nobody is signed in, or no longer; a tenant that only a session would name counts, one that is not there does not. */
function couldSignIn({ code, caller }: Refused): boolean {
  if (code === 'TOKEN_INVALID' || code === 'TOKEN_EXPIRED') return true
  return caller.kind === 'anonymous' && (code === 'NOT_A_MEMBER' || code === 'TENANT_NOT_RESOLVED')
}

function isBrowser(request: TenancyRequest): boolean {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  return isRead && (request.header('accept') ?? '').includes('text/html')
}

const PATH_ONLY = /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/

/**
 * Path and query of a target, if they lead nowhere but to this origin: browsers read `//host` and `/\host` as another one.
 */
export function returnPath(target: string): string | undefined {
  const path = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  return PATH_ONLY.test(path) ? path : undefined
}
