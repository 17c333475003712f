// A client for libraries that check one out for every statement. Until something needs a connection of its own, a
// transaction above all, each statement goes over the shared connections, as with pool.query().
import { TenantryError } from '../../kernel/errors.ts'
import type { Pool, PoolClient, QueryResult } from './pg.ts'
import { answer, readQueryArguments, type TenantQueryConfig } from './query-arguments.ts'
import type { StatementReader } from './statement.ts'

export class LazyClient {
  readonly #pool: Pool
  readonly #reader: StatementReader
  #client: Promise<PoolClient> | undefined
  #released = false

  constructor(pool: Pool, reader: StatementReader) {
    this.#pool = pool
    this.#reader = reader
  }

  /** A statement in the scope of whoever sends it; pg's promise and callback forms. */
  query(...args: unknown[]): Promise<QueryResult> | undefined {
    const { config, callback } = readQueryArguments(args)
    return answer(this.send(config), callback)
  }

  /** Gives the connection back if there came to be one; true destroys it. */
  release(destroy = false): void {
    this.#released = true
    // Where it could not be checked out, the statement that wanted it has said so.
    this.#client?.then((client) => client.release(destroy)).catch(() => {})
  }

  /** The same without pg's forms. */
  async send(config: TenantQueryConfig): Promise<QueryResult> {
    if (this.#released) {
      throw new TenantryError('CLIENT_RELEASED', 'A statement was sent on a client that was released.')
    }
    if (!this.#client && !this.#reader.read(config.text).needsSession) return this.#pool.query(config)
    this.#client ??= this.#pool.connect()
    return (await this.#client).query(config)
  }
}
