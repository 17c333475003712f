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
import type { Prelude } from './prelude.ts'
import { type BorrowedSession, UNDO_SESSION_STATE } from './borrowed-session.ts'
import { FlushWriter } from './flush-writer.ts'
import type { PreparedStatement, PreparedStatements } from './prepared-statements.ts'
import type { BatchedStatement } from './scoped-batch.ts'
import { DESCRIBE, EXECUTE, encodeBind, SYNC, type WireValue } from './wire-messages.ts'
import { flushBatch } from './write-batch.ts'

/** What goes into a flush, and what is asked of the client when its answer is complete. */
export interface Flight {
  readonly config: QueryConfig
  /** Opens the transaction in the same flush, before the prelude; decided when the flush is sent. */
  readonly begin?: (() => string | undefined) | undefined
  /** Decided when the flush is sent, where what to send depends on the transaction's state by then. */
  readonly prelude?: Prelude | (() => Prelude | undefined) | undefined
  /** Whether the prelude goes into a transaction that ran one before. */
  readonly reasserts?: (() => boolean) | undefined
  /** Whether an earlier prelude of the transaction set a timeout that is not this one's. */
  readonly restoresTimeout?: (() => boolean) | undefined
  /** Whether the transaction runs under a read-only prelude; asked where the prelude itself does not say. */
  readonly isReadOnly?: (() => boolean) | undefined
  /** Ends the transaction in the same flush. */
  readonly commit?: boolean | undefined
  /** Name on the server; undefined for an unnamed statement. */
  readonly statementName?: string | undefined
  /** Several statements instead of one; `config` is then the first one's, and the answer an array. */
  readonly batch?: readonly BatchedStatement[] | undefined
  /** DO and CALL, which may prepare and deallocate by name. */
  readonly runsCode?: boolean | undefined
  /** Calls something that is known to leave session state. */
  readonly leavesState?: boolean | undefined
  /** The statement itself ends the transaction. */
  readonly ends?: boolean | undefined
}

/** What a flush needs of the client that sends it. */
export interface FlightClient {
  readonly prepared: PreparedStatements
  /** Nothing is on its way. */
  readonly isIdle: boolean
  /** Behind a pooler: the session is whichever one is free. */
  readonly borrowed: BorrowedSession | undefined
  noteSent(): void
}

const EXECUTE_SYNC = Buffer.concat([EXECUTE, SYNC])
const DESCRIBE_EXECUTE_SYNC = Buffer.concat([DESCRIBE, EXECUTE, SYNC])
const DESCRIBE_EXECUTE = Buffer.concat([DESCRIBE, EXECUTE])
export const NO_VALUES: readonly WireValue[] = []

export class ScopedQuery extends WireQuery {
  readonly #flight: Flight
  readonly #prepared: PreparedStatements
  readonly #client: FlightClient
  readonly #writer: FlushWriter
  /** Statements of this flush whose completion is still to come before the user's own. */
  #ahead = 0
  #own: PreparedStatement | undefined
  #done = false
  /** Session state is undone between the user's statement and the end of its transaction. */
  #undoesAfter = false

  constructor(flight: Flight, client: FlightClient, callback: QueryCallback) {
    super(baseConfig(flight.config), undefined, callback)
    this.values = flight.config.values
    this.#flight = flight
    this.#client = client
    this.#prepared = client.prepared
    this.#writer = new FlushWriter(client.prepared)
  }

