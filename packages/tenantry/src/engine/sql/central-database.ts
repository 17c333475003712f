// The control plane's pool over the admin URL: the one implementation of the CentralDatabase port.
import { TenantryError } from '../../kernel/errors.ts'
import { type Logger, silentLogger } from '../../kernel/logger.ts'
import type { CentralDatabase, QueryResultRows, Sql, Subscription } from './database.ts'
import { toConnectError, toTenantryError } from './database-errors.ts'
import { openNotificationListener } from './notification-listener.ts'
import { Pool, type PoolClient, type QueryResult } from './pg.ts'

export interface CentralDatabaseOptions {
  /** Admin URL, direct: LISTEN does not work through a transaction pooler. */
  readonly url: string
  /** Most connections at a time, those that LISTEN not counted. */
  readonly max?: number
  readonly applicationName?: string
  readonly logger?: Logger
  /** How long to wait for a connection, made or freed, before DATABASE_UNAVAILABLE. */
  readonly connectTimeoutMs?: number
}

const DEFAULT_MAX = 4
const DEFAULT_CONNECT_TIMEOUT_MS = 10_000

/**
 * Opens the control plane's pool. Nothing is connected until the first statement, so it never throws for a server
 * that is down; statements then fail with DATABASE_UNAVAILABLE or DATABASE_AUTH_FAILED, and work again when it is back.
 *
 * @example
 * ```ts
 * const admin = openCentralDatabase({ url: process.env.DATABASE_ADMIN_URL ?? '' })
 * const { rows } = await admin.query<{ now: Date }>('select now()')
 * await admin.close()
 * ```
 */
export function openCentralDatabase(options: CentralDatabaseOptions): CentralDatabase {
  return new PooledCentralDatabase(options)
}

class PooledCentralDatabase implements CentralDatabase {
  readonly #options: CentralDatabaseOptions
  readonly #logger: Logger
  readonly #pool: InstanceType<typeof Pool>
  readonly #listeners = new Set<{ close(): Promise<void> }>()
  #closing: Promise<void> | undefined

  constructor(options: CentralDatabaseOptions) {
    this.#options = options
    this.#logger = options.logger ?? silentLogger
    this.#pool = new Pool({
      ...this.#connection(),
      max: options.max ?? DEFAULT_MAX,
      // Statements that a transaction does not wait for one by one travel together.
      pipeline: true,
      connectionTimeoutMillis: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    })
    this.#pool.on('error', (error) => this.#logger.warn('idle database connection lost', { reason: error.message }))
    // A checked-out client whose server goes away between two statements emits here; unheard, it would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => {}))
  }

  #connection() {
    return {
      connectionString: this.#options.url,
      application_name: this.#options.applicationName ?? 'tenantry',
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    }
  }

  async query<R extends object>(text: string, values?: readonly unknown[]): Promise<QueryResultRows<R>> {
    const client = await this.#connect()
    try {
      return await runStatement<R>(client, text, values)
    } finally {
      // pool.query() would throw the connection away after any failed statement; pg-pool drops a broken one itself.
      client.release(client.getTransactionStatus() !== 'I')
    }
  }

  async transaction<T>(run: (tx: Sql) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    try {
      // Not awaited: it travels with the first statement, which fails along with it.
      runStatement(client, 'begin').catch(() => {})
      return await runTransaction(client, run)
    } finally {
      client.release(client.getTransactionStatus() !== 'I')
    }
  }

  async session<T>(run: (session: Sql) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    const session = new OpenTransaction(client)
    try {
      return await run(session)
    } finally {
      await session.end()
      client.release(true)
    }
  }

  async listen(channel: string, onNotify: (payload: string) => void, onReconnect: () => void) {
    this.#refuseWhenClosed()
    const listener = await openNotificationListener({
      connection: this.#connection(),
      connectTimeoutMs: this.#options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      logger: this.#logger,
      channel,
      onNotify,
      onReconnect,
    })
    const subscription: Subscription = {
      get isConnected() {
        return listener.isConnected
      },
      close: async () => {
        this.#listeners.delete(subscription)
        await listener.close()
      },
    }
    this.#listeners.add(subscription)
    if (this.#closing !== undefined) await subscription.close()
    return subscription
  }

  async close(): Promise<void> {
    this.#closing ??= this.#end()
    await this.#closing
  }

  async #end(): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => listener.close()))
    await this.#pool.end()
  }

  async #connect(): Promise<PoolClient> {
    this.#refuseWhenClosed()
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw toConnectError(error)
    }
  }

  #refuseWhenClosed(): void {
    if (this.#closing !== undefined) throw new TenantryError('CLOSED', 'The central database was closed.')
  }
}

async function runStatement<R extends object>(
  client: PoolClient,
  text: string,
  values?: readonly unknown[],
): Promise<QueryResultRows<R> & { readonly command: string }> {
  try {
    // Several statements in one text come back as a list of results, which the driver's types do not know. With an
    // empty list of values the driver would choose the simple protocol, which takes several.
    const query = values === undefined ? { text } : { text, values: [...values], queryMode: 'extended' as const }
    const results: QueryResult<R>[] = [await client.query<R>(query)].flat()
    const last = results.at(-1)
    return { rows: last?.rows ?? [], rowCount: last?.rowCount ?? null, command: last?.command ?? '' }
  } catch (error) {
    throw toTenantryError(error)
  }
}

async function runTransaction<T>(client: PoolClient, run: (tx: Sql) => Promise<T>): Promise<T> {
  const tx = new OpenTransaction(client)
  let value: T
  try {
    value = await run(tx)
  } catch (error) {
    await tx.end()
    // The callback's error is the one to report; a connection that cannot roll back is thrown away by the caller.
    await runStatement(client, 'rollback').catch(() => {})
    throw error
  }
  await tx.end()
  await commit(client)
  return value
}

async function commit(client: PoolClient): Promise<void> {
  const { command } = await runStatement(client, 'commit').catch((error: unknown) => {
    throw error instanceof TenantryError && error.code === 'DATABASE_UNAVAILABLE'
      ? new TenantryError(error.code, 'The connection was lost while committing: it is not known whether it did.', {
          cause: error,
        })
      : error
  })
  // In an aborted transaction COMMIT succeeds with the tag ROLLBACK: a swallowed error must not look like success.
  if (command === 'ROLLBACK') {
    throw new TenantryError(
      'DATABASE_ERROR',
      'The transaction was rolled back: a statement in it failed, and the callback went on.',
    )
  }
}

class OpenTransaction implements Sql {
  readonly #client: PoolClient
  #ended = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(client: PoolClient) {
    this.#client = client
  }

  query<R extends object>(text: string, values?: readonly unknown[]): Promise<QueryResultRows<R>> {
    if (this.#ended) {
      return Promise.reject(new TenantryError('TRANSACTION_ENDED', 'The transaction has ended.'))
    }
    // One after the other: pg no longer wants statements queued on a busy client.
    const result = this.#last.then(() => runStatement<R>(this.#client, text, values))
    this.#last = result.catch(() => {})
    return result
  }

  /** Refuses further statements and waits for those that were not awaited. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#last
  }
}
