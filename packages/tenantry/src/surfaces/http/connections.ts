// Knows which connections of a server have a request under way. Node's own closeIdleConnections() leaves open those
// that never sent one, and each would hold a stopping server until its timeout.
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface Connections {
  /** Ends idle connections now, and each other one with its answer. */
  windDown(): void
}

/** Watches a server's connections from before it listens. */
export function watchConnections(server: Server): Connections {
  const underWay = new Map<Socket, number>()
  let isWindingDown = false
  server.on('connection', (socket: Socket) => {
    underWay.set(socket, 0)
    socket.once('close', () => underWay.delete(socket))
  })
  // Before the handler's listener, which may have written the head by the time a later one runs.
  server.prependListener('request', ({ socket }, response) => {
    underWay.set(socket, (underWay.get(socket) ?? 0) + 1)
    if (isWindingDown) response.setHeader('connection', 'close')
    response.once('close', () => {
      const left = (underWay.get(socket) ?? 1) - 1
      underWay.set(socket, left)
      if (isWindingDown && left === 0) socket.destroySoon()
    })
  })
  return {
    windDown() {
      isWindingDown = true
      for (const [socket, requests] of underWay) if (requests === 0) socket.destroySoon()
    },
  }
}
