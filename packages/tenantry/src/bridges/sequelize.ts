// Sequelize over the scoped pool. Sequelize keeps connections in a pool of its own, where one tenant's would come to
// another; so its connections here hold nothing: each statement finds its own way through the scoped pool, and only an open
// transaction keeps a client, until it ends.
import { EventEmitter } from 'node:events'
import type { Options, Sequelize } from 'sequelize'
import { LazyClient } from '../engine/sql/lazy-client.ts'
import { type Pool, type QueryResult, types as pgTypes } from '../engine/sql/pg.ts'
import { answer, readQueryArguments, type TenantQueryConfig } from '../engine/sql/query-arguments.ts'
import { StatementReader } from '../engine/sql/statement.ts'
import { TenantryError } from '../kernel/errors.ts'

type SequelizeClass = typeof Sequelize
/** What the bridge does not settle itself. */
export type ScopedSequelizeOptions = Omit<
  Options,
  | ('dialect' | 'dialectModule' | 'dialectModulePath' | 'clientMinMessages')
  | ('replication' | 'native' | 'host' | 'port' | 'username' | 'password' | 'database' | 'ssl')
>

/**
 * A Sequelize that every tenant may share: each query runs in the scope that it is awaited in. Supports Sequelize 6.37 and
 * newer of Sequelize 6; throws CONFIGURATION_INVALID for another one. The session keeps the time zone and the message level of
 * the server, because Sequelize's SET would stay on a connection that tenants share.
 *
 * @example
 * ```ts
 * import { Sequelize } from 'sequelize'
 * import { scopedSequelize } from 'tenantry/sequelize'
 *
 * const sequelize = scopedSequelize(Sequelize, tenantry.pool, { logging: false })
 * await tenantry.run('acme-corp', () => sequelize.transaction(async () => {}))
 * ```
 */
export function scopedSequelize(Class: SequelizeClass, pool: Pool, options: ScopedSequelizeOptions = {}): Sequelize {
  if (!isSupported(Reflect.get(Class, 'version'))) {
    throw new TenantryError('CONFIGURATION_INVALID', 'This version of Sequelize is not supported.', {
      fix: 'Install sequelize 6.37 or newer of Sequelize 6.',
    })
  }
  const settings: Options & { readonly keepDefaultTimezone: true } = {
    // Connections hold nothing, so there may be as many as there is work; the scoped pool is what limits.
    pool: { max: 1_000, min: 0 },
    ...options,
    dialect: 'postgres',
    dialectModule: dialectModule(pool),
    keepDefaultTimezone: true,
    dialectOptions: { ...options.dialectOptions, clientMinMessages: 'ignore' },
  }
  return new Class(settings)
}

function isSupported(version: unknown): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(String(version)) ?? []
  return Number(major) === 6 && Number(minor) >= 37
}

/** What Sequelize takes for the package pg. */
function dialectModule(pool: Pool): object {
  const reader = new StatementReader()
  let serverFacts: Promise<ServerFacts> | undefined
  const readFacts = () => {
    serverFacts ??= readServerFacts(pool).catch((error: unknown) => {
      serverFacts = undefined
      throw error
    })
    return serverFacts
  }
  const Client = class extends ScopedConnection {
    constructor(settings: { readonly types: TenantQueryConfig['types'] }) {
      super({ pool, reader, readFacts, types: settings.types })
    }
  }
  return { Client, types: pgTypes }
}

/** Settings that a real connection would report by itself; Sequelize escapes by the second. */
interface ServerFacts {
  readonly server_version: string
  readonly standard_conforming_strings: string
}

async function readServerFacts(pool: Pool): Promise<ServerFacts> {
  const { rows } = await pool.query<ServerFacts>(
    `select current_setting('server_version') as server_version,
            current_setting('standard_conforming_strings') as standard_conforming_strings`,
  )
  const [facts] = rows
  if (!facts) throw new TenantryError('DATABASE_ERROR', 'The server did not name its settings.')
  return facts
}

interface ConnectionOptions {
  readonly pool: Pool
  readonly reader: StatementReader
  readonly readFacts: () => Promise<ServerFacts>
  /** Sequelize's parsers of column types. */
  readonly types: TenantQueryConfig['types']
}

/** Looks like a pg.Client to Sequelize. */
class ScopedConnection extends EventEmitter {
  /** Where pg reports settings of the session. */
  readonly connection = new EventEmitter()
  readonly #options: ConnectionOptions
  #inTransaction: LazyClient | undefined

  constructor(options: ConnectionOptions) {
    super()
    this.#options = options
  }

  connect(callback: (error?: unknown) => void): void {
    this.#report().then(() => callback(), callback)
  }

  query(...args: unknown[]): Promise<QueryResult> | undefined {
    const { config, callback } = readQueryArguments(args)
    return answer(this.#send({ ...config, types: this.#options.types }), callback)
  }

  end(callback: (error?: unknown) => void): void {
    this.#inTransaction?.release(true)
    this.#inTransaction = undefined
    callback()
  }

  async #report(): Promise<void> {
    const facts = await this.#options.readFacts()
    for (const [parameterName, parameterValue] of Object.entries<string>({ ...facts })) {
      this.connection.emit('parameterStatus', { parameterName, parameterValue })
    }
  }

  async #send(config: TenantQueryConfig): Promise<QueryResult> {
    const { pool, reader } = this.#options
    const { control } = reader.read(config.text)
    const client = this.#inTransaction ?? new LazyClient(pool, reader)
    if (control === 'begin') this.#inTransaction = client
    try {
      return await client.send(config)
    } finally {
      if (control === 'end') this.#inTransaction = undefined
      if (this.#inTransaction !== client) client.release()
    }
  }
}
