// What users hold of a tenant: the handle's type, and the brand by which the compiler tells it from the bare pool.
import type { Claims } from '../context/context-token.ts'
import type { CopyOptions, CopyResult, CopySource } from './copy-from.ts'
import type { QueryResult } from './pg.ts'
import type { TenantQueryConfig } from './query-arguments.ts'
import type { Transaction, TransactionOptions } from './transaction.ts'

export interface ScopeOptions extends Claims {
  /** Enter this tenant even from inside another one's scope. */
  readonly switch?: boolean
  /**
   * Everything in it only reads, scopes of the same tenant inside of it included; PostgreSQL refuses the rest, and the
   * caller gets TENANT_READ_ONLY. Default: as the tenant's mode is.
   */
  readonly readOnly?: boolean
}

/** The scope the running code is in. */
export interface CurrentScope extends Claims {
  readonly tenantId: string
  readonly slug: string
  /** Where the scope only reads by its own choice, or that of one around it. */
  readonly readOnly?: true
}

/** Marks, for the compiler, what belongs to a tenant. */
declare const tenant: unique symbol

/**
 * A database handle that the compiler knows to be inside a tenant: a function that takes one cannot be called with the
 * bare pool, or with an ORM over it. Only scopes make them: a scope handle is one, and `use` of the handle that run()
 * passes turns an ORM's handle into one. It says nothing at run time, where an unscoped statement throws in any case.
 *
 * @example
 * ```ts
 * import type { TenantDb } from 'tenantry'
 *
 * const unpaid = (db: TenantDb) => db.query('select * from invoices where not paid')
 *
 * await unpaid(tenantry.scope('acme-corp'))
 * await tenantry.run('acme-corp', (scope) => unpaid(scope))
 * ```
 */
export type TenantDb<Db = Pick<TenantQueries, 'query'>> = Db & { readonly [tenant]: true }

/** What one tenant's handle runs. */
export interface TenantQueries {
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
  run<T>(callback: ScopedWork<T>): Promise<T>
}

/** An explicit handle on one tenant; the same rules as in run(). */
export type ScopeHandle = TenantDb<TenantQueries>

/** What run() passes to its callback: the scope that the callback is in. */
export type RunningScope = TenantDb<RunningQueries>

export interface RunningQueries extends TenantQueries {
  readonly tenantId: string
  readonly slug: string
  /** The same handle, typed as one inside a tenant; for ORMs over `tenantry.pool`. It is that only inside the callback. */
  use<Db extends object>(db: Db): TenantDb<Db>
}

/** What run() runs. */
export type ScopedWork<T> = (scope: RunningScope) => T | PromiseLike<T>
