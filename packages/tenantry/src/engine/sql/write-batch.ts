// Gathers everything that is sent on a connection in one turn of the event loop into one write: a system call costs
// more than the statement it carries.
import type { WireConnection } from './pg.ts'

interface Batch {
  readonly waiting: Buffer[]
  gathers: boolean
}

const batches = new WeakMap<WireConnection, Batch>()

function batchOf(connection: WireConnection): Batch {
  let batch = batches.get(connection)
  if (!batch) {
    batch = { waiting: [], gathers: false }
    batches.set(connection, batch)
  }
  return batch
}

/**
 * Whether the connection waits for what other sockets bring in the same turn before it sends: worth it where the server
 * has something to do meanwhile. Requests come one a callback, each of which would end in a system call of its own.
 */
export function gatherWrites(connection: WireConnection, gathers: boolean): void {
  batchOf(connection).gathers = gathers
}

/** Queues bytes for the connection; they leave, in order, before the event loop goes on, or with flushBatch. */
export function writeBatched(connection: WireConnection, bytes: Buffer): void {
  const batch = batchOf(connection)
  if (batch.waiting.length === 0) {
    if (batch.gathers) setImmediate(flush, connection, batch.waiting)
    else process.nextTick(flush, connection, batch.waiting)
  }
  batch.waiting.push(bytes)
}

/** Sends what is queued at once: right where nothing else is on its way that it could travel with. */
export function flushBatch(connection: WireConnection): void {
  const batch = batches.get(connection)
  if (batch) flush(connection, batch.waiting)
}

function flush(connection: WireConnection, waiting: Buffer[]): void {
  const { stream } = connection
  const [first] = waiting
  if (first && stream.writable) stream.write(waiting.length === 1 ? first : Buffer.concat(waiting))
  waiting.length = 0
}
