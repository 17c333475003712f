// session: what the application's session cookie stands for. Only the application could make it.
import { TenantryError } from '../../../kernel/errors.ts'
import { type Eventually, whenDone } from '../eventually.ts'
import type { Resolver, TenancyRequest } from '../resolution.ts'
import type { SessionSettings, VerifiedSession } from '../settings.ts'

/** Reads the session of a request, once; undefined where it brings none. */
export type ReadSession = (request: TenancyRequest) => Eventually<VerifiedSession | undefined>

/**
 * A reader of sessions. Its answers are refusals where the cookie is not valid (TOKEN_INVALID) or was sent twice with
 * different values, as it is where another host of the same site has set one, too (TENANT_CONFLICT).
 */
export function sessionReader({ cookieName = 'session', verify }: SessionSettings): ReadSession {
  const read = new WeakMap<TenancyRequest, Eventually<VerifiedSession | undefined>>()
  return (request) => {
    const known = read.get(request)
    if (known !== undefined) return known
    const cookie = cookieOf(request, cookieName)
    if (cookie === undefined) return undefined
    const session = whenDone(verify(cookie, request), (verified) => {
      if (verified !== undefined) return verified
      throw new TenantryError('TOKEN_INVALID', 'The session cookie is not valid.')
    })
    read.set(request, session)
    return session
  }
}

export function sessionResolver({ priority, read }: { priority: number; read: ReadSession }): Resolver {
  return {
    ...{ name: 'session', priority, trust: 'proven' },
    resolve: (request) => whenDone(read(request), (session) => (session?.tenant === undefined ? [] : [session.tenant])),
  }
}

function cookieOf(request: TenancyRequest, name: string): string | undefined {
  const header = request.header('cookie')
  if (header === undefined) return undefined
  const values = new Set<string>()
  // Several Cookie headers are joined by ", " where a host does not know better.
  for (const pair of header.split(/[;,]/)) {
    const equals = pair.indexOf('=')
    if (equals !== -1 && pair.slice(0, equals).trim() === name) values.add(unquoted(pair.slice(equals + 1).trim()))
  }
  if (values.size > 1) {
    throw new TenantryError('TENANT_CONFLICT', 'The request has two session cookies of one name.')
  }
  const [value] = values
  return value === '' ? undefined : value
}

const unquoted = (value: string) => (/^".*"$/.test(value) ? value.slice(1, -1) : value)
