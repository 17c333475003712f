// A scoped transaction: BEGIN rides with the first statement, so it costs one round trip less than a raw one.
import { TenantryError } from '../../kernel/errors.ts'
import type { CheckedOutClient } from './checked-out-client.ts'
import type { QueryResult } from './pg.ts'
import { readQueryArguments, type TenantQueryConfig } from './query-arguments.ts'

export interface TransactionOptions {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  readonly readOnly?: boolean
}

/** The handle a transaction's callback gets. It dies with the callback. */
export interface Transaction {
  query<R extends object = Record<string, unknown>>(
    statement: string | TenantQueryConfig,
    values?: readonly unknown[],
  ): Promise<QueryResult<R>>
  /**
   * Runs the transaction's last statement and commits in the same round trip. Afterwards tx.query() throws
   * TRANSACTION_ENDED. An error rolls back, as anywhere in the transaction.
   */
  queryAndCommit<R extends object = Record<string, unknown>>(
    statement: string | TenantQueryConfig,
    values?: readonly unknown[],
  ): Promise<QueryResult<R>>
}

/** Runs the callback in a transaction on this client, and ends it. The callback's error reaches the caller unchanged. */
export async function runTransaction<T>(
  client: CheckedOutClient,
  options: TransactionOptions,
  run: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const tx = new OpenTransaction(client, beginText(options))
  try {
    const result = await run(tx)
    await tx.commit()
    return result
  } catch (error) {
    await tx.rollback()
    throw error
  }
}

function beginText({ isolation, readOnly }: TransactionOptions): string {
  const level = isolation === undefined ? '' : ` isolation level ${isolation}`
  return `begin${level}${readOnly ? ' read only' : ''}`
}

class OpenTransaction implements Transaction {
  readonly #client: CheckedOutClient
  readonly #begin: string
  #ended = false

  constructor(client: CheckedOutClient, begin: string) {
    this.#client = client
    this.#begin = begin
  }

  query<R extends object>(statement: string | TenantQueryConfig, values?: readonly unknown[]) {
    return this.#run<R>([statement, values], false)
  }

  queryAndCommit<R extends object>(statement: string | TenantQueryConfig, values?: readonly unknown[]) {
    return this.#run<R>([statement, values], true)
  }

  async #run<R extends object>(args: readonly unknown[], commit: boolean): Promise<QueryResult<R>> {
    if (this.#ended) {
      throw new TenantryError('TRANSACTION_ENDED', 'A statement was sent to a transaction that has ended.')
    }
    const { config } = readQueryArguments(args)
    this.#ended = commit
    return (await this.#client.queryInTransaction(config, this.#begin, commit)) as QueryResult<R>
  }

  /** Without any statement nothing was begun, and there is nothing to commit. */
  async commit(): Promise<void> {
    this.#ended = true
    if (this.#client.isUnderWay) {
      throw new TenantryError('TRANSACTION_LEFT_OPEN', 'The callback ended before a statement of its transaction.', {
        fix: 'Await every tx.query() inside the callback; the transaction was rolled back.',
      })
    }
    const status = this.#client.transactionStatus
    if (status === 'E') {
      throw new TenantryError('TRANSACTION_ABORTED', 'A statement of the transaction had failed; it was rolled back.')
    }
    if (status === 'T') await this.#client.control('commit')
  }

  async rollback(): Promise<void> {
    this.#ended = true
    if (!this.#client.isInTransaction || this.#client.isUnderWay) return
    // A connection that died took the transaction with it; the first error is the one to report.
    await this.#client.control('rollback').catch(() => undefined)
  }
}