  override submit(connection: WireConnection): Error | null {
    // Before anything is written: half a flush would be completed by the next one, another tenant's.
    let bind: Buffer
    const name = this.#prepared.nameFor(this.#flight.statementName)
    try {
      bind = encodeOwnBind(this.#flight, name, Boolean(this.binary))
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
    const refusal = this.#client.borrowed?.refuse(this.text)
    if (refusal) return refusal
    const known = name === '' ? undefined : this.#prepared.find(name)
    if (known && known.text !== this.text) return usedForAnother(this.#flight.config.name)
    this.#writer.open(connection)
    this.#sendAhead()
    this.#sendOwn(name, bind, known)
    // Alone on its connection it need not wait for company.
    if (this.#client.isIdle) flushBatch(connection)
    this.#client.noteSent()
    return null
  }

  #sendAhead(): void {
    const { begin, prelude: given, reasserts, restoresTimeout, ends } = this.#flight
    const beginning = begin?.()
    const prelude = typeof given === 'function' ? given() : given
    if (beginning !== undefined) this.#writer.statement(beginning)
    if (prelude) {
      this.#writer.prelude(prelude, { reasserts: reasserts?.(), restoresTimeout: restoresTimeout?.() })
    }
    const undoes = this.#client.borrowed?.undoes(this.#flight, beginning !== undefined) === true
    if (undoes && ends) UNDO_SESSION_STATE.forEach((text) => this.#writer.statement(text))
    this.#undoesAfter = undoes && !ends
    this.#ahead = this.#writer.written
  }

  #sendOwn(name: string, bind: Buffer, known: PreparedStatement | undefined): void {
    const own = known ?? (name === '' ? undefined : this.#prepared.add(name, this.text))
    if (!known) this.#writer.parse(name, this.text)
    const binary = Boolean(this.binary)
    this.#writer.write(bind)
    // What Describe would answer is known from the last time: a statement's columns never change while it is prepared.
    const described = own?.fields !== undefined && !binary
    if (described && own.fields) super.handleRowDescription(own.fields)
    this.#own = binary ? undefined : own
    if (this.#flight.commit || this.#undoesAfter) this.#sendEnding(described)
    else this.#writer.write(described ? EXECUTE_SYNC : DESCRIBE_EXECUTE_SYNC)
  }

  #sendEnding(described: boolean): void {
    this.#writer.write(described ? EXECUTE : DESCRIBE_EXECUTE)
    if (this.#undoesAfter) UNDO_SESSION_STATE.forEach((text) => this.#writer.statement(text))
    if (this.#flight.commit) this.#writer.statement('commit')
    this.#writer.write(SYNC)
  }

  override handleRowDescription(message: RowDescription): void {
    if (this.#own) this.#own.fields = message
    super.handleRowDescription(message)
  }

  override handleDataRow(message: unknown): void {
    if (this.#ahead === 0 && !this.#done) super.handleDataRow(message)
  }

  override handleCommandComplete(message: unknown, connection: WireConnection): void {
    if (this.#ahead > 0) {
      this.#ahead--
    } else if (!this.#done) {
      this.#done = true
      if (this.#own?.fields === undefined && this.#own) this.#own.fields = null
      super.handleCommandComplete(message, connection)
    }
  }

  override handleError(error: Error, connection: WireConnection): void {
    this.#writer.forgetParsed()
    if (isFromServer(error)) onSync(connection, () => super.handleError(error, connection))
    else super.handleError(error, connection)
  }
}

/**
 * What pg's Query is made of: without the name, under which pg would keep a book of its own; the bare text where there
 * is nothing else to say, because pg copies objects.
 */
function baseConfig(config: QueryConfig): QueryConfig | string {
  const isPlain = !('rowMode' in config) && !('types' in config) && !('binary' in config)
  return isPlain ? config.text : { ...config, name: undefined }
}

function encodeOwnBind({ config }: Flight, name: string, binary: boolean): Buffer {
  return encodeBind(name, config.values ? config.values.map(toWireValue) : NO_VALUES, binary)
}

function usedForAnother(name: string | undefined): Error {
  return new Error(`The prepared statement ${String(name)} was used for another text before.`)
}

/** As pg sends it; what prepareValue gives is text, bytes or null. */
export function toWireValue(value: unknown): WireValue {
  const prepared = prepareValue(value)
  if (prepared === null || prepared === undefined) return null
  return typeof prepared === 'string' || Buffer.isBuffer(prepared) ? prepared : JSON.stringify(prepared)
}

/** Whether the server answered with this error and goes on to its ReadyForQuery. */
export function isFromServer(error: Error): boolean {
  return 'severity' in error && error.severity === 'ERROR'
}

/** Waits for the end of the failed flush: only then is the transaction's state known, and the client free. */
export function onSync(connection: WireConnection, report: () => void): void {
  const done = () => {
    connection.off('readyForQuery', done)
    connection.off('end', done)
    report()
  }
  connection.on('readyForQuery', done)
  connection.on('end', done)
}
