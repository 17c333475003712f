// Cancels what a connection is doing, as PostgreSQL has it: by a connection of its own that carries the key of the other
// one. It is read before any encryption is spoken of, so it goes as it is; the key is worth nothing but this.
import { connect } from 'node:net'
import type { WireClient } from './pg.ts'

const CANCEL_REQUEST = 80_877_102
const PATIENCE_MS = 1_000

/** Resolves when the server has taken the request, or could not be reached: it is not an answer whether it did. */
export function cancelStatement({ connectionParameters, processID, secretKey }: WireClient): Promise<void> {
  if (processID === null || secretKey === null) return Promise.resolve()
  const host = String(connectionParameters['host'])
  const port = Number(connectionParameters['port'])
  return new Promise((resolve) => {
    const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    socket.setTimeout(PATIENCE_MS, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    // The server closes it when it has passed the request on.
    socket.on('close', () => resolve())
    socket.on('connect', () => socket.write(requestOf(processID, secretKey)))
    socket.resume()
  })
}

function requestOf(processId: number, secretKey: number): Buffer {
  const message = Buffer.alloc(16)
  for (const [at, value] of [16, CANCEL_REQUEST, processId, secretKey].entries()) message.writeInt32BE(value, at * 4)
  return message
}
