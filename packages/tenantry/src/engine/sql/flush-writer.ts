// Writes the engine's own statements of one flush: what goes ahead of, between or after the user's. It counts those whose
// completion is still to come, and remembers what the flush parses, for when it fails.
import type { WireConnection } from './pg.ts'
import type { Prelude } from './prelude.ts'
import type { PreparedStatements } from './prepared-statements.ts'
import { EXECUTE, encodeBind, encodeClose, encodeParse, type WireValue } from './wire-messages.ts'
import { writeBatched } from './write-batch.ts'

/** What must happen to role and timeout before a prelude, where the transaction ran one before. */
export interface PreludeSetting {
  /** Inside a transaction the role is `app` by now, which on a hardened server may not call set_config. */
  readonly reasserts?: boolean | undefined
  /** An earlier prelude of the transaction set a timeout that is not this one's. */
  readonly restoresTimeout?: boolean | undefined
}

const NO_VALUES: readonly WireValue[] = []

export class FlushWriter {
  readonly #prepared: PreparedStatements
  #connection: WireConnection | undefined
  #parsed: string[] | undefined
  /** Engine statements written so far. */
  written = 0
  /** Parse messages written so far. */
  parses = 0

  constructor(prepared: PreparedStatements) {
    this.#prepared = prepared
  }

  /** Starts the flush; statements that are due go first. */
  open(connection: WireConnection): void {
    this.#connection = connection
    for (const due of this.#prepared.takeClosing()) this.write(encodeClose(due))
  }

  write(bytes: Buffer): void {
    if (this.#connection) writeBatched(this.#connection, bytes)
  }

  prelude(prelude: Prelude, { reasserts, restoresTimeout }: PreludeSetting): void {
    if (reasserts) this.statement('set local role none')
    if (restoresTimeout) this.statement('set local statement_timeout to default')
    this.written++
    const name = this.#prepared.nameFor(prelude.name)
    if (name === '') {
      this.parses++
      this.write(prelude.unnamed)
      return
    }
    this.#parseOnce(name, prelude.text)
    this.write(prelude.message)
  }

  /** A statement without parameters, named by its own text. */
  statement(text: string): void {
    const name = this.#prepared.nameFor(text)
    if (name === '') this.parse('', text)
    else this.#parseOnce(name, text)
    this.write(encodeBind(name, NO_VALUES, false))
    this.write(EXECUTE)
    this.written++
  }

  #parseOnce(name: string, text: string): void {
    if (this.#prepared.find(name)) return
    this.#prepared.add(name, text)
    this.parse(name, text)
  }

  parse(name: string, text: string): void {
    this.write(encodeParse(name, text))
    this.parses++
    if (name === '') return
    this.#parsed ??= []
    this.#parsed.push(name)
  }

  /** Whether the failed flush still parsed its statements cannot be told, so none of them counts as parsed. */
  forgetParsed(): void {
    for (const name of this.#parsed ?? []) this.#prepared.forget(name)
  }
}
