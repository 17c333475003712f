// Serves the control plane on a port and stops without dropping what it is answering.
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { TenantryError } from '../../kernel/errors.ts'
import type { ControlPlane, HandlerOptions } from './control-plane.ts'
import { createApp } from './app.ts'
import { type Connections, watchConnections } from './connections.ts'

export interface ServeOptions extends Omit<HandlerOptions, 'isDraining'> {
  /** 0 takes any free port. */
  readonly port: number
  /** Default 127.0.0.1: to be reached from other machines is a decision. */
  readonly hostname?: string
}

export interface DrainOptions {
  /** How long requests under way may still take; default 30 s. After it their connections are cut. */
  readonly deadlineMs?: number
  /** How long connections are still taken while /ready already answers 503, for load balancers to notice; default 0. */
  readonly graceMs?: number
}

export interface HttpServer {
  readonly url: string
  readonly port: number
  /** Stops taking connections, lets requests under way finish, and resolves once all are gone. Repeatable. */
  readonly drain: (options?: DrainOptions) => Promise<void>
  /** Cuts every connection at once. */
  readonly force: () => void
}

/**
 * Starts the control plane's HTTP server; CONFIGURATION_INVALID where the port cannot be had.
 *
 * @example
 * ```ts
 * import { drainOnSignals, serve } from 'tenantry/http'
 *
 * const server = await serve(tenantry, { port: 3000 })
 * await drainOnSignals(server, process)
 * ```
 */
export async function serve(controlPlane: ControlPlane, options: ServeOptions): Promise<HttpServer> {
  const { port, hostname = '127.0.0.1', ...handlerOptions } = options
  let draining: Promise<void> | undefined
  const app = createApp(controlPlane, { ...handlerOptions, isDraining: () => draining !== undefined })
  // Without serverOptions of its own kind the adapter makes a plain HTTP/1 server.
  const server = createAdaptorServer({
    // With the message itself: a Request no longer tells of a second Host header, nor who connected.
    fetch: (request, bindings) => app.fetch(request, bindings),
    serverOptions: { requestTimeout: 30_000, headersTimeout: 10_000 },
  }) as Server
  const connections = watchConnections(server)
  const address = await listen(server, port, hostname)
  return {
    url: `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${address.port}`,
    port: address.port,
    drain: (drainOptions = {}) => (draining ??= drainServer(server, connections, drainOptions)),
    force: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** What can be told to stop: `process`, or an emitter of its own. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
}

/** Drains at the first SIGINT or SIGTERM and forces at the second; resolves when the server has stopped. */
export function drainOnSignals(server: HttpServer, source: SignalSource, options: DrainOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    let signals = 0
    const onSignal = () => {
      signals += 1
      if (signals > 1) server.force()
      else server.drain(options).finally(forget).then(resolve, reject)
    }
    const forget = () => {
      source.off('SIGINT', onSignal)
      source.off('SIGTERM', onSignal)
    }
    source.on('SIGINT', onSignal)
    source.on('SIGTERM', onSignal)
  })
}

async function drainServer(server: Server, connections: Connections, options: DrainOptions): Promise<void> {
  const { deadlineMs = 30_000, graceMs = 0 } = options
  const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs + graceMs)
  try {
    if (graceMs > 0 && server.listening) await graceOrClosed(server, graceMs)
    await new Promise<void>((resolve) => {
      // close() fails only where the server is closed already.
      server.close(() => resolve())
      connections.windDown()
    })
  } finally {
    clearTimeout(deadline)
  }
}

function graceOrClosed(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, graceMs)
    server.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

function listen(server: Server, port: number, hostname: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new TenantryError('CONFIGURATION_INVALID', `Port ${port} cannot be listened on.`, { cause, field: 'PORT' }),
      )
    })
    // On TCP, which is what a port is, the address is an object.
    server.listen(port, hostname, () => resolve(server.address() as AddressInfo))
  })
}
