// A connection of the scoped login. It sends nothing but scoped flushes, and it watches what the server reports of
// its session: a setting that stays changed after a statement is residue another tenant would run under.
import { cancelStatement } from './cancel.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { BorrowedSession } from './borrowed-session.ts'
import { Client, type ClientConfig, type WireConnection, type WireQuery, wireOf } from './pg.ts'
import { PreparedStatements } from './prepared-statements.ts'

// Named statements of schema tenants carry the tenant in their name, so there may be many, and each one keeps its plan in
// the backend's memory. Beyond this the least recently used one is closed.
const PREPARED_LIMIT = 500

const STARTUP_SETTINGS = [
  'options',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
] as const

export interface ScopedClientConfig extends ClientConfig {
  /** The connection leads to a pooler that gives each transaction any session it likes. */
  readonly pooled?: boolean | undefined
}

export class ScopedClient extends Client {
  readonly prepared: PreparedStatements
  readonly borrowed: BorrowedSession | undefined
  readonly #reported = new Map<string, string>()
  readonly #changed = new Set<string>()
  #started = false
  #unanswered = 0

  constructor(config: ScopedClientConfig = {}) {
    super(config)
    const { connection, connectionParameters } = wireOf(this)
    const pooled = config.pooled === true
    this.prepared = new PreparedStatements(PREPARED_LIMIT, !pooled)
    this.borrowed = pooled ? new BorrowedSession(() => this.transactionStatus) : undefined
    // Poolers refuse settings in the startup packet; every flush brings its own.
    if (pooled) for (const name of STARTUP_SETTINGS) connectionParameters[name] = undefined
    connection.on('parameterStatus', ({ parameterName, parameterValue }) =>
      this.#noteParameter(parameterName, parameterValue),
    )
    connection.on('readyForQuery', () => {
      if (this.#started) this.#unanswered--
      this.#started = true
    })
    // A client that dies idle, or between two statements of its user, must not take the process down.
    this.on('error', () => {})
  }

  get wire(): WireConnection {
    return wireOf(this).connection
  }

  /** Nothing was sent that has not been answered. */
  get isIdle(): boolean {
    return this.#unanswered === 0
  }

  /** `I` idle, `T` in a transaction, `E` in a failed one. */
  get transactionStatus(): string | null {
    return wireOf(this).getTransactionStatus()
  }

  /** The reported settings that differ from the session's start; any at all means the client must not be shared on. */
  get residue(): string | undefined {
    return this.#changed.size === 0 ? undefined : [...this.#changed].join(', ')
  }

  #noteParameter(name: string, value: string): void {
    if (!this.#started) {
      this.#reported.set(name, value)
      return
    }
    // A pooler's own business: undoing what a statement left takes the name that the pooler had set.
    if (this.borrowed && name === 'application_name') return
    if (this.#reported.get(name) === value) this.#changed.delete(name)
    else this.#changed.add(name)
  }

  /** Asks the server to stop what is under way. */
  cancel(): Promise<void> {
    return cancelStatement(wireOf(this))
  }

  /** Cuts the connection; whatever is under way on it fails. */
  destroy(): void {
    this.wire.stream.destroy()
  }

  send(query: Pick<WireQuery, 'submit'>): void {
    super.query(query as never)
  }

  noteSent(): void {
    this.#unanswered++
  }

  /** Refused in the form in which it was asked: a bare statement carries no tenant. Pool events hand out such clients. */
  override query(...args: unknown[]): never {
    const error = new TenantryError(
      'TENANT_CONTEXT_MISSING',
      'A statement was sent on a connection of the scoped pool itself, outside of every tenant scope.',
    )
    const callback = args.find((arg): arg is (error: Error) => void => typeof arg === 'function')
    if (callback) process.nextTick(callback, error)
    // The overloads of pg's query() have no common type.
    return (callback ? undefined : Promise.reject(error)) as never
  }
}
