// What every bridge does with a request: ask for its tenant, never fail, and keep the scope that the rest of it runs in.
import type { EndOptions, RequestScope } from '../../engine/sql/request-scope.ts'
import type { ScopeOptions } from '../../engine/sql/scope-handle.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { CachedTenant } from '../../tenants/admission.ts'
import type { GuardedRequest } from './guard.ts'
import { requestIdOf } from './request-id.ts'
import type { Resolution, Resolve, ResolveOptions, TenancyRequest } from './resolution.ts'

/** What a bridge needs of an instance. */
export interface TenancyHost {
  readonly logger: Logger
  readonly resolve: Resolve
  requestScope(tenant: CachedTenant | undefined, options?: ScopeOptions): RequestScope
}

/** Options of `tenancy()`, the same for every framework. */
export interface TenancyOptions extends ResolveOptions {
  /**
   * How long a transaction that a request has open may go on after its response, in milliseconds; then it is rolled back and
   * TRANSACTION_LEFT_OPEN is logged. Default 10,000.
   */
  readonly leftOpenMs?: number
}

interface ScopeParts {
  readonly scope: RequestScope
  readonly endOptions: EndOptions
}

/** A request whose tenant was asked for. */
export class RequestTenancy implements GuardedRequest {
  readonly resolution: Resolution
  readonly request: TenancyRequest
  readonly #scope: RequestScope
  readonly #endOptions: EndOptions
  #requestId: string | undefined

  constructor(request: TenancyRequest, resolution: Resolution, scope: ScopeParts) {
    this.request = request
    this.resolution = resolution
    this.#scope = scope.scope
    this.#endOptions = scope.endOptions
  }

  get requestId(): string {
    this.#requestId ??= requestIdOf(this.request)
    return this.#requestId
  }

  /** Whether the request is bound to a tenant. */
  get isBound(): boolean {
    return this.resolution.tenant !== undefined
  }

  /** Runs the callback in the request's tenant, or outside of every tenant. */
  run<T>(callback: () => T): T {
    return this.#scope.run(callback)
  }

  /** To be called when the response is over, sent or not. */
  end(): void {
    this.#scope.end(this.#endOptions)
  }
}

/** Resolves requests for one mount of the middleware. What it returns never throws and never rejects. */
export function requestTenancies(host: TenancyHost, options: TenancyOptions) {
  const endOptions = {
    graceMs: options.leftOpenMs,
    onLeftOpen: ({ code, message }: TenantryError) => host.logger.error(message, { code }),
  }
  const bind = (resolution: Resolution, request: TenancyRequest) => {
    const { tenant, refusal } = resolution
    // Never both; if it ever were, the refusal would hold.
    const bound = refusal === undefined ? tenant : undefined
    const scope = host.requestScope(bound, bound && scopeOptionsOf(resolution))
    const tenancy = new RequestTenancy(request, resolution, { scope, endOptions })
    if (refusal !== undefined && refusal.status >= 500) logOutage(host.logger, refusal, tenancy.requestId)
    return tenancy
  }
  return (request: TenancyRequest): RequestTenancy | Promise<RequestTenancy> => {
    try {
      const resolution = host.resolve(request, options)
      if (!('then' in resolution)) return bind(resolution, request)
      return resolution.catch(failed).then((settled) => bind(settled, request))
    } catch (error) {
      return bind(failed(error), request)
    }
  }
}

/** Who acts in the scope. */
function scopeOptionsOf({ caller, membership }: Resolution): ScopeOptions {
  if (caller.kind !== 'user') return {}
  const { userId } = caller.user
  if (membership === null) return { userId }
  // Whoever is only let in to look, by a support access, does not write.
  return { userId, role: membership.role, ...(membership.readOnly ? { readOnly: true } : {}) }
}

/** Something the application gave threw: nothing is bound, and the guards answer 500. */
function failed(cause: unknown): Resolution {
  const refusal = new TenantryError('INTERNAL', 'The tenant of a request could not be resolved.', { cause })
  const nobody = { resolver: undefined, trust: undefined, caller: { kind: 'anonymous' }, membership: null } as const
  return { ...nobody, tenant: undefined, refusal, isPublic: false, credentialRefusal: undefined }
}

function logOutage(logger: Logger, refusal: TenantryError, requestId: string): void {
  const cause = refusal.cause instanceof Error ? refusal.cause.message : undefined
  const fields = { requestId, code: refusal.code, cause }
  if (refusal.retryable) logger.warn(refusal.message, fields)
  else logger.error(refusal.message, fields)
}
