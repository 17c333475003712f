// From a request to a tenant: what resolvers are asked, what they answer, and what comes of it.
import type { TenantryError } from '../../kernel/errors.ts'
import type { KeyPrincipal, Membership, VerifiedUser } from '../../tenants/access.ts'
import type { CachedTenant } from '../../tenants/admission.ts'
import type { TenantRef } from '../../tenants/tenant.ts'

/** One request, as the bridge of a framework hands it over. */
export interface TenancyRequest {
  readonly method: string
  /** The request target as it was received: path and query, or the absolute form. */
  readonly target: string
  /** A header's value by its lower-case name; several of one name joined by ", ", as fetch does. */
  header(name: string): string | undefined
  /** Whether there is more than one Host header; bridges whose host joins or drops them find out from the raw ones. */
  readonly hasTwoHosts: boolean
  /** The address of the peer that connected; undefined where the host does not tell. */
  readonly remoteAddress: string | undefined
  /** The framework's own request, for verifiers that the application gives. */
  readonly raw: unknown
}

/**
 * `proven`: only who holds a secret could say it (jwt, key, session). `verified`: a fact that was checked before
 * (customDomain). `claimed`: anybody can write it (header, subdomain, path).
 */
export type TrustTier = 'proven' | 'verified' | 'claimed'

/** Who sent the request. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'user'
      readonly user: VerifiedUser
      readonly via: 'jwt' | 'session' | 'verifier'
      /** The verified claims of a JWT. */
      readonly claims?: Readonly<Record<string, unknown>>
    }
  | { readonly kind: 'key'; readonly key: KeyPrincipal }

/** Finds the tenant that a request names. */
export interface Resolver {
  readonly name: string
  /** The lowest number answers. */
  readonly priority: number
  readonly trust: TrustTier
  /** Every tenant that it finds named; none for a request that says nothing to it. */
  resolve(request: TenancyRequest, caller: Caller): readonly TenantRef[] | Promise<readonly TenantRef[]>
}

/** What became of a request. Never thrown: a guard decides whether it may go on. */
export interface Resolution {
  /** The tenant that the request runs in; undefined where nothing was bound. */
  readonly tenant: CachedTenant | undefined
  /** The resolver that answered, and its trust tier; also where what it named was then refused. */
  readonly resolver: string | undefined
  readonly trust: TrustTier | undefined
  readonly caller: Caller
  /** The caller's place in the tenant; null where the caller is no member, or no user. */
  readonly membership: Membership | null
  /** Why nothing was bound: TENANT_NOT_RESOLVED where nobody named a tenant, TENANT_CONFLICT, NOT_A_MEMBER, … */
  readonly refusal: TenantryError | undefined
  /** Whether the application declared the route public. */
  readonly isPublic: boolean
  /**
   * Why the credential that was sent was not accepted (TOKEN_INVALID, TOKEN_EXPIRED), on a public route, where the
   * request goes on as anybody's. Undefined everywhere else: there it is the refusal.
   */
  readonly credentialRefusal: TenantryError | undefined
}

/** What the application says of one mount of the middleware. */
export interface ResolveOptions {
  /** Paths that anybody may ask for: a claimed tenant is bound without membership. A trailing `*` stands for any rest. */
  readonly public?: readonly string[] | ((request: TenancyRequest) => boolean)
  /** The application's own users: who sent this request, or undefined. */
  readonly user?: (request: TenancyRequest) => VerifiedUser | undefined | Promise<VerifiedUser | undefined>
}

/** `tenantry.resolve`: synchronous where everything is in memory. */
export type Resolve = (request: TenancyRequest, options?: ResolveOptions) => Resolution | Promise<Resolution>
