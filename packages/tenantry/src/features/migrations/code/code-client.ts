// What a migration in code holds instead of a connection: it refuses what would leave the transaction or the schema,
// remembers what went wrong even where the code swallows it, and ends with the migration.
import type { QueryResultRows, Sql } from '../../../engine/sql/database.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { MigrationClient } from '../migration-file.ts'
import { faultOf, isTransactionControl, needsNoTransaction } from '../migration-rules.ts'
import { readStatements, type SqlStatement } from '../sql-statements.ts'

const SAVEPOINT_WORDS = new Set(['savepoint', 'release'])

export interface CodeClientOptions {
  readonly file: string
  readonly schema: string | undefined
  /** False where the code says `no-transaction`; default true. */
  readonly transaction?: boolean
  /** How long the code may go without a statement under way; default: a minute. */
  readonly idleTimeoutMs?: number | undefined
}

// Its transaction holds locks all that time, and what waits for something that never comes would hold them for ever.
const IDLE_TIMEOUT_MS = 60_000

export class CodeClient implements MigrationClient {
  readonly schemaName: string | undefined
  readonly isInTransaction: boolean
  readonly #sql: Sql
  readonly #file: string
  readonly #pending = new Set<Promise<unknown>>()
  #state: 'open' | 'ending' | 'ended' = 'open'
  #fault: TenantryError | undefined
  readonly #idleTimeoutMs: number
  #timer: NodeJS.Timeout | undefined
  #giveUp: (fault: TenantryError) => void = () => {}
  /** Rejects where the code has sent nothing for too long. */
  readonly idled: Promise<never>

  constructor(sql: Sql, { file, schema, transaction = true, idleTimeoutMs = IDLE_TIMEOUT_MS }: CodeClientOptions) {
    this.#sql = sql
    this.#file = file
    this.isInTransaction = transaction
    this.schemaName = schema
    this.#idleTimeoutMs = idleTimeoutMs
    this.idled = new Promise<never>((_, reject) => {
      this.#giveUp = reject
    })
    this.idled.catch(() => {})
    this.#waitIdle()
  }

  /** The first thing that was refused. */
  get fault(): TenantryError | undefined {
    return this.#fault
  }

  query<R extends object>(text: string, values?: readonly unknown[]): Promise<QueryResultRows<R>> {
    const refusal = this.#state === 'open' ? this.#refusalOf(text) : this.#failed('used its client after it had ended')
    if (refusal !== undefined) {
      this.#fault ??= refusal
      // Code that nobody waits for: the failure is reported by end(), and a rejection here would end the process.
      if (this.#state === 'ending') return new Promise(() => {})
      return Promise.reject(refusal)
    }
    const result = this.#sql.query<R>(text, values)
    this.#pending.add(result)
    clearTimeout(this.#timer)
    // Handled here, too: code that does not await it must not end the process.
    result.catch(() => {}).finally(() => this.#settled(result))
    return result
  }

  #settled(result: Promise<unknown>): void {
    this.#pending.delete(result)
    if (this.#pending.size === 0 && this.#state === 'open') this.#waitIdle()
  }

  #waitIdle(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const what = `sent no statement for ${this.#idleTimeoutMs} ms, and did not end`
      this.#fault ??= this.#failed(
        what,
        'Let what it waits for come to an end, or say `// tenantry: idle-timeout 10min` at the top of the file.',
      )
      this.#giveUp(this.#fault)
    }, this.#idleTimeoutMs)
  }

  /** Takes no more statements; waits for those under way. Throws MIGRATION_FAILED where there were any, or a refusal. */
  async end(): Promise<void> {
    clearTimeout(this.#timer)
    // A statement that was awaited is taken off in the turns that follow; one that was not takes a round trip.
    await new Promise(setImmediate)
    const unfinished = this.#pending.size
    this.#state = 'ending'
    await Promise.allSettled(this.#pending)
    await new Promise(setImmediate)
    this.#state = 'ended'
    clearTimeout(this.#timer)
    if (this.#fault !== undefined) throw this.#fault
    if (unfinished === 0) return
    throw this.#failed('ended while its statements were running: await each of them')
  }

  #refusalOf(text: string): TenantryError | undefined {
    if (typeof text !== 'string') return this.#failed('sent a statement that is no text')
    const { statements, psqlCommandLine } = readStatements(text)
    if (psqlCommandLine !== undefined) return this.#failed('sent a psql command')
    const faultsOf = this.isInTransaction ? faultInTransaction : faultInSession
    const fault = statements.map(faultsOf).find((each) => each !== undefined)
    return fault === undefined ? undefined : this.#failed(`sent what no migration may: ${fault}`)
  }

  #failed(what: string, fix?: string): TenantryError {
    const told = `The migration ${this.#file} ${what}. Nothing was applied.`
    return new TenantryError('MIGRATION_FAILED', told, fix === undefined ? {} : { fix })
  }
}

function faultInTransaction(statement: SqlStatement): string | undefined {
  const isOwnSavepoint = isTransactionControl(statement) && isSavepoint(statement.words)
  if (isOwnSavepoint) return undefined
  return sessionFault(statement) ?? faultOf(statement) ?? needsNoTransaction(statement)
}

function faultInSession(statement: SqlStatement): string | undefined {
  const isItsOwn = isTransactionControl(statement) && statement.words[0] !== 'prepare'
  return isItsOwn ? undefined : (sessionFault(statement) ?? faultOf(statement))
}

function sessionFault({ words }: SqlStatement): string | undefined {
  const [first = ''] = words
  if (first === 'set' && words.includes('search_path')) return 'it would leave its schema by search_path'
  if (first === 'set' && ['role', 'authorization'].some((word) => words.includes(word))) {
    return 'it would take another role'
  }
  return first === 'reset' || first === 'discard' ? `${first.toUpperCase()} would undo its session` : undefined
}

/** Savepoints of its own divide no transaction of ours. */
function isSavepoint(words: readonly string[]): boolean {
  const [first = ''] = words
  const name = words.at(-1) ?? ''
  const divides = SAVEPOINT_WORDS.has(first) || (first === 'rollback' && words.includes('to'))
  return divides && !name.startsWith('tenantry_') && !SAVEPOINT_WORDS.has(name) && name !== 'to'
}
