// A request of Node's HTTP server as resolvers see it: from what came over the wire, not from what a framework makes of it.
import type { TenancyRequest } from './resolution.ts'

/** What is read of node:http's IncomingMessage, and of http2's compatible one. */
export interface NodeMessage {
  readonly method?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[]
  readonly socket: { readonly remoteAddress?: string | undefined } | null
}

export class NodeRequest implements TenancyRequest {
  readonly #message: NodeMessage
  readonly target: string
  readonly raw: unknown

  /** The target is the one that was received: frameworks cut what they mount at from the message's own `url`. */
  constructor(message: NodeMessage, target: string, raw: unknown = message) {
    this.#message = message
    this.target = target
    this.raw = raw
  }

  get method(): string {
    return this.#message.method ?? 'GET'
  }

  get hasTwoHosts(): boolean {
    const { rawHeaders } = this.#message
    let hosts = 0
    // Node drops the second of two Host headers; HTTP/2 has a pseudo-header beside it.
    for (let at = 0; at < rawHeaders.length; at += 2) if (isHost(rawHeaders[at] ?? '')) hosts += 1
    return hosts > 1
  }

  /** The peer's own address, whatever a framework believes of X-Forwarded-For. */
  get remoteAddress(): string | undefined {
    return this.#message.socket?.remoteAddress
  }

  header(name: string): string | undefined {
    const { headers } = this.#message
    const value = headers[name] ?? (name === 'host' ? headers[':authority'] : undefined)
    return typeof value === 'string' || value === undefined ? value : value.join(', ')
  }
}

const isHost = (name: string) => (name.length === HOST.length ? name.toLowerCase() === HOST : name === ':authority')
const HOST = 'host'
