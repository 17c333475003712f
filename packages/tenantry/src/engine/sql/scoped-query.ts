// A tenant's statement as one flush: what must go before it, the statement itself, one Sync. A subclass of pg's
// Query, so that it may travel over pipelined clients; the answers to what goes before are counted off unseen.
import {
  prepareValue,
  type QueryCallback,
  type QueryConfig,
  type RowDescription,
  type WireConnection,
  WireQuery,
} from './pg.ts'
import { DESCRIBE, EXECUTE, encodeBindExecute, type Prelude, SYNC } from './prelude.ts'
import type { PreparedStatement, PreparedStatements } from './prepared-statements.ts'

/** A flush to send. */
export interface Flight {
  readonly config: QueryConfig
  readonly prepared: PreparedStatements
  /** Opens the transaction in the same flush, before the prelude; decided when the flush is sent. */
  readonly begin?: (() => string | undefined) | undefined
  /** Decided when the flush is sent, where what to send depends on the transaction's state by then. */
  readonly prelude?: Prelude | (() => Prelude | undefined) | undefined
  /** Asked when the answer is complete: an error that overrides it. */
  readonly refuse?: (() => Error | undefined) | undefined
  /** Ends the transaction in the same flush. */
  readonly commit?: boolean | undefined
  /** Name on the server; undefined for an unnamed statement. */
  readonly statementName?: string | undefined
}

const EXECUTE_SYNC = Buffer.concat([EXECUTE, SYNC])
const DESCRIBE_EXECUTE_SYNC = Buffer.concat([DESCRIBE, EXECUTE, SYNC])
const DESCRIBE_EXECUTE = Buffer.concat([DESCRIBE, EXECUTE])

export class ScopedQuery extends WireQuery {
  readonly #flight: Flight
  /** Statements of this flush whose completion is still to come before the user's own. */
  #ahead = 0
  #own: PreparedStatement | undefined
  #done = false
  #parsed: string[] = []

  constructor(flight: Flight, callback: QueryCallback) {
    // Without the name: pg would keep a book of its own under it.
    super({ ...flight.config, name: undefined }, undefined, callback)
    this.#flight = flight
  }

  override submit(connection: WireConnection): Error | null {
    let values: readonly unknown[]
    try {
      values = (this.values ?? []).map(prepareValue)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
    const { prepared, statementName } = this.#flight
    const known = statementName === undefined ? undefined : prepared.find(statementName)
    if (known && known.text !== this.text) {
      return new Error(`The prepared statement ${String(this.#flight.config.name)} was used for another text before.`)
    }
    coalesceWrites(connection)
    const begin = this.#flight.begin?.()
    const prelude = typeof this.#flight.prelude === 'function' ? this.#flight.prelude() : this.#flight.prelude
    prepared.flushClosing(connection)
    if (begin !== undefined) this.#lead(connection, begin)
    if (prelude) {
      this.#parse(connection, prelude.name, prelude.text)
      connection.stream.write(prelude.message)
      this.#ahead++
    }
    this.#sendOwn(connection, values)
    return null
  }

  /** A statement without parameters ahead of the user's, named by its own text. */
  #lead(connection: WireConnection, text: string): void {
    this.#parse(connection, text, text)
    connection.stream.write(encodeBindExecute(text, []))
    this.#ahead++
  }

  #parse(connection: WireConnection, name: string, text: string): void {
    const { prepared } = this.#flight
    if (prepared.find(name)) return
    prepared.add(name, text)
    connection.parse({ name, text })
    this.#parsed.push(name)
  }

  #sendOwn(connection: WireConnection, values: readonly unknown[]): void {
    const { statementName: name = '', commit } = this.#flight
    let own = name === '' ? undefined : this.#flight.prepared.find(name)
    if (own === undefined) {
      connection.parse({ name, text: this.text, types: this.types })
      if (name !== '') {
        own = this.#flight.prepared.add(name, this.text)
        this.#parsed.push(name)
      }
    }
    connection.bind({ portal: '', statement: name, values, binary: this.binary, valueMapper: (value) => value })
    const described = own?.fields !== undefined && !this.binary
    if (described && own?.fields) super.handleRowDescription(own.fields)
    this.#own = own
    if (commit) this.#sendCommit(connection, described)
    else connection.stream.write(described ? EXECUTE_SYNC : DESCRIBE_EXECUTE_SYNC)
  }

  #sendCommit(connection: WireConnection, described: boolean): void {
    connection.stream.write(described ? EXECUTE : DESCRIBE_EXECUTE)
    this.#parse(connection, 'commit', 'commit')
    connection.stream.write(encodeBindExecute('commit', []))
    connection.stream.write(SYNC)
  }

  override handleRowDescription(message: RowDescription): void {
    if (this.#own && !this.binary) this.#own.fields = message
    super.handleRowDescription(message)
  }

  override handleDataRow(message: unknown): void {
    if (this.#ahead === 0) super.handleDataRow(message)
  }

  override handleCommandComplete(message: unknown, connection: WireConnection): void {
    if (this.#ahead > 0) {
      this.#ahead--
    } else if (!this.#done) {
      this.#done = true
      if (this.#own?.fields === undefined && this.#own && !this.binary) this.#own.fields = null
      super.handleCommandComplete(message, connection)
    }
  }

  override handleError(error: Error, connection: WireConnection): void {
    // Whether the failed flush still parsed its statements cannot be told, so none of them counts as parsed.
    for (const name of this.#parsed) this.#flight.prepared.forget(name)
    super.handleError(error, connection)
  }

  override handleReadyForQuery(connection: WireConnection): void {
    const refusal = this.#flight.refuse?.()
    if (refusal) this.callback(refusal)
    else super.handleReadyForQuery(connection)
  }
}

const corked = new WeakSet<WireConnection>()

/** Gathers all flushes that are written in one turn of the event loop into one write to the socket. */
function coalesceWrites(connection: WireConnection): void {
  if (corked.has(connection)) return
  corked.add(connection)
  connection.stream.cork()
  process.nextTick(() => {
    corked.delete(connection)
    connection.stream.uncork()
  })
}
