// A pooler as it must not be: all clients share one session, flush by flush, whether a transaction is open or not.
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import pg from 'pg'
import { wireOf } from '../../src/engine/sql/pg.ts'

export interface CarelessPooler {
  /** The same URL, through the pooler. */
  readonly url: string
  close(): Promise<void>
}

const SYNC = 0x53
const TERMINATE = 0x58
const READY = 0x5a
// AuthenticationOk, a key that belongs to nobody, ReadyForQuery.
const welcome = () =>
  Buffer.concat([
    Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]),
    Buffer.from([0x4b, 0, 0, 0, 12]),
    randomBytes(8),
    Buffer.from([READY, 0, 0, 0, 5, 0x49]),
  ])

interface Flush {
  readonly bytes: Buffer
  readonly client: net.Socket
}

export async function startCarelessPooler(url: string): Promise<CarelessPooler> {
  const session = new pg.Client({ connectionString: url })
  session.on('error', () => {})
  await session.connect()
  const backend = wireOf(session).connection.stream
  backend.removeAllListeners('data')
  const waiting: Flush[] = []
  let current: Flush | undefined
  const next = () => {
    current ??= waiting.shift()
    if (current) backend.write(current.bytes)
  }
  const answers = messageReader((type, bytes) => {
    current?.client.write(bytes)
    if (type !== READY) return
    current = undefined
    if (waiting.length > 0) next()
  })
  backend.on('data', answers)
  const clients = new Set<net.Socket>()
  const server = net.createServer((client) => {
    clients.add(client)
    client.on('error', () => {})
    client.once('data', () => {
      client.write(welcome())
      client.on(
        'data',
        flushReader(client, (flush) => {
          waiting.push(flush)
          if (!current) next()
        }),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? String(address.port) : ''
  return {
    url: Object.assign(new URL(url), { hostname: '127.0.0.1', port }).href,
    close: async () => {
      for (const client of clients) client.destroy()
      await new Promise((resolve) => server.close(resolve))
      backend.destroy()
    },
  }
}

/** Gathers what a client sends up to each Sync. */
function flushReader(client: net.Socket, onFlush: (flush: Flush) => void): (chunk: Buffer) => void {
  let gathered: Buffer[] = []
  return messageReader((type, bytes) => {
    if (type === TERMINATE) {
      client.end()
      return
    }
    gathered.push(bytes)
    if (type !== SYNC) return
    onFlush({ bytes: Buffer.concat(gathered), client })
    gathered = []
  })
}

/** Cuts a stream into protocol messages: a type, a length that counts itself, the rest. */
function messageReader(onMessage: (type: number, bytes: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
      const end = 1 + rest.readInt32BE(1)
      const message = rest.subarray(0, end)
      rest = rest.subarray(end)
      onMessage(message[0] ?? 0, message)
    }
  }
}
