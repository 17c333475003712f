// Gathers everything that is sent on a connection in one turn of the event loop into one write: a system call costs
// more than the statement it carries.
import type { WireConnection } from './pg.ts'

const batches = new WeakMap<WireConnection, Buffer[]>()

/** Queues bytes for the connection; they leave, in order, before the event loop goes on, or with flushBatch. */
export function writeBatched(connection: WireConnection, bytes: Buffer): void {
  let batch = batches.get(connection)
  if (!batch) {
    batch = []
    batches.set(connection, batch)
  }
  if (batch.length === 0) process.nextTick(flush, connection, batch)
  batch.push(bytes)
}

/** Sends what is queued at once: right where nothing else is on its way that it could travel with. */
export function flushBatch(connection: WireConnection): void {
  const batch = batches.get(connection)
  if (batch) flush(connection, batch)
}

function flush(connection: WireConnection, batch: Buffer[]): void {
  const { stream } = connection
  const [first] = batch
  if (first && stream.writable) stream.write(batch.length === 1 ? first : Buffer.concat(batch))
  batch.length = 0
}
