// Who sent a request, as the guard found out, and what that means for handlers: whom the audit log names, and whose
// rights bound what is done.
import type { Context } from 'hono'
import type { KeyPrincipal, OnBehalfOf, VerifiedUser } from '../../tenants/access.ts'
import type { Env } from './app.ts'

export type Principal =
  /** The admin key, or a key of the process itself: central power. `name` may stand in the audit log. */
  | { readonly kind: 'admin'; readonly name: string }
  /** A super-admin's open elevation: central power for a while. */
  | { readonly kind: 'operator'; readonly userId: string; readonly elevationId: string }
  /** A service key, good for all tenants, or the key of one tenant. */
  | { readonly kind: 'key'; readonly key: KeyPrincipal }
  /** A user whose token the application's issuer vouches for. */
  | { readonly kind: 'user'; readonly user: VerifiedUser }

/** What a handler passes on to a verb of the library, as it is. */
export interface Acting {
  readonly actor: string
  /** Absent for central power. */
  readonly onBehalfOf?: OnBehalfOf
}

/** In whose name, and within whose rights, this request acts. */
export function actingFor(c: Context<Env>): Acting {
  const principal = c.get('principal')
  const actor = c.get('actor')
  if (principal.kind === 'key') return { actor, onBehalfOf: { permissions: principal.key.permissions } }
  if (principal.kind === 'user') return { actor, onBehalfOf: { userId: principal.user.userId } }
  return { actor }
}

/** The user who asks; undefined where a key or an operator does. */
export function callingUser(c: Context<Env>): VerifiedUser | undefined {
  const principal = c.get('principal')
  return principal.kind === 'user' ? principal.user : undefined
}

/** Whom the audit log names for a principal. */
export function actorOf(principal: Principal): string {
  switch (principal.kind) {
    case 'admin':
      return principal.name
    case 'operator':
      return `operator:${principal.userId}`
    case 'key':
      return `http:${principal.key.prefix}`
    case 'user':
      return `user:${principal.user.userId}`
  }
}
