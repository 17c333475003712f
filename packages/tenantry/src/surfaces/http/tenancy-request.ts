// The request that a handler answers, as resolvers see it: Node's own message where a server passes it, else the Request.
import type { Context } from 'hono'
import { type NodeMessage, NodeRequest } from '../../features/resolution/node-request.ts'
import type { TenancyRequest } from '../../features/resolution/resolution.ts'
import type { Env } from './app.ts'

export function tenancyRequestOf(c: Context<Env>): TenancyRequest {
  const message = messageOf(c.env)
  const { raw } = c.req
  return message === undefined ? webRequest(raw) : new NodeRequest(message, message.url ?? '/', raw)
}

/** A Request has one host, the one of its URL, and tells of no peer. */
function webRequest(raw: Request): TenancyRequest {
  const { host, pathname, search } = new URL(raw.url)
  return {
    ...{ method: raw.method, target: `${pathname}${search}`, hasTwoHosts: false, remoteAddress: undefined, raw },
    header: (name) => raw.headers.get(name) ?? (name === 'host' ? host : undefined),
  }
}

interface Message extends NodeMessage {
  readonly url?: string
}

/** The bindings of Hono's server for Node. */
function messageOf(bindings: unknown): Message | undefined {
  if (typeof bindings !== 'object' || bindings === null || !('incoming' in bindings)) return undefined
  const { incoming } = bindings
  // Whatever passes a message under this name passes one of Node's.
  return typeof incoming === 'object' && incoming !== null && 'rawHeaders' in incoming
    ? (incoming as Message)
    : undefined
}
