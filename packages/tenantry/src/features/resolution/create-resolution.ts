// Puts resolution together from the settings of an instance and the ports that it is given.
import type { KeySource, MembershipSource, VerifiedUser } from '../../tenants/access.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { TokenSource } from './caller.ts'
import { hostOf } from './host.ts'
import { createTokenVerifier } from './jwt/token-verifier.ts'
import { checkPublicPaths } from './public-paths.ts'
import type { Resolve, TenancyRequest } from './resolution.ts'
import { createResolve, type TenantDirectory } from './resolve.ts'
import { ResolverRegistry } from './resolver-registry.ts'
import { sessionReader } from './resolvers/session.ts'
import type { ResolutionSettings } from './settings.ts'
import { trustedProxies } from './trusted-proxies.ts'

export interface ResolutionPorts {
  readonly tenants: TenantDirectory
  /** The members that Tenantry keeps; the settings may name another source. */
  readonly members: MembershipSource | undefined
  readonly keys: KeySource | undefined
  readonly reservedSlugs: readonly string[] | undefined
}

/** Says whose a token is. */
export interface UserTokens {
  /** Throws TOKEN_INVALID, TOKEN_EXPIRED, and KEYS_UNAVAILABLE where the issuer's keys cannot be had. */
  verify(token: string): Promise<VerifiedUser>
}

const usersOf = (tokens: TokenSource): UserTokens => ({
  verify: async (token) => (tokens.peek(token) ?? (await tokens.verify(token))).user,
})

export interface RequestResolution {
  readonly resolve: Resolve
  readonly resolvers: ResolverRegistry
  /** Undefined where the settings say nothing of tokens. */
  readonly users: UserTokens | undefined
}

/** Throws RESOLVER_UNKNOWN and CONFIGURATION_INVALID. */
export function createResolution(settings: ResolutionSettings, ports: ResolutionPorts): RequestResolution {
  const isTrusted = trustedProxies(settings.trustedProxies)
  const hostOfRequest = lastKept((request) => hostOf(request, isTrusted))
  const readSession = settings.session === undefined ? undefined : sessionReader(settings.session)
  const tokens = settings.jwt === undefined ? undefined : createTokenVerifier(settings.jwt, systemClock)
  checkPublicPaths(settings.public)
  const resolvers = ResolverRegistry.fromConfig(settings, {
    ...{ hostOf: hostOfRequest, readSession, reservedSlugs: ports.reservedSlugs },
  })
  const resolve = createResolve({
    ...{ tenants: ports.tenants, members: settings.membership ?? ports.members, keys: ports.keys },
    ...{ tokens, readSession, resolvers, hostOf: hostOfRequest, isPublic: settings.public, user: settings.user },
  })
  return { resolve, resolvers, users: tokens === undefined ? undefined : usersOf(tokens) }
}

/** Several resolvers ask for the host of the same request, one after the other. */
function lastKept<T>(read: (request: TenancyRequest) => T): (request: TenancyRequest) => T {
  let kept: { readonly request: TenancyRequest; readonly value: T } | undefined
  return (request) => {
    if (kept?.request !== request) kept = { request, value: read(request) }
    return kept.value
  }
}
