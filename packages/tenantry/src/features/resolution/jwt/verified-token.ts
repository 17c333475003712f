// A token whose signature, issuer, audience and times were found right.
import type { VerifiedUser } from '../../../tenants/access.ts'
import type { Caller } from '../resolution.ts'

export interface VerifiedToken {
  readonly user: VerifiedUser
  readonly claims: Readonly<Record<string, unknown>>
  /** The user as the caller of a request; one object for all requests with this token. */
  readonly caller: Caller
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}
