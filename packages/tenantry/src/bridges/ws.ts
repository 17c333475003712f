// Tenancy for websockets of the `ws` package, under whatever serves HTTP: each upgrade is resolved and guarded before the
// handshake, and all that a socket emits is heard in its tenant. The types say only what is used of `ws`.
import * as guards from '../features/resolution/guard.ts'
import { type NodeMessage, NodeRequest } from '../features/resolution/node-request.ts'
import {
  type RequestTenancy,
  requestTenancies,
  type TenancyHost,
  type TenancyOptions,
} from '../features/resolution/request-tenancy.ts'
import type { Resolution } from '../features/resolution/resolution.ts'
import type { Permission } from '../tenants/access.ts'

/** A guard of `tenantSockets`, made by `requireTenant` and its like. */
export type SocketGuard = guards.Guard

export interface TenantSocketsOptions extends TenancyOptions {
  /** What an upgrade has to pass; default `[requireTenant()]`. */
  readonly guards?: readonly SocketGuard[]
}

/** What is used of Node's request. */
interface UpgradeRequest extends NodeMessage {
  readonly url?: string | undefined
  /** What became of the request's tenant, for listeners of `connection`. */
  tenancy?: Resolution
}

/** What is used of the TCP socket under an upgrade. */
interface UpgradeSocket {
  on(event: 'error', listener: () => void): unknown
  off(event: 'error', listener: () => void): unknown
  end(text: string): unknown
  destroy(): unknown
}

/** What is used of a WebSocket. */
interface Socket {
  emit(event: string | symbol, ...values: unknown[]): boolean
  once(event: 'close', listener: () => void): unknown
}

/** What is used of a WebSocketServer: that it can be told to take an upgrade over. */
export interface SocketServer {
  readonly handleUpgrade: object
}

type Upgrade = readonly [
  request: UpgradeRequest,
  socket: UpgradeSocket,
  head: unknown,
  opened: (socket: Socket, request: UpgradeRequest) => void,
]
type HandleUpgrade = (...upgrade: Upgrade) => void

/**
 * Gives every socket that this server opens from now on its tenant, and returns the server. An upgrade that a guard refuses is
 * answered with the status and the problem, without a handshake; listeners of `connection`, `message` and all others run in
 * the tenant. A tenant that is suspended meanwhile is noticed by the next statement.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { tenantSockets } from 'tenantry/ws'
 * import { WebSocketServer } from 'ws'
 *
 * const sockets = tenantSockets(new WebSocketServer({ server: createServer() }), tenantry)
 * sockets.on('connection', (socket) => {
 *   socket.on('message', async (text) => {
 *     await tenantry.pool.query('insert into messages (text) values ($1)', [String(text)])
 *   })
 * })
 * ```
 */
export function tenantSockets<S extends SocketServer>(
  server: S,
  tenantry: TenancyHost,
  options: TenantSocketsOptions = {},
): S {
  const open = requestTenancies(tenantry, options)
  const asked = options.guards ?? [requireTenant()]
  // `ws` calls it for upgrades of its own server, too.
  const handleUpgrade = (server.handleUpgrade as HandleUpgrade).bind(server)
  const guarded: HandleUpgrade = (...[request, socket, head, opened]) => {
    const enter = (tenancy: RequestTenancy) => {
      socket.off('error', destroy)
      const answer = refusalOf(asked, tenancy)
      if (answer !== undefined) return refuse(socket, answer)
      request.tenancy = tenancy.resolution
      tenancy.run(() =>
        handleUpgrade(request, socket, head, (made) => {
          hearInside(made, tenancy)
          opened(made, request)
        }),
      )
    }
    const destroy = () => socket.destroy()
    // Node leaves a socket that is upgraded without anybody who hears of its errors.
    socket.on('error', destroy)
    const tenancy = open(new NodeRequest(request, request.url ?? '/'))
    if ('then' in tenancy) void tenancy.then(enter)
    else enter(tenancy)
  }
  return Object.assign(server, { handleUpgrade: guarded })
}

/**
 * Lets upgrades on that are bound to a tenant; the others get 404, 403, 409, 401 or 503 as problem details.
 *
 * @example
 * ```ts
 * import { requireMember, requireTenant, tenantSockets } from 'tenantry/ws'
 * import { WebSocketServer } from 'ws'
 *
 * const server = new WebSocketServer({ noServer: true })
 * tenantSockets(server, tenantry, { guards: [requireTenant(), requireMember()] })
 * ```
 */
export const requireTenant = (): SocketGuard => guards.tenantGuard()

/** Lets members of the tenant on; others get 403. */
export const requireMember = (): SocketGuard => guards.memberGuard()

/** Lets members on whose role is one of these; others get 403. */
export const requireRole = (...roles: readonly string[]): SocketGuard => guards.roleGuard(roles)

/** Lets members and keys on that have all of these permissions; others get 403. */
export const requirePermission = (...permissions: readonly Permission[]): SocketGuard =>
  guards.permissionGuard(permissions)

function refusalOf(asked: readonly SocketGuard[], tenancy: RequestTenancy): guards.GuardAnswer | undefined {
  for (const guard of asked) {
    const answer = guard(tenancy)
    if (answer !== undefined) return answer
  }
  return undefined
}

function refuse(socket: UpgradeSocket, { status, headers, body }: guards.GuardAnswer): void {
  const lines = [
    `HTTP/1.1 ${status} Refused`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  socket.on('error', () => socket.destroy())
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

/** A socket's events come from the connection, which knows no tenant: every listener is called from inside of it. */
function hearInside(socket: Socket, tenancy: RequestTenancy): void {
  const emit = socket.emit.bind(socket)
  socket.emit = (event, ...values) => tenancy.run(() => emit(event, ...values))
  if (tenancy.isBound) socket.once('close', () => tenancy.end())
}
