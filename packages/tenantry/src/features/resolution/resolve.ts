// From a request to what becomes of it: who calls, which tenant is named, and whether it may be bound. Synchronous
// where everything is in memory, and never throws: what went wrong is the refusal.
import type { Claims } from '../../engine/context/context-token.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Membership, MembershipSource } from '../../tenants/access.ts'
import { admit, type CachedTenant } from '../../tenants/admission.ts'
import type { TenantRef } from '../../tenants/tenant.ts'
import { anonymous, callerOf, type CallerParts } from './caller.ts'
import { allDone, type Eventually, isPromise, orElse, whenDone } from './eventually.ts'
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

function askedBy(caller: Caller, request: TenancyRequest, isPublic: boolean): Asked {
  return { request, isPublic, caller, credentialRefusal: undefined }
}

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
    try {
      const isPublic = isPublicRequest(request, this.#parts.isPublic) || isPublicRequest(request, options.public)
      this.#parts.hostOf(request)
      return this.#begin(request, isPublic, options.user ?? this.#parts.user)
    } catch (error) {
      return refused(askedBy(anonymous, request, false), error)
    }
  }

  #begin(request: TenancyRequest, isPublic: boolean, user: ResolveOptions['user']): Eventually<Resolution> {
    const isNobody = (error: unknown) => this.#withoutCaller(request, isPublic, errorOf(error))
    let caller: Eventually<Caller>
    try {
      caller = callerOf(request, this.#parts, user)
    } catch (error) {
      return isNobody(error)
    }
    if (!isPromise(caller)) return this.#withCaller(askedBy(caller, request, isPublic))
    return caller.then((known) => this.#withCaller(askedBy(known, request, isPublic)), isNobody)
  }

  /** A public route is anybody's, so also theirs whose token has run out; they are nobody there. */
  #withoutCaller(request: TenancyRequest, isPublic: boolean, error: TenantryError): Eventually<Resolution> {
    const nobody = { request, isPublic, caller: anonymous, credentialRefusal: error }
    return isPublic && error.status === 401 ? this.#withCaller(nobody) : refused(nobody, error)
  }

  #withCaller(asked: Asked): Eventually<Resolution> {
    try {
      const resolution = whenDone(this.#answers(asked), (answers) => this.#judge(asked, answers))
      return isPromise(resolution) ? resolution.catch((error: unknown) => refused(asked, error)) : resolution
    } catch (error) {
      return refused(asked, error)
    }
  }

  /** What each resolver names, the lowest number first. */
  #answers(asked: Asked): Eventually<readonly Answer[]> {
    const found: Eventually<Answer | readonly Answer[]>[] = []
    let isComplete = true
    for (const resolver of this.#parts.resolvers.ordered()) {
      // A credential that was refused says nothing, and neither does any other that came with it.
      if (asked.credentialRefusal !== undefined && resolver.trust === 'proven') continue
      const refs = resolver.resolve(asked.request, asked.caller)
      if ('then' in refs) {
        isComplete = false
        found.push(refs.then((named) => allDone(named.map((ref) => this.#answer(resolver, ref)))))
        continue
      }
      for (const ref of refs) {
        const answer = this.#answer(resolver, ref)
        if (isPromise(answer)) isComplete = false
        found.push(answer)
      }
    }
    // Without a promise among them they are answers, one each.
    return isComplete ? (found as readonly Answer[]) : whenDone(allDone(found), (answers) => answers.flat())
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
