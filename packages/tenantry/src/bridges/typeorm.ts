// TypeORM over the scoped pool. TypeORM makes a pool of the driver it is given and connects it before there is any tenant,
// to ask the server for its version; and it ends that pool when the data source is destroyed. Here it is given the scoped
// pool, has those first questions answered by the control plane, and leaves the pool open.
import { EventEmitter } from 'node:events'
import type { DataSource, DataSourceOptions } from 'typeorm'
import { LazyClient } from '../engine/sql/lazy-client.ts'
import type { QueryResult } from '../engine/sql/pg.ts'
import { answer, readQueryArguments, type TenantQueryConfig } from '../engine/sql/query-arguments.ts'
import { StatementReader } from '../engine/sql/statement.ts'
import { TenantryError } from '../kernel/errors.ts'
import type { Tenantry } from '../tenantry.ts'

type PostgresOptions = Extract<DataSourceOptions, { readonly type: 'postgres' }>

/** What the bridge does not settle itself. */
export type ScopedDataSourceOptions = Omit<
  PostgresOptions,
  | (
      | 'type'
      | 'driver'
      | 'nativeDriver'
      | 'replication'
      | 'installExtensions'
      | 'poolSize'
      | 'poolErrorHandler'
      | 'cache'
    )
  | (
      | 'url'
      | 'host'
      | 'port'
      | 'username'
      | 'password'
      | 'database'
      | 'ssl'
      | 'synchronize'
      | 'migrationsRun'
      | 'dropSchema'
    )
>

/** What of an instance the bridge uses. */
type Host = Pick<Tenantry, 'pool' | 'current' | 'asCentral'>

/**
 * A TypeORM data source that every tenant may share: each query runs in the scope that it is awaited in. Initialize it once,
 * outside of every tenant. Supports TypeORM 1; throws CONFIGURATION_INVALID where TypeORM does not take the pool.
 *
 * @example
 * ```ts
 * import { DataSource } from 'typeorm'
 * import { scopedDataSource } from 'tenantry/typeorm'
 *
 * const dataSource = scopedDataSource(DataSource, tenantry, { entities: [] })
 * await dataSource.initialize()
 * await tenantry.run('acme-corp', () => dataSource.query('select * from invoices'))
 * ```
 */
export function scopedDataSource(
  Class: typeof DataSource,
  tenantry: Host,
  options: ScopedDataSourceOptions,
): DataSource {
  if ('cache' in options) {
    throw new TenantryError('CONFIGURATION_INVALID', "TypeORM's query cache knows no tenants, and was refused.", {
      fix: 'Leave `cache` out; keep what should be cached in a value of tenantry.perScope().',
    })
  }
  const driver = driverModule(tenantry)
  const dataSource = new Class({
    ...options,
    type: 'postgres',
    driver,
    // The application's role may install nothing.
    installExtensions: false,
  })
  if (Reflect.get(dataSource.driver, 'postgres') !== driver) {
    throw new TenantryError('CONFIGURATION_INVALID', 'This version of TypeORM does not take the pool.', {
      fix: 'Install typeorm 1.1 or newer of TypeORM 1.',
    })
  }
  return dataSource
}

type Connected = (error: undefined, client: Connection, release: (destroy?: unknown) => void) => void

/** What TypeORM takes for the package pg. */
function driverModule(tenantry: Host): object {
  const { pool } = tenantry
  const reader = new StatementReader()
  const Pool = class {
    on(...listener: Parameters<typeof pool.on>): void {
      pool.on(...listener)
    }

    connect(callback: Connected): void {
      const client = new LazyClient(pool, reader)
      callback(undefined, new Connection(tenantry, client), (destroy) => client.release(Boolean(destroy)))
    }

    /** The pool is the instance's to end. */
    end(callback: () => void): void {
      callback()
    }
  }
  return { Pool }
}

/** All that TypeORM asks before there is a tenant: its version, and what the database and the schema are called. */
const FIRST_QUESTIONS = new Set([
  'SELECT version()',
  'SELECT * FROM current_database()',
  'SELECT * FROM current_schema()',
])

/** Looks like a pg.Client to TypeORM. Outside of every tenant it answers the first questions, and refuses all else. */
class Connection extends EventEmitter {
  readonly #tenantry: Host
  readonly #client: LazyClient

  constructor(tenantry: Host, client: LazyClient) {
    super()
    this.#tenantry = tenantry
    this.#client = client
  }

  query(...args: unknown[]): Promise<QueryResult> | undefined {
    const { config, callback } = readQueryArguments(args)
    return answer(this.#send(config), callback)
  }

  #send(config: TenantQueryConfig): Promise<QueryResult> {
    const { text } = config
    const isFirst = FIRST_QUESTIONS.has(text) && this.#tenantry.current() === undefined
    if (!isFirst) return this.#client.send(config)
    const asked = this.#tenantry.asCentral('TypeORM starts', (central) => central.query(text))
    // TypeORM reads the rows of an answer and nothing else.
    return asked as Promise<Pick<QueryResult, 'rows' | 'rowCount'>> as Promise<QueryResult>
  }
}
