// From a request to what becomes of it: who calls, which tenant is named, and whether it may be bound. Synchronous
// where everything is in memory, and never throws: what went wrong is the refusal.
import type { Claims } from '../../engine/context/context-token.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Membership, MembershipSource } from '../../tenants/access.ts'
import { admit, type CachedTenant } from '../../tenants/admission.ts'
import type { TenantRef } from '../../tenants/tenant.ts'
import { anonymous, callerOf, type CallerParts } from './caller.ts'
import { allDone, type Eventually, orElse, whenDone } from './eventually.ts'
import { isPublicRequest, type PublicPaths } from './public-paths.ts'
import type { Caller, Resolution, Resolve, ResolveOptions, Resolver, TenancyRequest } from './resolution.ts'
import type { ResolverRegistry } from './resolver-registry.ts'
import type { MembershipPort } from './settings.ts'

/** Tenants of any status, by reference. */
export interface TenantDirectory {
  /** From memory. Null: there is none. Undefined: the database must be asked. */
  recall(ref: TenantRef): CachedTenant | null | undefined
  /** Throws TENANT_NOT_FOUND and what the database throws. */
  lookup(ref: TenantRef): Promise<CachedTenant>
}

export interface ResolveParts extends CallerParts {
  readonly tenants: TenantDirectory
  /** Undefined where nobody keeps members: then no user is one. */
  readonly members: MembershipPort | MembershipSource | undefined
  readonly resolvers: ResolverRegistry
  /** Throws TENANT_CONFLICT for a request that names several hosts. */
  readonly hostOf: (request: TenancyRequest) => string | undefined
  readonly isPublic: PublicPaths | undefined
  readonly user: ResolveOptions['user']
}

/** What is known of a request on its way. */
interface Asked {
  readonly request: TenancyRequest
  readonly isPublic: boolean
  readonly caller: Caller
  /** Why the credential that was sent was not accepted; only where the request goes on without it. */
  readonly credentialRefusal: TenantryError | undefined
}

/** What one resolver found. */
interface Answer {
  readonly resolver: Resolver
  readonly tenant: CachedTenant | null
}

const NO_OPTIONS: ResolveOptions = {}

export function createResolve(parts: ResolveParts): Resolve {
  const steps = new Resolving(parts)
  return (request, options = NO_OPTIONS) => steps.resolve(request, options)
}

class Resolving {
  readonly #parts: ResolveParts

  constructor(parts: ResolveParts) {
    this.#parts = parts
  }

  resolve(request: TenancyRequest, options: ResolveOptions): Eventually<Resolution> {
    const nobody: Asked = { request, isPublic: false, caller: anonymous, credentialRefusal: undefined }
    return orElse(
      () => this.#begin(request, options),
      (error) => refused(nobody, error),
    )
  }

