// TypeORM over the scoped pool. TypeORM makes a pool of the driver it is given and connects it before there is any tenant,
// to ask the server for its version; and it ends that pool when the data source is destroyed. Here it is given the scoped
// pool, has those first questions answered by the control plane, and leaves the pool open.
import { EventEmitter } from 'node:events'
import type { DataSource, DataSourceOptions } from 'typeorm'
import type { PoolClient, QueryResult } from '../engine/sql/pg.ts'
import { answer, readQueryArguments } from '../engine/sql/query-arguments.ts'
import { TenantryError } from '../kernel/errors.ts'
import type { Tenantry } from '../tenantry.ts'

type PostgresOptions = Extract<DataSourceOptions, { readonly type: 'postgres' }>

/** What the bridge does not settle itself. */
export type TenantDataSourceOptions = Omit<
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
 * import { tenantDataSource } from 'tenantry/typeorm'
 *
 * const dataSource = tenantDataSource(tenantry, DataSource, { entities: [] })
 * await dataSource.initialize()
 * await tenantry.run('acme-corp', () => dataSource.query('select * from invoices'))
 * ```
 */
export function tenantDataSource(
  tenantry: Host,
  Class: typeof DataSource,
  options: TenantDataSourceOptions,
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

type Connected = (error?: unknown, client?: Client, release?: (destroy?: unknown) => void) => void
type Client = PoolClient | OutsideClient

/** What TypeORM takes for the package pg. */
function driverModule(tenantry: Host): object {
  const { pool } = tenantry
  const ScopedPool = class {
    on(...listener: Parameters<typeof pool.on>): void {
      pool.on(...listener)
    }

    connect(callback: Connected): void {
      if (tenantry.current() === undefined) callback(undefined, new OutsideClient(tenantry), () => {})
      else pool.connect(callback)
    }

    /** The pool is the instance's to end. */
    end(callback: () => void): void {
      callback()
    }
  }
  return { Pool: ScopedPool }
}

/** All that TypeORM asks before there is a tenant: its version, and what the database and the schema are called. */
const FIRST_QUESTIONS = new Set([
  'SELECT version()',
  'SELECT * FROM current_database()',
  'SELECT * FROM current_schema()',
])

/** What connect() gives outside of every tenant: it answers the first questions, and the pool refuses anything else. */
class OutsideClient extends EventEmitter {
  readonly #tenantry: Host

  constructor(tenantry: Host) {
    super()
    this.#tenantry = tenantry
  }

  query(...args: unknown[]): Promise<QueryResult> | undefined {
    const { config, callback } = readQueryArguments(args)
    const { text } = config
    if (!FIRST_QUESTIONS.has(text)) return answer(this.#tenantry.pool.query(config), callback)
    return answer(this.#ask(text), callback)
  }

  #ask(text: string): Promise<QueryResult> {
    const asked = this.#tenantry.asCentral('TypeORM starts', (central) => central.query(text))
    // TypeORM reads the rows of an answer and nothing else.
    return asked as Promise<Pick<QueryResult, 'rows' | 'rowCount'>> as Promise<QueryResult>
  }
}
