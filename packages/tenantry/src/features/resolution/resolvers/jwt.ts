// jwt: a claim of a verified token names the tenant. Only its issuer could write it.
import { TenantryError } from '../../../kernel/errors.ts'
import type { ReadClaim } from '../claim.ts'
import type { Resolver } from '../resolution.ts'

/** Names the tenant of the claim; TOKEN_INVALID where the claim is there and is no text. */
export function jwtResolver({ priority, readClaim }: { priority: number; readClaim: ReadClaim }): Resolver {
  return {
    ...{ name: 'jwt', priority, trust: 'proven' },
    resolve(_request, caller) {
      const claim = caller.kind === 'user' && caller.claims !== undefined ? readClaim(caller.claims) : undefined
      if (claim === undefined || claim === null) return []
      if (typeof claim === 'string' && claim !== '') return [claim]
      throw new TenantryError('TOKEN_INVALID', 'The claim of the token that names the tenant is no text.')
    },
  }
}
