// Who sent a request: what its Authorization header, its session and the application say. A credential that is there
// and is not valid is an error; another one is never tried in its place.
import { TenantryError } from '../../kernel/errors.ts'
import type { KeyPrincipal, KeySource, VerifiedUser } from '../../tenants/access.ts'
import { type Eventually, whenDone } from './eventually.ts'
import type { VerifiedToken } from './jwt/verified-token.ts'
import type { Caller, ResolveOptions, TenancyRequest } from './resolution.ts'
import type { ReadSession } from './resolvers/session.ts'

/** Verifies tokens, from memory where it can. */
export interface TokenSource {
  /** Undefined: it must be verified. */
  peek(token: string): VerifiedToken | undefined
  /** Throws TOKEN_INVALID, TOKEN_EXPIRED and KEYS_UNAVAILABLE. */
  verify(token: string): Promise<VerifiedToken>
}

export interface CallerParts {
  readonly tokens: TokenSource | undefined
  readonly keys: KeySource | undefined
  readonly readSession: ReadSession | undefined
}

export const anonymous: Caller = { kind: 'anonymous' }

const BEARER = 'bearer '
const OUR_KEY = 'tn_'
/** How JSON that begins an object looks in base64. */
const TOKEN = 'ey'

/** The caller. Throws, or rejects with, TOKEN_INVALID, TOKEN_EXPIRED, KEYS_UNAVAILABLE, and what the ports throw. */
export function callerOf(
  request: TenancyRequest,
  parts: CallerParts,
  user: ResolveOptions['user'],
): Eventually<Caller> {
  const bearer = bearerOf(request)
  const certain = bearer === undefined ? undefined : byCertainBearer(bearer, parts)
  if (certain !== undefined) return certain
  const known = user === undefined ? undefined : user(request)
  return whenDone(known, (verified) => {
    if (verified !== undefined) return { kind: 'user', user: verified, via: 'verifier' }
    return bearer === undefined ? bySession(request, parts) : byOtherBearer(bearer, request, parts)
  })
}

function bearerOf(request: TenancyRequest): string | undefined {
  const header = request.header('authorization')
  if (header === undefined || header.slice(0, BEARER.length).toLowerCase() !== BEARER) return undefined
  return header.slice(BEARER.length).trim()
}

/** What is a key of ours or a token by its form; undefined for anything else, which may be the application's own. */
function byCertainBearer(bearer: string, { keys, tokens }: CallerParts): Eventually<Caller> | undefined {
  if (keys !== undefined && bearer.startsWith(OUR_KEY)) return byKey(bearer, keys)
  if (tokens === undefined || !bearer.startsWith(TOKEN)) return undefined
  const known = tokens.peek(bearer)
  if (known !== undefined) return known.caller
  return isLikeToken(bearer) ? tokens.verify(bearer).then(({ caller }) => caller) : undefined
}

/** Whether a text has the form of a signed token: three parts, the first an object. */
function isLikeToken(bearer: string): boolean {
  return bearer.startsWith(TOKEN) && bearer.split('.', 4).length === 3
}

/** What the application did not know either: an admin key of its operator's choice, or nothing that is valid here. */
function byOtherBearer(bearer: string, request: TenancyRequest, parts: CallerParts): Eventually<Caller> {
  if (parts.keys !== undefined) return byKey(bearer, parts.keys)
  if (parts.tokens !== undefined) throw new TenantryError('TOKEN_INVALID', 'The bearer token has not the form of one.')
  return bySession(request, parts)
}

function byKey(presented: string, keys: KeySource): Eventually<Caller> {
  const known = keys.peek(presented)
  return whenDone<KeyPrincipal | null, Caller>(known === undefined ? keys.lookup(presented) : known, (key) => {
    if (key === null) throw new TenantryError('TOKEN_INVALID', 'The key is not known, has expired or was revoked.')
    return { kind: 'key', key }
  })
}

function bySession(request: TenancyRequest, { readSession }: CallerParts): Eventually<Caller> {
  if (readSession === undefined) return anonymous
  return whenDone(readSession(request), (session): Caller => {
    if (session?.userId === undefined) return anonymous
    const user: VerifiedUser = { userId: session.userId }
    return { kind: 'user', user, via: 'session' }
  })
}
