// An instance without a database: tenants live in memory, scopes follow the rules of the real ones, and the test
// answers the statements. The scopes are the library's own, so what an application may do here it may do there.
import { type CentralScope, requiredReason, withCentralHandle } from '../composition/central-scope.ts'
import { ScopeStore } from '../engine/context/scope.ts'
import type { Claims } from '../engine/context/context-token.ts'
import type { QueryResultRows } from '../engine/sql/database.ts'
import type { ScopedWork, ScopeHandle, ScopeOptions, TenantQueries } from '../engine/sql/scope-handle.ts'
import { Scopes } from '../engine/sql/scopes.ts'
import type { Nouns } from '../composition/nouns.ts'
import { createResolution, type UserTokens } from '../features/resolution/create-resolution.ts'
import type { Resolve } from '../features/resolution/resolution.ts'
import type { ResolverRegistry } from '../features/resolution/resolver-registry.ts'
import { systemClock } from '../kernel/clock.ts'
import { TenantryError } from '../kernel/errors.ts'
import { healthReport } from '../kernel/health.ts'
import { reservedSlugs } from '../kernel/identifiers.ts'
import { silentLogger } from '../kernel/logger.ts'
import { packageVersion } from '../kernel/version.ts'
import type { FleetTenants, ForEachOptions, Tenantry } from '../tenantry.ts'
import type { CachedTenant } from '../tenants/admission.ts'
import type { ForEachResult, TenantFilter } from '../tenants/for-each.ts'
import type { Tenant, TenantRef } from '../tenants/tenant.ts'
import { MemoryTenants } from './memory-tenants.ts'
import { stubNouns } from './stub-nouns.ts'
import type { StubOptions } from './stub-options.ts'
import { answerQuery, StubPool } from './stub-pool.ts'

/**
 * Makes an instance for unit tests of an application. It checks input, statuses and scopes as the real one does, keeps
 * tenants and events in memory, and runs no SQL: `onQuery` answers.
 *
 * @example
 * ```ts
 * const tenantry = stubTenantry({
 *   onQuery: ({ tenant, text }) => (text.startsWith('select') ? [{ owner: tenant?.slug }] : []),
 * })
 * await tenantry.tenants.create({ name: 'ACME Corp', slug: 'acme-corp' })
 * await tenantry.run('acme-corp', () => tenantry.pool.query('select owner from invoices'))
 * ```
 */
export function stubTenantry(options: StubOptions = {}): Tenantry {
  return Object.assign(new Stub(options), stubNouns())
}

class Stub implements Omit<Tenantry, keyof Nouns> {
  readonly version = packageVersion
  readonly logger
  readonly tenants: FleetTenants
  readonly pool: StubPool
  readonly resolve: Resolve
  readonly resolvers: ResolverRegistry
  readonly users: UserTokens | undefined
  readonly #memory: MemoryTenants
  readonly #store = new ScopeStore()
  readonly #scopes: Scopes
  readonly #onQuery: StubOptions['onQuery']
  #isClosed = false

