// A Kysely over a migration's client: its own PostgreSQL compiler, and a driver of one connection.
import { TenantryError } from '../../../kernel/errors.ts'
import type { MigrationClient } from '../migration-file.ts'
import { importBeside } from './load-module.ts'

interface CompiledQuery {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

type Class = new (...args: readonly unknown[]) => unknown

/** The classes of Kysely that are used here, as every version since 0.26 has them. */
interface KyselyModule {
  readonly Kysely: Class
  readonly PostgresAdapter: Class
  readonly PostgresIntrospector: Class
  readonly PostgresQueryCompiler: Class
}

/** The Kysely that the migration itself imports. Throws CONFIGURATION_INVALID where it is not installed. */
export async function kyselyOver(client: MigrationClient, path: string): Promise<unknown> {
  const kysely = (await importBeside(path, 'kysely')) as KyselyModule
  const driver = new OneConnectionDriver(client)
  return new kysely.Kysely({
    dialect: {
      createAdapter: () => new kysely.PostgresAdapter(),
      createDriver: () => driver,
      createIntrospector: (db: unknown) => new kysely.PostgresIntrospector(db),
      createQueryCompiler: () => new kysely.PostgresQueryCompiler(),
    },
  })
}

class OneConnectionDriver {
  readonly #client: MigrationClient
  /** Transactions of the migration's own are savepoints in ours. */
  #depth = 0

  constructor(client: MigrationClient) {
    this.#client = client
  }

  async init(): Promise<void> {}
  async destroy(): Promise<void> {}
  async releaseConnection(): Promise<void> {}

  async acquireConnection() {
    return {
      executeQuery: (query: CompiledQuery) => this.#execute(query),
      streamQuery: () => {
        throw new TenantryError('MIGRATION_FAILED', 'A migration cannot stream: read whole results.')
      },
    }
  }

  async beginTransaction(): Promise<void> {
    this.#depth += 1
    await this.#client.query(this.#client.isInTransaction ? `savepoint kysely_${this.#depth}` : 'begin')
  }

  async commitTransaction(): Promise<void> {
    await this.#client.query(this.#client.isInTransaction ? `release savepoint kysely_${this.#depth}` : 'commit')
    this.#depth -= 1
  }

  async rollbackTransaction(): Promise<void> {
    await this.#client.query(this.#client.isInTransaction ? `rollback to savepoint kysely_${this.#depth}` : 'rollback')
    this.#depth -= 1
  }

  async #execute({ sql, parameters }: CompiledQuery) {
    const { rows, rowCount, command = '' } = await this.#client.query(sql, valuesOf(parameters))
    const isChange = ['INSERT', 'UPDATE', 'DELETE', 'MERGE'].includes(command)
    return { rows, ...(isChange ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) }
  }
}

/** Without values a text may hold several statements, as with pg itself. */
export const valuesOf = (values: readonly unknown[]): readonly unknown[] | undefined =>
  values.length === 0 ? undefined : values