  #begin(request: TenancyRequest, options: ResolveOptions): Eventually<Resolution> {
    const isPublic = isPublicRequest(request, this.#parts.isPublic) || isPublicRequest(request, options.public)
    this.#parts.hostOf(request)
    const known = orElse<Asked | TenantryError>(
      () =>
        whenDone(callerOf(request, this.#parts, options.user ?? this.#parts.user), (caller) => ({
          request,
          isPublic,
          caller,
          credentialRefusal: undefined,
        })),
      errorOf,
    )
    return whenDone(known, (asked) => {
      if (!(asked instanceof TenantryError)) return this.#withCaller(asked)
      const nobody = { request, isPublic, caller: anonymous, credentialRefusal: asked }
      // A public route is anybody's, so also theirs whose token has run out; they are nobody there.
      return isPublic && asked.status === 401 ? this.#withCaller(nobody) : refused(nobody, asked)
    })
  }

  #withCaller(asked: Asked): Eventually<Resolution> {
    return orElse(
      () => whenDone(this.#answers(asked), (answers) => this.#judge(asked, answers)),
      (error) => refused(asked, error),
    )
  }

  /** What each resolver names, the lowest number first. */
  #answers(asked: Asked): Eventually<readonly Answer[]> {
    const found: Eventually<readonly Answer[]>[] = []
    for (const resolver of this.#parts.resolvers.ordered()) {
      // A credential that was refused says nothing, and neither does any other that came with it.
      if (asked.credentialRefusal !== undefined && resolver.trust === 'proven') continue
      const refs = resolver.resolve(asked.request, asked.caller)
      if ('length' in refs && refs.length === 0) continue
      found.push(whenDone(refs, (named) => allDone(named.map((ref) => this.#answer(resolver, ref)))))
    }
    return whenDone(allDone(found), (answers) => (answers.length === 1 ? (answers[0] ?? []) : answers.flat()))
  }

  #answer(resolver: Resolver, ref: TenantRef): Eventually<Answer> {
    const { tenants } = this.#parts
    const known = tenants.recall(ref)
    if (known !== undefined) return { resolver, tenant: known }
    return tenants.lookup(ref).then(
      (tenant) => ({ resolver, tenant }),
      (error: unknown) => {
        if (error instanceof TenantryError && error.code === 'TENANT_NOT_FOUND') return { resolver, tenant: null }
        throw error
      },
    )
  }

  #judge(asked: Asked, answers: readonly Answer[]): Eventually<Resolution> {
    const [first] = answers
    if (first === undefined) return refused(asked, notResolved())
    const resolver = first.resolver
    const tenant = first.tenant
    if (answers.some((other) => other.tenant?.id !== tenant?.id)) return refused(asked, conflict(answers), resolver)
    if (tenant === null) return refused(asked, notFound(resolver), resolver)
    return orElse(
      () => this.#bind(asked, answers, admit(tenant, claimsOf(asked.caller))),
      (error) => refused(asked, error, resolver),
    )
  }

  /** The trust rule: which caller may have a tenant that was named by these resolvers. */
  #bind(asked: Asked, answers: readonly Answer[], tenant: CachedTenant): Eventually<Resolution> {
    const { caller, isPublic } = asked
    const resolver = answers[0]?.resolver
    switch (caller.kind) {
      case 'key':
        if (caller.key.kind !== 'tenant' || caller.key.tenantId === tenant.id) return bound(asked, tenant, { resolver })
        throw new TenantryError('TENANT_CONFLICT', 'The key belongs to another tenant than the request names.')
      case 'user':
        return whenDone(this.#membership(tenant.id, caller.user.userId), (membership) => {
          if (membership !== null || isPublic) return bound(asked, tenant, { resolver, membership })
          return refused(asked, notAMember('The user is no member of the tenant.'), resolver)
        })
      case 'anonymous': {
        const isVouchedFor = answers.some((answer) => answer.resolver.trust !== 'claimed')
        if (isPublic || isVouchedFor) return bound(asked, tenant, { resolver })
        throw notAMember('The request names a tenant, and nothing in it proves that the caller belongs there.')
      }
    }
  }

  #membership(tenantId: string, userId: string): Eventually<Membership | null> {
    const { members } = this.#parts
    if (members === undefined) return null
    const known = members.peek?.(tenantId, userId)
    return whenDone(known === undefined ? members.lookup(tenantId, userId) : known, (membership) =>
      membership !== null && isOf(membership, tenantId, userId) ? membership : null,
    )
  }
}

/** Who enters, for the mode of the tenant, which does not hold for operators that are named with it. */
function claimsOf(caller: Caller): Claims {
  return caller.kind === 'user' ? { userId: caller.user.userId } : {}
}

/** A membership that is over, or somebody else's, is none, whoever answered it. */
function isOf({ tenantId, userId, expiresAt }: Membership, ofTenant: string, ofUser: string): boolean {
  return tenantId === ofTenant && userId === ofUser && (expiresAt === null || expiresAt > Date.now())
}

interface Bound {
  readonly resolver: Resolver | undefined
  readonly membership?: Membership | null
}

// Written out, here and above: spreading costs several microseconds a request.
function bound(asked: Asked, tenant: CachedTenant, { resolver, membership = null }: Bound): Resolution {
  return {
    tenant,
    resolver: resolver?.name,
    trust: resolver?.trust,
    caller: asked.caller,
    membership,
    refusal: undefined,
    isPublic: asked.isPublic,
    credentialRefusal: asked.credentialRefusal,
  }
}

function refused(asked: Asked, error: unknown, resolver?: Resolver): Resolution {
  return {
    tenant: undefined,
    resolver: resolver?.name,
    trust: resolver?.trust,
    caller: asked.caller,
    membership: null,
    refusal: errorOf(error),
    isPublic: asked.isPublic,
    credentialRefusal: asked.credentialRefusal,
  }
}

/** What a port threw may hold anything, so only errors of the one table are shown as they are. */
function errorOf(error: unknown): TenantryError {
  if (error instanceof TenantryError) return error
  return new TenantryError('INTERNAL', 'Resolving the request failed unexpectedly.', { cause: error })
}

const notResolved = () => new TenantryError('TENANT_NOT_RESOLVED', 'The request names no tenant.')
const notFound = ({ name }: Resolver) =>
  new TenantryError('TENANT_NOT_FOUND', `The tenant that the request names (${name}) does not exist.`)
const notAMember = (message: string) => new TenantryError('NOT_A_MEMBER', message)

function conflict(answers: readonly Answer[]): TenantryError {
  const names = [...new Set(answers.map(({ resolver }) => resolver.name))].join(', ')
  return new TenantryError('TENANT_CONFLICT', `The request names more than one tenant (${names}).`)
}
