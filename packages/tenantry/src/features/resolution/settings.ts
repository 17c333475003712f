// What `createTenantry({ resolution })` takes, and the orders of other systems.
import type { MembershipSource } from '../../tenants/access.ts'
import type { TenantRef } from '../../tenants/tenant.ts'
import type { Resolver, ResolveOptions, TenancyRequest } from './resolution.ts'

/** How requests are resolved. Everything has a default. */
export interface ResolutionSettings extends ResolveOptions {
  /** Orders of another system; `resolvers`, `priorities` and the rest of the settings go before it. */
  readonly preset?: ResolutionPreset
  /**
   * Resolvers that are asked, by name, and the application's own. Default: each that the other settings make possible.
   * Their order says nothing; their numbers do.
   */
  readonly resolvers?: readonly (string | Resolver)[]
  /** Other numbers than the usual ones, by name; the lowest number answers. 0-1000. */
  readonly priorities?: Readonly<Record<string, number>>
  /** Header with the id or slug of a tenant; default `x-tenant-id`. */
  readonly headerName?: string
  /** Header with the slug of a tenant; default `x-tenant-slug`. */
  readonly slugHeaderName?: string
  /** Base domains under which each tenant has its slug as a subdomain: `app.example.com`. */
  readonly subdomainPattern?: string | readonly string[]
  /** Where a path names the tenant; default `/tenants/{tenant}/`. */
  readonly pathPattern?: string
  /**
   * The claim that names the tenant, by slug or id; default `tenant_id`. A dotted path, a JSON pointer, or a list of
   * keys for names that hold dots: `['https://hasura.io/jwt/claims', 'x-hasura-tenant-id']`.
   */
  readonly jwtClaimKey?: string | readonly string[]
  /** Seconds that a tenant is served from memory, where `registryTtlMs` does not say; default 30. */
  readonly validatorCacheTtl?: number
  /** How tokens of users are verified. Without it no JWT is read. */
  readonly jwt?: JwtSettings
  /** Where domains of tenants' own are looked up. */
  readonly customDomain?: CustomDomainSettings
  /** How the application's session cookies are verified. */
  readonly session?: SessionSettings
  /** Proxies whose X-Forwarded-Host counts: addresses, ranges (`10.0.0.0/8`), `loopback`, `private`. Default: none. */
  readonly trustedProxies?: readonly string[]
  /** The application's own answer to who belongs where. Default: the members that Tenantry keeps. */
  readonly membership?: MembershipPort
}

/** Other systems whose order of resolvers can be had by name. What may bind is decided as always. */
export type ResolutionPreset = 'boundary' | 'nself' | 'lexigram'

/** Who belongs where, as an application answers it that keeps its members itself. */
export type MembershipPort = Pick<MembershipSource, 'lookup'> & Partial<Pick<MembershipSource, 'peek'>>

/** Verification of JSON Web Tokens. Exactly one of `jwksUrl`, `jwks`, `publicKey` and `secret`. */
export interface JwtSettings {
  /** Who must have issued a token. */
  readonly issuer: string | readonly string[]
  /** For whom a token must be. */
  readonly audience: string | readonly string[]
  /** Where the issuer publishes its keys; https, or http on this machine. */
  readonly jwksUrl?: string
  /** The issuer's keys themselves. */
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  /** One public key, as SPKI in PEM. */
  readonly publicKey?: string
  /** A shared secret of at least 32 bytes, for HS256. */
  readonly secret?: string
  /** Algorithms that are accepted. Default: the asymmetric ones, or HS256 with a `secret`; never `none`. */
  readonly algorithms?: readonly string[]
  /** How far the issuer's clock may be off, in seconds, 0-300; default 10. */
  readonly clockToleranceSeconds?: number
  /** The claim with the user's id; default `sub`. As `jwtClaimKey`. */
  readonly userIdClaim?: string | readonly string[]
  /** The claim with the user's e-mail address; default `email`. */
  readonly emailClaim?: string | readonly string[]
  /** The claim that says whether the address was verified; default `email_verified`. */
  readonly emailVerifiedClaim?: string | readonly string[]
  /** Longest time to wait for the keys, in milliseconds; default 5,000. */
  readonly jwksTimeoutMs?: number
  /** Shortest time between two fetches for keys that are not known, in milliseconds; default 30,000. */
  readonly jwksCooldownMs?: number
  /** How long fetched keys are used before they are fetched again, in milliseconds; default 600,000. */
  readonly jwksMaxAgeMs?: number
  /** How long they stay in use where the issuer does not answer, in milliseconds; default 3,600,000. */
  readonly jwksMaxStaleMs?: number
}

export interface CustomDomainSettings {
  /** The tenant of a host name, which is in lower case, without port; undefined where it is nobody's. */
  readonly lookup: (host: string) => Promise<TenantRef | undefined>
  /** How long an answer is kept, in milliseconds; default 30,000. */
  readonly cacheTtlMs?: number
  /** How long "nobody's" is kept, in milliseconds; default 5,000. */
  readonly negativeTtlMs?: number
  /** Most look-ups a second, for hosts that are not in memory; default 200. */
  readonly maxLookupsPerSecond?: number
}

/** What a session cookie stands for. */
export interface VerifiedSession {
  /** Undefined for a session that belongs to no tenant. */
  readonly tenant?: TenantRef | undefined
  /** Undefined for a session in which nobody has signed in. */
  readonly userId?: string | undefined
}

export interface SessionSettings {
  /** Default `session`. */
  readonly cookieName?: string
  /** What the cookie stands for; undefined where it is not valid (TOKEN_INVALID). */
  readonly verify: (
    cookie: string,
    request: TenancyRequest,
  ) => VerifiedSession | undefined | Promise<VerifiedSession | undefined>
}

interface Preset {
  readonly priorities: Readonly<Record<string, number>>
  readonly jwtClaimKey?: string | readonly string[]
}

export const presets: Readonly<Record<ResolutionPreset, Preset>> = {
  boundary: { priorities: { subdomain: 10, jwt: 20, header: 30 } },
  nself: {
    priorities: { header: 10, customDomain: 20, subdomain: 30, jwt: 40 },
    jwtClaimKey: ['https://hasura.io/jwt/claims', 'x-hasura-tenant-id'],
  },
  lexigram: { priorities: { jwt: 10, header: 20, subdomain: 30, path: 40 }, jwtClaimKey: 'tenant_id' },
}
