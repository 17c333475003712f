// Several statements of one tenant as one flush: one prelude, the statements, one Sync. They share one implicit
// transaction, so either all of them take effect or none.
import { FlushWriter } from './flush-writer.ts'
import { type QueryCallback, type QueryConfig, type RowDescription, type WireConnection, WireQuery } from './pg.ts'
import type { Prelude } from './prelude.ts'
import type { PreparedStatement, PreparedStatements } from './prepared-statements.ts'
import { type FlightClient, isFromServer, NO_VALUES, onSync, toWireValue } from './scoped-query.ts'
import { DESCRIBE, EXECUTE, encodeBind, SYNC } from './wire-messages.ts'
import { flushBatch } from './write-batch.ts'

/** One statement of a batch. */
export interface BatchedStatement {
  readonly config: QueryConfig
  /** Name on the server; undefined for an unnamed statement. */
  readonly statementName: string | undefined
  /** The statement before could have re-pointed role or context, so the prelude goes again before this one. */
  readonly reasserts: boolean
}

/** A statement under way: how many engine statements precede it, and what its columns are where that is known. */
interface Turn {
  readonly ahead: number
  readonly known: PreparedStatement | undefined
  readonly described: boolean
}

export class ScopedBatch extends WireQuery {
  readonly #statements: readonly BatchedStatement[]
  readonly #prelude: Prelude
  readonly #prepared: PreparedStatements
  readonly #client: FlightClient
  readonly #writer: FlushWriter
  #turns: Turn[] = []
  #turn = 0
  #ahead = 0
  #columnsGiven = false

  constructor(statements: readonly BatchedStatement[], prelude: Prelude, sending: BatchSending) {
    super('', undefined, sending.callback)
    this.#statements = statements
    this.#prelude = prelude
    this.#client = sending.client
    this.#prepared = sending.client.prepared
    this.#writer = new FlushWriter(sending.client.prepared)
  }

  override submit(connection: WireConnection): Error | null {
    // Before anything is written: half a flush would be completed by the next one, another tenant's.
    let binds: readonly Buffer[]
    try {
      binds = this.#statements.map((statement) => encodeStatementBind(statement, this.#nameOf(statement)))
      for (const statement of this.#statements) this.#refuseOtherText(statement)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
    this.#writer.open(connection)
    this.#writer.prelude(this.#prelude, {})
    this.#turns = this.#statements.map((statement, index) => this.#send(statement, binds[index]))
    this.#ahead = this.#turns[0]?.ahead ?? 0
    this.#writer.write(SYNC)
    if (this.#client.isIdle) flushBatch(connection)
    this.#client.noteSent()
    return null
  }

  #nameOf({ statementName }: BatchedStatement): string {
    return this.#prepared.nameFor(statementName)
  }

  #refuseOtherText(statement: BatchedStatement): void {
    const known = this.#prepared.find(this.#nameOf(statement))
    if (!known || known.text === statement.config.text) return
    throw new Error(`The prepared statement ${String(statement.config.name)} was used for another text before.`)
  }

  #send(statement: BatchedStatement, bind: Buffer | undefined): Turn {
    const { config, reasserts } = statement
    const name = this.#nameOf(statement)
    if (reasserts) this.#writer.prelude(this.#prelude, { reasserts: true })
    const ahead = this.#writer.written
    this.#writer.written = 0
    const found = name === '' ? undefined : this.#prepared.find(name)
    const known = found ?? (name === '' ? undefined : this.#prepared.add(name, config.text))
    if (!found) this.#writer.parse(name, config.text)
    if (bind) this.#writer.write(bind)
    const described = known?.fields !== undefined
    if (!described) this.#writer.write(DESCRIBE)
    this.#writer.write(EXECUTE)
    return { ahead, known, described }
  }

  override handleRowDescription(message: RowDescription): void {
    const known = this.#turns[this.#turn]?.known
    if (known) known.fields = message
    this.#columnsGiven = true
    super.handleRowDescription(message)
  }

  override handleDataRow(message: unknown): void {
    if (this.#ahead > 0) return
    this.#giveColumns()
    super.handleDataRow(message)
  }

  override handleCommandComplete(message: unknown, connection: WireConnection): void {
    if (this.#ahead > 0) {
      this.#ahead--
      return
    }
    this.#giveColumns()
    const { known } = this.#turns[this.#turn] ?? {}
    if (known?.fields === undefined && known) known.fields = null
    super.handleCommandComplete(message, connection)
    this.#turn++
    this.#ahead = this.#turns[this.#turn]?.ahead ?? 0
    this.#columnsGiven = false
  }

  /** Columns that are known from the last time are not asked for again; pg's parser still has to hear of them. */
  #giveColumns(): void {
    if (this.#columnsGiven) return
    this.#columnsGiven = true
    const { known, described } = this.#turns[this.#turn] ?? {}
    if (described && known?.fields) super.handleRowDescription(known.fields)
  }

  override handleError(error: Error, connection: WireConnection): void {
    this.#writer.forgetParsed()
    Object.assign(error, { batchIndex: Math.min(this.#turn, this.#statements.length - 1) })
    if (isFromServer(error)) onSync(connection, () => super.handleError(error, connection))
    else super.handleError(error, connection)
  }
}

export interface BatchSending {
  readonly client: FlightClient
  readonly callback: QueryCallback
}

function encodeStatementBind({ config }: BatchedStatement, name: string): Buffer {
  return encodeBind(name, config.values ? config.values.map(toWireValue) : NO_VALUES, false)
}