  constructor(options: StubOptions) {
    const { isolation = 'row', autoProvision = true, purgeAfterDays = 30, clock = systemClock, onQuery } = options
    const defaults = { isolation, autoProvision, purgeAfterDays, reservedSlugs: options.reservedSlugs ?? reservedSlugs }
    this.logger = options.logger ?? silentLogger
    this.#onQuery = onQuery
    const memory = new MemoryTenants({ defaults, clock, onUse: () => this.#refuseClosed() })
    this.#memory = memory
    const store = this.#store
    const source = {
      peek: () => undefined,
      admitted: (ref: TenantRef, claims: Claims) => memory.admitted(ref, claims),
    }
    this.pool = new StubPool({ store, source, onQuery })
    this.#scopes = new Scopes({ store, source, pool: this.pool })
    const requests = createResolution(options.resolution ?? {}, {
      tenants: memory,
      ...{ members: undefined, keys: undefined, reservedSlugs: options.reservedSlugs },
    })
    this.resolve = requests.resolve
    this.resolvers = requests.resolvers
    this.users = requests.users
    this.tenants = Object.assign(memory, { forEach: this.#forEach.bind(this) })
  }

  async start(): Promise<void> {
    this.#refuseClosed()
  }

  run<T>(ref: TenantRef, second: ScopeOptions | ScopedWork<T>, third?: ScopedWork<T>): Promise<T> {
    const callback = typeof second === 'function' ? second : third
    if (!callback) return Promise.reject(new TenantryError('INVALID_INPUT', 'run() needs a callback.'))
    return this.#scopes.run(ref, typeof second === 'function' ? {} : second, callback)
  }

  scope(ref: TenantRef, options: ScopeOptions = {}): ScopeHandle {
    const handle = this.#scopes.handle(ref, options)
    const queries: TenantQueries = {
      query: (statement, values) => handle.query(statement, values),
      run: (callback) => handle.run(callback),
      batch: (statements) => handle.batch(statements),
      copyFrom: () => Promise.reject(new TenantryError('INTERNAL', 'stubTenantry() has no tables to load.')),
      transaction: async (run) => this.pool.transaction(await this.#scopes.open(ref, options), run),
    }
    return queries as ScopeHandle
  }

  requestScope(tenant: CachedTenant | undefined, options?: ScopeOptions) {
    return this.#scopes.ofRequest(tenant, options)
  }

  current() {
    return this.#scopes.current()
  }

  perScope<T>(make: () => T): () => T {
    return this.#store.perScope(make)
  }

  bind<A extends unknown[], R>(callback: (...args: A) => R): (...args: A) => R {
    return this.#store.bind(callback)
  }

  async asCentral<T>(reason: string, run: (central: CentralScope) => Promise<T>): Promise<T> {
    this.#refuseClosed()
    requiredReason(reason)
    const query = async <R extends object>(text: string, values: readonly unknown[] = []) =>
      (await answerQuery(this.#onQuery, undefined, { text, values: [...values] })) as QueryResultRows<R>
    return withCentralHandle({ query, transaction: (callback) => callback({ query }) }, run)
  }

  /** There is no table to protect: nothing changes. */
  async protect(table: string) {
    return { table, statements: [], changed: false }
  }

  /** There is no key to sign with, and no database that would verify it. */
  async token(): Promise<never> {
    throw new TenantryError('CONFIGURATION_INVALID', 'The in-memory instance signs no contexts.', {
      fix: 'Test what uses tokens against a real database, for example { embedded: true }.',
    })
  }

  /** There is no table to list: nothing changes. */
  async markGlobal(table: string, reason: string) {
    requiredReason(reason)
    return { table, changed: false }
  }

  async unmarkGlobal(table: string) {
    return { table, changed: false }
  }

  /** There is no schema to migrate: nothing is applied. */
  async migrateTenant(ref: TenantRef): Promise<readonly string[]> {
    await this.#memory.get(ref)
    return []
  }

  /** There is no planner to ask. */
  explain(): Promise<never> {
    return Promise.reject(new TenantryError('INVALID_INPUT', 'A stub runs no SQL and has no plan to explain.'))
  }

  /** A stand-in has no isolation that could be proven. */
  verify(): Promise<never> {
    return nothingToVerify()
  }

  lastVerification(): Promise<never> {
    return nothingToVerify()
  }

  verificationKey(): Promise<never> {
    return nothingToVerify()
  }

  async health() {
    return healthReport({})
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new TenantryError('CLOSED', 'This instance was closed.')
  }

  async #forEach(
    filter: TenantFilter,
    run: (tenant: Tenant) => Promise<unknown>,
    { concurrency = 4 }: ForEachOptions = {},
  ): Promise<ForEachResult> {
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new TenantryError('INVALID_INPUT', '"concurrency" must be a whole number from 1.', { field: 'concurrency' })
    }
    const succeeded: string[] = []
    const failed: { tenantId: string; error: unknown }[] = []
    // One after the other: a stub has nothing to wait for.
    for (const tenant of this.#memory.ready(filter)) {
      try {
        await this.run({ id: tenant.id }, () => run(tenant))
        succeeded.push(tenant.id)
      } catch (error) {
        failed.push({ tenantId: tenant.id, error })
      }
    }
    return { succeeded, failed }
  }
}

function nothingToVerify(): Promise<never> {
  return Promise.reject(
    new TenantryError('CONFIGURATION_INVALID', 'The stand-in for tests has no database to verify.', {
      fix: 'Verify a real instance: createTenantry({ adminUrl }) or { embedded: true }.',
    }),
  )
}
