// Finds out who sent a request: a key of the process, an operator's elevation, an API key, the admin key, or a user's
// token, in the order in which their forms tell them apart.
import { timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import { hashKey } from '../../features/keys/admin-keys.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Principal } from './acting.ts'
import type { Env } from './app.ts'
import type { ControlPlane, UserVerifier } from './control-plane.ts'

// Long enough for a user's token; longer ones are nobody's.
const BEARER = /^Bearer +([!-~]{1,8192})$/i
const OPERATOR = /^tn_op_/
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

export interface Authenticator {
  /** Who asks. Throws UNAUTHENTICATED where nobody is known, TOKEN_INVALID, TOKEN_EXPIRED and KEYS_UNAVAILABLE. */
  authenticate(c: Context<Env>): Promise<Principal>
}

export interface AuthenticatorOptions {
  readonly controlPlane: Pick<ControlPlane, 'keys' | 'operators'>
  readonly ephemeralKeys: readonly string[]
  readonly users: UserVerifier | undefined
}

export function createAuthenticator({ controlPlane, ephemeralKeys, users }: AuthenticatorOptions): Authenticator {
  const ephemeral = ephemeralKeys.map(hashKey)
  // Looks at all of them, so that the time does not tell which one matched.
  const isEphemeral = (hash: Buffer) => ephemeral.filter((known) => timingSafeEqual(known, hash)).length > 0
  const find = async (presented: string): Promise<Principal | undefined> => {
    if (isEphemeral(hashKey(presented))) return { kind: 'admin', name: 'cli' }
    const own = (await operatorOf(presented)) ?? (await keyOf(presented))
    if (own !== undefined) return own
    if (users === undefined || !JWT.test(presented)) return undefined
    return { kind: 'user', user: await users.verify(presented) }
  }
  const operatorOf = async (token: string): Promise<Principal | undefined> => {
    if (!OPERATOR.test(token)) return undefined
    const elevation = await controlPlane.operators?.authenticate(token)
    return elevation ? { kind: 'operator', userId: elevation.userId, elevationId: elevation.id } : undefined
  }
  const keyOf = async (presented: string): Promise<Principal | undefined> => {
    const key = await controlPlane.keys.authenticate(presented)
    if (key?.kind === 'admin') return { kind: 'admin', name: `http:${key.prefix}` }
    return key === null ? undefined : { kind: 'key', key }
  }
  return {
    async authenticate(c) {
      const principal = await find(presentedIn(c)).catch((error: unknown) => {
        if (error instanceof TenantryError && error.status === 401) challenge(c, 'error="invalid_token"')
        throw error
      })
      if (principal !== undefined) return principal
      challenge(c, 'error="invalid_token"')
      throw new TenantryError('UNAUTHENTICATED', 'The key is not known: it was replaced, or it does not work any more.')
    },
  }
}

function presentedIn(c: Context<Env>): string {
  const header = c.req.header('authorization')
  const presented = BEARER.exec(header ?? '')?.[1]
  if (presented !== undefined) return presented
  challenge(c)
  const what = header === undefined ? 'The request carries no key.' : 'The Authorization header is not Bearer <key>.'
  throw new TenantryError('UNAUTHENTICATED', what)
}

function challenge(c: Context<Env>, error?: string): void {
  c.header('www-authenticate', `Bearer realm="tenantry"${error === undefined ? '' : `, ${error}`}`)
}
