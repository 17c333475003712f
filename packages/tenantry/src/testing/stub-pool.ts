// A pool that asks the test's handler instead of a database. It keeps the rules of the real one: no statement without a
// scope, none that would be refused there.
import type { Scope, ScopeStore, TenantSource } from '../engine/context/scope.ts'
import type { PoolClient, QueryResult } from '../engine/sql/pg.ts'
import { readQueryArguments, type TenantQueryConfig } from '../engine/sql/query-arguments.ts'
import { refuseEnding, refuseInBatch, refuseOnPool, refuseResidue } from '../engine/sql/rules.ts'
import { ScopedPool } from '../engine/sql/scoped-pool.ts'
import { StatementReader } from '../engine/sql/statement.ts'
import type { Transaction } from '../engine/sql/transaction.ts'
import { TenantryError } from '../kernel/errors.ts'
import type { StubOptions } from './stub-options.ts'

export interface StubPoolOptions {
  readonly store: ScopeStore
  readonly source: TenantSource
  readonly onQuery: StubOptions['onQuery']
}

const UNANSWERED = 'A statement was sent to stubTenantry(), which runs no SQL.'

/** Asks the handler for the rows of a statement. INTERNAL where there is none. */
export async function answerQuery(
  onQuery: StubOptions['onQuery'],
  tenant: { readonly id: string; readonly slug: string } | undefined,
  { text, values = [] }: Pick<TenantQueryConfig, 'text' | 'values'>,
): Promise<QueryResult> {
  if (onQuery === undefined) {
    const fix = 'Give stubTenantry({ onQuery }) a function that returns the rows, or test against a real database.'
    throw new TenantryError('INTERNAL', UNANSWERED, { fix })
  }
  const rows = [...(await onQuery({ tenant, text, values }))]
  return {
    rows,
    rowCount: rows.length,
    command: text.trim().split(/\s+/, 1)[0]?.toUpperCase() ?? '',
    oid: 0,
    fields: [],
  }
}

export class StubPool extends ScopedPool {
  readonly #stub: StubPoolOptions
  readonly #reader = new StatementReader()

  constructor(options: StubPoolOptions) {
    super({ store: options.store, start: () => Promise.reject(new TenantryError('INTERNAL', UNANSWERED)) })
    this.#stub = options
  }

  override async queryIn(scope: Scope, config: TenantQueryConfig): Promise<QueryResult> {
    refuseOnPool(this.#reader.read(config.text))
    return this.#answer(scope, config)
  }

  override async batchIn(scope: Scope, configs: readonly TenantQueryConfig[]): Promise<readonly QueryResult[]> {
    for (const { text } of configs) refuseInBatch(this.#reader.read(text))
    const results: QueryResult[] = []
    for (const config of configs) results.push(await this.#answer(scope, config))
    return results
  }

  /** A client that belongs to the current scope; its BEGIN, COMMIT and ROLLBACK do nothing. */
  override connect(): never {
    return this.#lend() as never
  }

  /** A transaction whose statements go to the handler; there is nothing to roll back. */
  async transaction<T>(scope: Scope, run: (tx: Transaction) => Promise<T>): Promise<T> {
    let ended = false
    const query = async <R extends object>(...args: unknown[]) => {
      if (ended) throw new TenantryError('TRANSACTION_ENDED', 'A statement was sent to a transaction that has ended.')
      const { config } = readQueryArguments(args)
      const statement = this.#reader.read(config.text)
      refuseResidue(statement)
      refuseEnding(statement)
      return (await this.#answer(scope, config)) as QueryResult<R>
    }
    const queryAndCommit = async <R extends object>(...args: unknown[]) => {
      const result = await query<R>(...args)
      ended = true
      return result
    }
    try {
      return await this.#stub.store.enter(scope, () => run({ query, queryAndCommit }))
    } finally {
      ended = true
    }
  }

  async #answer(scope: Scope, config: TenantQueryConfig): Promise<QueryResult> {
    const { id, slug } = await this.#stub.source.admitted(scope.tenantId, scope.claims)
    return answerQuery(this.#stub.onQuery, { id, slug }, config)
  }

  async #lend(): Promise<PoolClient> {
    const scope = this.#stub.store.required()
    await this.#stub.source.admitted(scope.tenantId, scope.claims)
    let isReleased = false
    const query = async (...args: unknown[]) => {
      if (isReleased) throw new TenantryError('CLIENT_RELEASED', 'A statement was sent on a released client.')
      if (this.#stub.store.current()?.tenantId !== scope.tenantId) {
        throw new TenantryError('CLIENT_SCOPE_MISMATCH', "A client was used outside of its tenant's scope.")
      }
      const { config } = readQueryArguments(args)
      const statement = this.#reader.read(config.text)
      refuseResidue(statement)
      if (statement.control !== undefined) return { rows: [], rowCount: null, command: '', oid: 0, fields: [] }
      return this.#answer(scope, config)
    }
    const release = () => {
      isReleased = true
    }
    // Only what libraries call on a client of a pool; the rest of pg's client needs a connection.
    return { query, release, on: () => undefined } as unknown as PoolClient
  }
}
