// A query object that sends itself (a cursor, a query stream, a COPY stream) behind the prelude. The prelude goes out
// first and is answered before the object gets the connection; without a Sync between, both share one transaction.
// The object's text is parsed along with the prelude: such objects may use the simple protocol, which would run several
// statements, and the extended one, which this is, refuses more than one.
import { FlushWriter, type PreludeSetting } from './flush-writer.ts'
import type { Submittable, WireConnection, WireSubmittable } from './pg.ts'
import { explainReadOnly } from './database-errors.ts'
import type { Prelude } from './prelude.ts'
import type { ScopedClient } from './scoped-client.ts'
import { textOfSubmittable } from './query-arguments.ts'
import { isFromServer, onSync } from './scoped-query.ts'
import { FLUSH, SYNC } from './wire-messages.ts'
import { flushBatch, writeBatched } from './write-batch.ts'

export interface Submission extends PreludeSetting {
  readonly query: Submittable
  readonly prelude: Prelude | undefined
  readonly isReadOnly: boolean
  /** Called when the server is done with it, with what went wrong; before that the client is not free. */
  readonly settled: (error?: Error) => void
  /** Keeps the good end from the object: the caller tells it, when what belongs to it has been done too. */
  readonly holdsEnd?: boolean
}

export class SubmittedQuery implements WireSubmittable {
  readonly #submission: Submission
  readonly #client: ScopedClient
  #handedOver = false
  #failed = false

  constructor(submission: Submission, client: ScopedClient) {
    this.#submission = submission
    this.#client = client
  }

  submit(connection: WireConnection): null {
    const { query, prelude, reasserts, restoresTimeout } = this.#submission
    const writer = new FlushWriter(this.#client.prepared)
    writer.open(connection)
    if (prelude) writer.prelude(prelude, { reasserts, restoresTimeout })
    writer.parse('', textOfSubmittable(query))
    writer.write(FLUSH)
    this.#handOverAfter(writer.parses, connection)
    flushBatch(connection)
    this.#client.noteSent()
    return null
  }

  /** The server answers in order, so the last of our Parse messages is answered when all before it has been. */
  #handOverAfter(parses: number, connection: WireConnection): void {
    let left = parses
    const parsed = () => {
      if (--left > 0) return
      connection.off('parseComplete', parsed)
      // Not from within the driver's reading: a COPY stream takes the socket over.
      setImmediate(() => this.#handOver(connection))
    }
    connection.on('parseComplete', parsed)
    onSync(connection, () => connection.off('parseComplete', parsed))
  }

  #handOver(connection: WireConnection): void {
    if (this.#failed) return
    this.#handedOver = true
    try {
      const error = this.#submission.query.submit(connection)
      if (error instanceof Error) this.#abandon(error, connection)
    } catch (error) {
      this.#abandon(error instanceof Error ? error : new Error(String(error)), connection)
    }
  }

  /** The object could not send itself: nothing else would end the transaction. */
  #abandon(error: Error, connection: WireConnection): void {
    this.#handedOver = false
    this.handleError(error, connection)
  }

  handleRowDescription(message: unknown): void {
    if (this.#handedOver) this.#submission.query.handleRowDescription?.(message)
  }

  handleDataRow(message: unknown): void {
    if (this.#handedOver) this.#submission.query.handleDataRow?.(message)
  }

  handlePortalSuspended(connection: WireConnection): void {
    this.#submission.query.handlePortalSuspended?.(connection)
  }

  handleCommandComplete(message: unknown, connection: WireConnection): void {
    if (this.#handedOver) this.#submission.query.handleCommandComplete?.(message, connection)
  }

  handleEmptyQuery(connection: WireConnection): void {
    this.#submission.query.handleEmptyQuery?.(connection)
  }

  handleCopyInResponse(connection: WireConnection): void {
    this.#submission.query.handleCopyInResponse?.(connection)
  }

  handleCopyData(message: unknown, connection: WireConnection): void {
    this.#submission.query.handleCopyData?.(message, connection)
  }

  handleReadyForQuery(connection: WireConnection): void {
    if (!this.#submission.holdsEnd) this.#submission.query.handleReadyForQuery?.(connection)
    this.#submission.settled()
  }

  handleError(raised: Error, connection: WireConnection): void {
    if (this.#failed) return
    this.#failed = true
    const fromServer = isFromServer(raised)
    const error = this.#submission.isReadOnly ? explainReadOnly(raised) : raised
    // A connection that is gone answers nothing any more.
    if (fromServer) onSync(connection, () => this.#submission.settled(error))
    else this.#submission.settled(error)
    this.#submission.query.handleError(error, connection)
    // Behind a failed prelude the server waits for the Sync that the object would have sent.
    if (this.#handedOver) return
    writeBatched(connection, SYNC)
    flushBatch(connection)
  }
}
