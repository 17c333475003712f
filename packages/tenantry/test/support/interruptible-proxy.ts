// A TCP proxy before PostgreSQL that a test can cut: the database goes away for one client of the shared cluster only.
import { once } from 'node:events'
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net'

export interface InterruptibleProxy {
  readonly url: string
  /** Cuts every connection and refuses new ones, as a server does that goes away. */
  cut(): Promise<void>
  mend(): Promise<void>
  close(): Promise<void>
}

/** A way to the PostgreSQL of a URL, on a URL of its own. */
export async function startProxy(target: string): Promise<InterruptibleProxy> {
  const upstream = new URL(target)
  const sockets = new Set<Socket>()
  const listen = async (port: number): Promise<Server> => {
    const listener = createServer((socket) => {
      const other = connectTcp(Number(upstream.port), upstream.hostname)
      for (const [end, peer] of [
        [socket, other],
        [other, socket],
      ] as const) {
        sockets.add(end)
        end.on('error', () => end.destroy())
        end.on('close', () => {
          sockets.delete(end)
          // A pipe passes on the end of a stream, but not its loss.
          peer.destroySoon()
        })
      }
      socket.pipe(other).pipe(socket)
    })
    listener.listen(port, '127.0.0.1')
    await once(listener, 'listening')
    return listener
  }
  let listener = await listen(0)
  const { port } = listener.address() as { readonly port: number }
  const close = async () => {
    const closed = once(listener, 'close')
    listener.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return {
    url: url.href,
    cut: close,
    mend: async () => {
      listener = await listen(port)
    },
    close,
  }
}
