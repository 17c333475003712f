// Runs a migration in code that says `no-transaction`: each statement alone, in a transaction where it can have one, or in
// those that the code itself begins.
import type { QueryResultRows, Sql } from '../../../engine/sql/database.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { CodeClient } from '../code/code-client.ts'
import { runToEnd } from '../code/run-code.ts'
import type { MigrationFile } from '../migration-file.ts'
import { refuseEscape } from '../escape.ts'
import { readStatements } from '../sql-statements.ts'
import { inTransaction } from './in-transaction.ts'
import { dropLeftovers } from './index-leftovers.ts'
import { type OutsideStatement, outsideStatements } from './statement-kinds.ts'

export async function runCodeOutside(session: Sql, file: MigrationFile, schema: string | undefined): Promise<void> {
  const statements = new SeparateStatements(session, file.name, schema)
  const client = new CodeClient(statements, {
    ...{ file: file.name, schema, transaction: false },
    idleTimeoutMs: file.idleTimeoutMs,
  })
  try {
    await runToEnd(file, client)
  } finally {
    await statements.end()
  }
}

class SeparateStatements implements Sql {
  readonly #session: Sql
  readonly #file: string
  readonly #schema: string | undefined
  #isInTransaction = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(session: Sql, file: string, schema: string | undefined) {
    this.#session = session
    this.#file = file
    this.#schema = schema
  }

  query<R extends object>(text: string, values?: readonly unknown[]): Promise<QueryResultRows<R>> {
    // One whole statement after the other: each may be several of the session's.
    const result = this.#last.then(() => this.#run<R>(text, values))
    this.#last = result.catch(() => {})
    return result
  }

  /** Rolls back what the code began and did not end. */
  async end(): Promise<void> {
    await this.#last
    if (this.#isInTransaction) await this.#session.query('rollback').catch(() => {})
  }

  async #run<R extends object>(text: string, values: readonly unknown[] | undefined): Promise<QueryResultRows<R>> {
    const [words = []] = readStatements(text).statements.map((each) => each.words)
    const [first = ''] = words
    if (['commit', 'end'].includes(first)) return this.#commit<R>()
    if (['begin', 'start'].includes(first)) this.#isInTransaction = true
    if (['rollback', 'abort'].includes(first) && !words.includes('to')) this.#isInTransaction = false
    if (this.#isInTransaction || ['rollback', 'abort'].includes(first)) return this.#session.query<R>(text, values)
    const statements = outsideStatements(text)
    const outside = statements.find(({ kind }) => kind !== 'plain')
    if (outside === undefined)
      return inTransaction(this.#session, this.#schema, () => this.#session.query(text, values))
    return this.#runAlone<R>(outside, statements.length)
  }

  async #runAlone<R extends object>(statement: OutsideStatement, count: number): Promise<QueryResultRows<R>> {
    if (count > 1) throw this.#failed('sent a statement that cannot run in a transaction together with others')
    if (this.#schema !== undefined && statement.isQualified) {
      throw this.#failed('named a schema outside of a transaction, where nothing can tell that it is the tenant’s own')
    }
    if (await dropLeftovers(this.#session, statement)) return { rows: [], rowCount: null }
    return this.#session.query<R>(statement.text)
  }

  async #commit<R extends object>(): Promise<QueryResultRows<R>> {
    if (this.#schema !== undefined) await refuseEscape(this.#session, [this.#schema])
    this.#isInTransaction = false
    return this.#session.query<R>('commit')
  }

  #failed(what: string): TenantryError {
    return new TenantryError('MIGRATION_FAILED', `The migration ${this.#file} ${what}.`)
  }
}
