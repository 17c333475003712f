// A scope: one tenant, who acts in it, and the process's memory of which scope the running code is in.
import { AsyncLocalStorage } from 'node:async_hooks'
import { TenantryError } from '../../kernel/errors.ts'
import type { Claims } from './context-token.ts'

/** What the engine needs to know of a tenant to enter it. */
export interface ScopedTenant {
  readonly id: string
  readonly slug: string
  readonly isolation: 'row' | 'schema'
  readonly schemaName: string
  readonly migrationVersion: number
  /** `read_only` and `maintenance` hold for everybody but the users named beside it. */
  readonly mode: 'normal' | 'read_only' | 'maintenance'
  readonly modeOperators: readonly string[]
}

/** Whether these claims are those of a user whom the tenant's mode does not hold for. */
export function bypassesMode({ modeOperators }: Pick<ScopedTenant, 'modeOperators'>, { userId }: Claims): boolean {
  return userId !== undefined && modeOperators.includes(userId)
}

export type TenantRefLike = string | { readonly slug: string } | { readonly id: string }

/** Where the engine learns of tenants: a cached registry that refuses those nobody may enter. */
export interface TenantSource {
  /**
   * The tenant, read where it is not cached; throws TENANT_NOT_FOUND, TENANT_SUSPENDED and their like, and for all but
   * the named operators TENANT_MAINTENANCE.
   */
  admitted(ref: TenantRefLike, claims: Claims): Promise<ScopedTenant>
  /** The cached tenant if it may be entered; undefined where the registry must be asked. Throws as `admitted`. */
  peek(ref: TenantRefLike, claims: Claims): ScopedTenant | undefined
}

/** One tenant with one actor. Immutable; every statement asks the source again whether the tenant may be entered. */
export class Scope {
  readonly tenantId: string
  readonly slug: string
  readonly claims: Claims
  /** Whether it only reads, whatever its tenant's mode is. */
  readonly readOnly: boolean
  /** Tenants in which this scope, and every scope inside of it, only reads. */
  readonly #confined: ReadonlySet<string> | undefined

  constructor(tenant: Pick<ScopedTenant, 'id' | 'slug'>, claims: Claims, confined?: ReadonlySet<string>) {
    this.tenantId = tenant.id
    this.slug = tenant.slug
    this.claims = claims
    this.readOnly = confined?.has(tenant.id) ?? false
    this.#confined = confined
  }

  /** Whether what belongs to this scope may be used by code in another one: of the same tenant, and no narrower. */
  isUsableIn(current: Scope): boolean {
    return current.tenantId === this.tenantId && (this.readOnly || !current.readOnly)
  }

  /** This scope as it is inside of another one: where that one only reads, so does this. */
  inside(outer: Scope): Scope {
    const confined = outer.#confined
    if (confined === undefined || outer === this) return this
    const own = this.#confined
    if (own !== undefined && [...confined].every((id) => own.has(id))) return this
    const both = new Set([...confined, ...(own ?? [])])
    return new Scope({ id: this.tenantId, slug: this.slug }, this.claims, both)
  }
}

/** The scope of the running asynchronous context. */
export class ScopeStore {
  readonly #storage = new AsyncLocalStorage<Scope | undefined>()

  current(): Scope | undefined {
    return this.#storage.getStore()
  }

  /** The current scope; TENANT_CONTEXT_MISSING where there is none. */
  required(): Scope {
    const scope = this.#storage.getStore()
    if (scope) return scope
    throw new TenantryError('TENANT_CONTEXT_MISSING', 'A statement was sent outside of every tenant scope.')
  }

  /** Gives the value that belongs to the current scope, made when it is first asked for there. */
  perScope<T>(make: () => T): () => T {
    const made = new WeakMap<Scope, { readonly value: T }>()
    return () => {
      const scope = this.#storage.getStore()
      if (!scope) {
        throw new TenantryError('TENANT_CONTEXT_MISSING', 'A value of a scope was asked for outside of every scope.')
      }
      const kept = made.get(scope) ?? { value: make() }
      made.set(scope, kept)
      return kept.value
    }
  }

  /** A function that runs in the scope of now; TENANT_CONTEXT_MISSING where there is none. */
  bind<A extends unknown[], R>(callback: (...args: A) => R): (...args: A) => R {
    const scope = this.#storage.getStore()
    if (!scope) throw new TenantryError('TENANT_CONTEXT_MISSING', 'A function was bound outside of every scope.')
    return (...args) => this.enter(scope, () => callback(...args))
  }

  /** Runs a callback in a scope; undefined: outside of every scope. */
  enter<T>(scope: Scope | undefined, run: () => T): T {
    return this.#storage.run(scope, run)
  }

  /**
   * A scope as the running code may use it: read-only where that code is in a read-only scope of the same tenant.
   * Throws SCOPE_CONFLICT when code already in another tenant's scope is about to use it unasked.
   */
  usable(scope: Scope, switching: boolean): Scope {
    const outer = this.#storage.getStore()
    if (!outer) return scope
    if (outer.tenantId === scope.tenantId || switching) return scope.inside(outer)
    throw new TenantryError('SCOPE_CONFLICT', 'Another tenant was entered from inside a tenant scope.')
  }
}
