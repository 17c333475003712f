// Ways into a tenant: run() for everything a callback does, scope() for a handle to pass around.
import { TenantryError } from '../../kernel/errors.ts'
import type { Claims } from '../context/context-token.ts'
import { Scope, type ScopedTenant, type ScopeStore, type TenantRefLike, type TenantSource } from '../context/scope.ts'
import type { CurrentScope, ScopedWork, ScopeHandle, ScopeOptions } from './scope-handle.ts'
import { endOpenTransactions, RequestScope } from './request-scope.ts'
import type { ScopedPool } from './scoped-pool.ts'
import { TenantScope } from './tenant-scope.ts'

export interface ScopesOptions {
  readonly store: ScopeStore
  readonly source: TenantSource
  readonly pool: ScopedPool
}

const NOBODY: Claims = {}

export class Scopes {
  readonly #options: ScopesOptions

  constructor(options: ScopesOptions) {
    this.#options = options
  }

  current(): CurrentScope | undefined {
    const scope = this.#options.store.current()
    const { tenantId, slug, claims, readOnly } = scope ?? {}
    if (tenantId === undefined || slug === undefined) return undefined
    return { tenantId, slug, ...claims, ...(readOnly ? { readOnly } : {}) }
  }

  async run<T>(ref: TenantRefLike, options: ScopeOptions, callback: ScopedWork<T>): Promise<T> {
    // Without an await where the registry has the tenant in memory: most calls of a busy process.
    const { source, store } = this.#options
    const tenant = source.peek(ref, options) ?? (await source.admitted(ref, options))
    const scope = store.usable(scopeOf(tenant, options), options.switch ?? false)
    const handle = new TenantScope(this, this.#options, { ref: tenant, options, scope }).branded
    return this.#runIn(scope, () => callback(handle))
  }

  /** Looks the tenant up and refuses a conflict with the scope that the caller is in. What that one may do is not yet weighed. */
  async open(ref: TenantRefLike, options: ScopeOptions): Promise<Scope> {
    const { source, store } = this.#options
    const scope = scopeOf(source.peek(ref, options) ?? (await source.admitted(ref, options)), options)
    store.usable(scope, options.switch ?? false)
    return scope
  }

  /**
   * Runs a callback in a scope. What it returns is awaited outside: a lazy query builder that comes back unawaited finds
   * no scope and fails, instead of running somewhere else later.
   */
  async #runIn<T>(scope: Scope, callback: () => T | PromiseLike<T>): Promise<T> {
    const { store } = this.#options
    let result: T
    try {
      result = await store.enter(scope, callback)
    } catch (error) {
      this.#endOpenTransactions(scope)
      throw error
    }
    if (this.#endOpenTransactions(scope) > 0) {
      throw new TenantryError('TRANSACTION_LEFT_OPEN', 'The callback ended with a transaction still open.')
    }
    return result
  }

  /** The scope of a request that was resolved to this tenant, or to none. It takes the place of any scope around it. */
  ofRequest(tenant: ScopedTenant | undefined, options: ScopeOptions = {}): RequestScope {
    return new RequestScope(this.#options, tenant && scopeOf(tenant, options))
  }

  handle(ref: TenantRefLike, options: ScopeOptions): ScopeHandle {
    return new TenantScope(this, this.#options, { ref, options }).branded
  }

  /** Ends what a callback left behind in a transaction; returns how many clients that cost. */
  #endOpenTransactions(scope: Scope): number {
    return endOpenTransactions(this.#options.pool.unreleased(scope))
  }
}

function scopeOf(tenant: ScopedTenant, { userId, role, readOnly }: ScopeOptions): Scope {
  const confined = readOnly ? new Set([tenant.id]) : undefined
  if (userId === undefined && role === undefined) return new Scope(tenant, NOBODY, confined)
  const claims = { ...(userId === undefined ? {} : { userId }), ...(role === undefined ? {} : { role }) }
  return new Scope(tenant, claims, confined)
}
