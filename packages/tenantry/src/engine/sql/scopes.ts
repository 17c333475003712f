// Ways into a tenant: run() for everything a callback does, scope() for a handle to pass around.
import { TenantryError } from '../../kernel/errors.ts'
import type { Claims } from '../context/context-token.ts'
import { Scope, type ScopedTenant, type ScopeStore, type TenantRefLike, type TenantSource } from '../context/scope.ts'
import { type CopyOptions, type CopyResult, type CopySource, prepareLoad } from './copy-from.ts'
import type { QueryResult } from './pg.ts'
import { readQueryArguments, type TenantQueryConfig } from './query-arguments.ts'
import type { ScopedPool } from './scoped-pool.ts'
import { runTransaction, type Transaction, type TransactionOptions } from './transaction.ts'

export interface ScopeOptions extends Claims {
  /** Enter this tenant even from inside another one's scope. */
  readonly switch?: boolean
}

/** The scope the running code is in. */
export interface CurrentScope extends Claims {
  readonly tenantId: string
  readonly slug: string
}

/** An explicit handle on one tenant; the same rules as in run(). */
export interface ScopeHandle {
  /** One statement in this tenant. */
  query<R extends object = Record<string, unknown>>(
    statement: string | TenantQueryConfig,
    values?: readonly unknown[],
  ): Promise<QueryResult<R>>
  /**
   * Independent statements in one round trip: one prelude, the statements in order, one Sync. They share one implicit
   * transaction: when one fails, none takes effect, and the error's `batchIndex` (from 0) says which it was. A later
   * statement sees what an earlier one wrote. Refuses what query() refuses, and an empty text (INVALID_INPUT).
   *
   * @example
   * ```ts
   * const [invoices, customers] = await tenantry.scope('acme-corp').batch([
   *   'select * from invoices order by id limit 20',
   *   { text: 'select * from customers where id = $1', values: [7] },
   * ])
   * ```
   */
  batch(statements: readonly (string | TenantQueryConfig)[]): Promise<readonly QueryResult[]>
  /**
   * Loads rows by COPY, in one transaction: all rows or none. They go through a temporary staging table and are
   * inserted from there, so each row meets the policies. Needs the package pg-copy-streams. Throws TABLE_NOT_FOUND,
   * CONFIGURATION_INVALID without the package, and the source's or the server's own error.
   *
   * @example
   * ```ts
   * const rows = Readable.from(['1,Pencils\n', '2,"Paper, A4"\n'])
   * const { rowCount } = await tenantry.scope('acme-corp').copyFrom('products', rows, { columns: ['id', 'name'], format: 'csv' })
   * ```
   */
  copyFrom(table: string, source: CopySource, options?: CopyOptions): Promise<CopyResult>
  /** BEGIN, the callback, COMMIT; rolled back when the callback throws, whose error reaches the caller unchanged. */
  transaction<T>(run: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Everything inside the callback runs in this tenant, the pool's own queries included. */
  run<T>(callback: () => T | PromiseLike<T>): Promise<T>
}

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
    return scope && { tenantId: scope.tenantId, slug: scope.slug, ...scope.claims }
  }

  async run<T>(ref: TenantRefLike, options: ScopeOptions, callback: () => T | PromiseLike<T>): Promise<T> {
    // Without an await where the registry has the tenant in memory: most calls of a busy process.
    const tenant = this.#options.source.peek(ref) ?? (await this.#options.source.admitted(ref))
    return this.#runIn(this.#scopeOf(tenant, options), callback)
  }

  /** Looks the tenant up and refuses a conflict with the scope that the caller is in. */
  async open(ref: TenantRefLike, options: ScopeOptions): Promise<Scope> {
    return this.#scopeOf(this.#options.source.peek(ref) ?? (await this.#options.source.admitted(ref)), options)
  }

  #scopeOf(tenant: ScopedTenant, { switch: switching = false, userId, role }: ScopeOptions): Scope {
    this.#options.store.refuseConflict(tenant.id, switching)
    if (userId === undefined && role === undefined) return new Scope(tenant, NOBODY)
    return new Scope(tenant, { ...(userId === undefined ? {} : { userId }), ...(role === undefined ? {} : { role }) })
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

  handle(ref: TenantRefLike, options: ScopeOptions): ScopeHandle {
    return new TenantScope(this, this.#options, { ref, options })
  }

  /** Ends what a callback left behind in a transaction; returns how many clients that cost. */
  #endOpenTransactions(scope: Scope): number {
    const held = this.#options.pool.unreleased(scope)
    if (held.size === 0) return 0
    const open = [...held].filter((client) => client.isInTransaction || client.isUnderWay)
    for (const client of open) client.release(true)
    return open.length
  }
}

class TenantScope implements ScopeHandle {
  readonly #scopes: Scopes
  readonly #engine: ScopesOptions
  readonly #entry: { readonly ref: TenantRefLike; readonly options: ScopeOptions }
  #scope: Scope | undefined

  constructor(scopes: Scopes, engine: ScopesOptions, entry: { ref: TenantRefLike; options: ScopeOptions }) {
    this.#scopes = scopes
    this.#engine = engine
    this.#entry = entry
  }

  async query<R extends object>(statement: string | TenantQueryConfig, values?: readonly unknown[]) {
    const { config } = readQueryArguments([statement, values])
    const scope = this.#scope ?? (await this.#open())
    this.#refuseConflict(scope)
    return (await this.#engine.pool.queryIn(scope, config)) as QueryResult<R>
  }

  async batch(statements: readonly (string | TenantQueryConfig)[]): Promise<readonly QueryResult[]> {
    const configs = statements.map((statement) => readQueryArguments([statement]).config)
    const scope = this.#scope ?? (await this.#open())
    this.#refuseConflict(scope)
    return this.#engine.pool.batchIn(scope, configs)
  }

  async copyFrom(table: string, source: CopySource, options: CopyOptions = {}): Promise<CopyResult> {
    const scope = this.#scope ?? (await this.#open())
    this.#refuseConflict(scope)
    const load = await prepareLoad(table, options)
    const client = await this.#engine.pool.checkOut(scope)
    try {
      return { rowCount: await load(client, source) }
    } finally {
      client.release()
    }
  }

  async transaction<T>(run: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const scope = this.#scope ?? (await this.#open())
    this.#refuseConflict(scope)
    const client = await this.#engine.pool.checkOut(scope)
    try {
      return await this.#engine.store.enter(scope, () => runTransaction(client, options, run))
    } finally {
      client.release()
    }
  }

  async run<T>(callback: () => T | PromiseLike<T>): Promise<T> {
    // A scope of its own: what the callback leaves open is told apart from what other callbacks have open.
    return this.#scopes.run(this.#entry.ref, this.#entry.options, callback)
  }

  async #open(): Promise<Scope> {
    this.#scope = await this.#scopes.open(this.#entry.ref, this.#entry.options)
    return this.#scope
  }

  #refuseConflict(scope: Scope): void {
    this.#engine.store.refuseConflict(scope.tenantId, this.#entry.options.switch ?? false)
  }
}
