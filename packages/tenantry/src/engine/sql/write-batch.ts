// Gathers everything that is sent on a connection in one turn of the event loop into one write: a system call costs
// more than the statement it carries.
import type { WireConnection } from './pg.ts'

interface Batch {
  readonly waiting: Buffer[]
  /** Statements that may wait for others, of those that are queued. */
  patient: number
}

// So many in one callback are company enough: they leave with it.
const COMPANY = 3

const batches = new WeakMap<WireConnection, Batch>()

function batchOf(connection: WireConnection): Batch {
  let batch = batches.get(connection)
  if (!batch) {
    batch = { waiting: [], patient: 0 }
    batches.set(connection, batch)
  }
  return batch
}

/**
 * The statement that is queued next may wait for what other sockets bring in the same turn: worth it where the server has
 * something to do meanwhile. Requests come one a callback, each of which would end in a system call of its own.
 */
export function mayWait(connection: WireConnection): void {
  batchOf(connection).patient += 1
}

/** Queues bytes for the connection; they leave, in order, before the event loop goes on, or with flushBatch. */
export function writeBatched(connection: WireConnection, bytes: Buffer): void {
  const batch = batchOf(connection)
  if (batch.waiting.length === 0) process.nextTick(leave, connection, batch)
  batch.waiting.push(bytes)
}

/** Sends what is queued at once: right where nothing else is on its way that it could travel with. */
export function flushBatch(connection: WireConnection): void {
  const batch = batches.get(connection)
  if (batch) flush(connection, batch)
}

function leave(connection: WireConnection, batch: Batch): void {
  if (batch.patient > 0 && batch.patient < COMPANY) setImmediate(flush, connection, batch)
  else flush(connection, batch)
}

function flush(connection: WireConnection, batch: Batch): void {
  const { waiting } = batch
  const [first] = waiting
  if (first && connection.stream.writable) {
    connection.stream.write(waiting.length === 1 ? first : Buffer.concat(waiting))
  }
  waiting.length = 0
  batch.patient = 0
}
