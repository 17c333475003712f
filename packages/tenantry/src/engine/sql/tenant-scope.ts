// A handle on one tenant. Each call asks again whether the caller may use it: never from inside another tenant's scope.
import type { Scope, ScopeStore, TenantRefLike } from '../context/scope.ts'
import { type CopyOptions, type CopyResult, type CopySource, prepareLoad } from './copy-from.ts'
import type { QueryResult } from './pg.ts'
import { readQueryArguments, type TenantQueryConfig } from './query-arguments.ts'
import type { RunningQueries, RunningScope, ScopedWork, ScopeOptions, TenantDb } from './scope-handle.ts'
import type { ScopedPool } from './scoped-pool.ts'
import { runTransaction, type Transaction, type TransactionOptions } from './transaction.ts'

/** Opens scopes, and runs callbacks in them. */
interface ScopeOpener {
  open(ref: TenantRefLike, options: ScopeOptions): Promise<Scope>
  run<T>(ref: TenantRefLike, options: ScopeOptions, callback: ScopedWork<T>): Promise<T>
}

interface ScopeEngine {
  readonly store: ScopeStore
  readonly pool: ScopedPool
}

interface ScopeEntry {
  readonly ref: TenantRefLike
  readonly options: ScopeOptions
  /** Where the scope is open already. */
  readonly scope?: Scope
}

export class TenantScope implements RunningQueries {
  readonly #scopes: ScopeOpener
  readonly #engine: ScopeEngine
  readonly #entry: ScopeEntry
  #scope: Scope | undefined

  constructor(scopes: ScopeOpener, engine: ScopeEngine, entry: ScopeEntry) {
    this.#scopes = scopes
    this.#engine = engine
    this.#entry = entry
    this.#scope = entry.scope
  }

  /** The same, as the compiler knows it: the brand exists for it alone. */
  get branded(): RunningScope {
    return this as RunningQueries as RunningScope
  }

  get tenantId(): string {
    return this.#scope?.tenantId ?? ''
  }

  get slug(): string {
    return this.#scope?.slug ?? ''
  }

  use<Db extends object>(db: Db): TenantDb<Db> {
    return db as TenantDb<Db>
  }

  async query<R extends object>(statement: string | TenantQueryConfig, values?: readonly unknown[]) {
    const { config } = readQueryArguments([statement, values])
    const scope = this.#usable(this.#scope ?? (await this.#open()))
    return (await this.#engine.pool.queryIn(scope, config)) as QueryResult<R>
  }

  async batch(statements: readonly (string | TenantQueryConfig)[]): Promise<readonly QueryResult[]> {
    const configs = statements.map((statement) => readQueryArguments([statement]).config)
    const scope = this.#usable(this.#scope ?? (await this.#open()))
    return this.#engine.pool.batchIn(scope, configs)
  }

  async copyFrom(table: string, source: CopySource, options: CopyOptions = {}): Promise<CopyResult> {
    const scope = this.#usable(this.#scope ?? (await this.#open()))
    const load = await prepareLoad(table, options)
    const client = await this.#engine.pool.checkOut(scope)
    try {
      return { rowCount: await load(client, source) }
    } finally {
      client.release()
    }
  }

  async transaction<T>(run: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const scope = this.#usable(this.#scope ?? (await this.#open()))
    const client = await this.#engine.pool.checkOut(scope)
    try {
      return await this.#engine.store.enter(scope, () => runTransaction(client, options, run))
    } finally {
      client.release()
    }
  }

  async run<T>(callback: ScopedWork<T>): Promise<T> {
    // A scope of its own: what the callback leaves open is told apart from what other callbacks have open.
    return this.#scopes.run(this.#entry.ref, this.#entry.options, callback)
  }

  async #open(): Promise<Scope> {
    this.#scope = await this.#scopes.open(this.#entry.ref, this.#entry.options)
    return this.#scope
  }

  /** The scope as the code that runs now may use it. */
  #usable(scope: Scope): Scope {
    return this.#engine.store.usable(scope, this.#entry.options.switch ?? false)
  }
}
