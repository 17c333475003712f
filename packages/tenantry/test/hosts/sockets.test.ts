// Websockets of each host with its real package: resolved and guarded before the handshake, heard in their tenant.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import fastifyWebsocket from '@fastify/websocket'
import { serve, upgradeWebSocket } from '@hono/node-server'
import { Logger, Module, type Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { WsAdapter } from '@nestjs/platform-ws'
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { requireRole, tenantSockets } from '../../src/bridges/ws.ts'
import { isTenantryError } from '../../src/kernel/errors.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { listen } from '../support/listen.ts'

let database: TestDatabase
let tenantry: Tenantry
let tenants: readonly Tenant[]

beforeAll(async () => {
  database = await createTestDatabase()
  tenantry = createTenantry({
    adminUrl: database.adminUrl,
    migrations: '/nonexistent',
    resolution: {
      subdomainPattern: '{tenant}.sockets.test',
      user: (request) => ({ userId: request.header('x-user') ?? 'nobody' }),
      membership: {
        peek: () => undefined,
        lookup: async (tenantId, userId) => {
          const place = { rank: 40, permissions: [], source: 'member', readOnly: false, expiresAt: null } as const
          return userId === 'nobody' ? null : { ...place, tenantId, userId, role: userId }
        },
      },
    },
  })
  tenants = await Promise.all(
    ['one', 'two', 'three'].map((slug) => tenantry.tenants.create({ name: slug, slug: `socket-${slug}` })),
  )
})

afterAll(async () => {
  await tenantry.close()
  await database.drop()
})

/** What every host answers to a message: the tenant before and after a statement, and the one the database saw. */
async function answerTo(message: string): Promise<string> {
  const before = tenantry.current()?.tenantId
  const read = async () => {
    const { rows } = await tenantry.pool.query<{ id: string }>('select tenantry.current_tenant_id() as id')
    return rows[0]?.id
  }
  const seen = await read().catch((error: unknown) => (isTenantryError(error) ? error.code : 'another error'))
  return JSON.stringify({ event: 'answer', data: { message, before, seen, after: tenantry.current()?.tenantId } })
}

interface Served {
  readonly port: number
  close(): Promise<void>
}

interface Parsed {
  readonly data: string
}

const messageOf = (data: unknown) => (JSON.parse(String(data)) as Parsed).data

function answerAll(server: WebSocketServer): void {
  server.on('connection', (socket) => {
    socket.on('message', (data) => void answerTo(messageOf(data)).then((answer) => socket.send(answer)))
  })
}

/** A server of Node's with the sockets on it: Express and Koa have no part in upgrades. */
function onNode(server: Server, guards = {}): Promise<Served> {
  answerAll(tenantSockets(new WebSocketServer({ server }), tenantry, guards))
  return listen(server)
}

async function onFastify(): Promise<Served> {
  const app = Fastify({ forceCloseConnections: true })
  await app.register(fastifyWebsocket)
  tenantSockets(app.websocketServer, tenantry)
  app.get('/', { websocket: true }, (socket) => {
    socket.on('message', (data) => void answerTo(messageOf(data)).then((answer) => socket.send(answer)))
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { port: Number(new URL(url).port), close: () => app.close() }
}

async function onHono(): Promise<Served> {
  const app = new Hono()
  const sockets = tenantSockets(new WebSocketServer({ noServer: true }), tenantry)
  app.get(
    '/',
    upgradeWebSocket(() => ({
      onMessage: ({ data }: { readonly data: unknown }, socket) =>
        void answerTo(messageOf(data)).then((answer) => socket.send(answer)),
    })),
  )
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', websocket: { server: sockets } }) as Server
  await once(server, 'listening')
  const address = server.address()
  const close = async () => {
    server.close()
    server.closeAllConnections()
  }
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, close }
}

class Gateway {
  async answer(message: string): Promise<unknown> {
    return JSON.parse(await answerTo(message))
  }
}
WebSocketGateway()(Gateway)
SubscribeMessage('ask')(
  Gateway.prototype,
  'answer',
  Object.getOwnPropertyDescriptor(Gateway.prototype, 'answer') as TypedPropertyDescriptor<Gateway['answer']>,
)
MessageBody()(Gateway.prototype, 'answer', 0)

/** The adapter of Nest with its sockets in their tenants. */
class TenantWsAdapter extends WsAdapter {
  override create(...given: Parameters<WsAdapter['create']>): WebSocketServer {
    return tenantSockets(super.create(...given) as WebSocketServer, tenantry)
  }
}

async function onNest(): Promise<Served> {
  const App = function Empty() {} as unknown as Type
  Module({ providers: [Gateway] })(App)
  Logger.overrideLogger(false)
  const app = await NestFactory.create(App)
  app.useWebSocketAdapter(new TenantWsAdapter(app))
  await app.listen(0, '127.0.0.1')
  return { port: Number(new URL(await app.getUrl()).port), close: () => app.close() }
}

const hosts: readonly (readonly [string, () => Promise<Served>])[] = [
  ['Node.js alone', () => onNode(createServer())],
  ['Express', () => onNode(createServer(express()))],
  ['Koa', () => onNode(createServer((request, response) => void new Koa().callback()(request, response)))],
  ['Fastify', onFastify],
  ['Hono', onHono],
  ['NestJS', onNest],
]

const headersOf = (slug: string, user = 'member') => ({ 'x-user': user, 'x-tenant-slug': slug })

async function connect(port: number, slug: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: headersOf(slug) })
  await once(socket, 'open')
  return socket
}

async function ask(socket: WebSocket, message: string): Promise<Record<string, unknown>> {
  const answered = once(socket, 'message')
  socket.send(JSON.stringify({ event: 'ask', data: message }))
  const [data] = (await answered) as [Buffer]
  return (JSON.parse(data.toString()) as { readonly data: Record<string, unknown> }).data
}

/** The answer to an upgrade that was refused. */
async function refusal(port: number, headers: Record<string, string>) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers })
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  const body = await text(response)
  return { status: response.statusCode, type: response.headers['content-type'], code: codeOf(body), body }
}

const codeOf = (body: string) => (JSON.parse(body) as { readonly code: string }).code

describe.each(hosts)('websockets on %s', (_name, open) => {
  let served: Served
  beforeAll(async () => {
    served = await open()
  })
  afterAll(() => served.close())

  test('are heard in their tenant, however many speak at once', async () => {
    const lanes = await Promise.all(
      Array.from({ length: 9 }, async (_, lane) => {
        const tenant = tenants[lane % tenants.length] as Tenant
        return { tenant, socket: await connect(served.port, tenant.slug) }
      }),
    )
    await Promise.all(
      lanes.map(async ({ tenant: { id }, socket }) => {
        for (let at = 0; at < 20; at++) {
          expect(await ask(socket, `${at}`)).toEqual({ message: `${at}`, before: id, seen: id, after: id })
        }
        socket.terminate()
      }),
    )
    expect(tenantry.current()).toBeUndefined()
  })

  test('fail at the next statement once their tenant is suspended, and others go on', async () => {
    const [first, second] = tenants as readonly [Tenant, Tenant]
    const [socket, other] = [await connect(served.port, first.slug), await connect(served.port, second.slug)]
    expect(await ask(socket, 'before')).toMatchObject({ seen: first.id })
    await tenantry.tenants.suspend(first.slug)
    expect(await ask(socket, 'after')).toMatchObject({ seen: 'TENANT_SUSPENDED' })
    expect(await ask(other, 'after')).toMatchObject({ seen: second.id })
    await tenantry.tenants.activate(first.slug)
    expect(await ask(socket, 'again')).toMatchObject({ seen: first.id })
    socket.terminate()
    other.terminate()
  })

  test('are refused by status and problem, without a handshake', async () => {
    const [first, second, third] = tenants as readonly [Tenant, Tenant, Tenant]
    const problem = (status: number, code: string) => ({ status, code, type: 'application/problem+json' })
    expect(await refusal(served.port, {})).toMatchObject(problem(404, 'TENANT_NOT_RESOLVED'))
    expect(await refusal(served.port, headersOf('nobody-here'))).toMatchObject(problem(404, 'TENANT_NOT_FOUND'))
    const stranger = await refusal(served.port, headersOf(first.slug, 'nobody'))
    expect(stranger).toMatchObject(problem(403, 'NOT_A_MEMBER'))
    expect(stranger.body).not.toContain(first.slug)
    const two = { ...headersOf(first.slug), host: `${second.slug}.sockets.test` }
    expect(await refusal(served.port, two)).toMatchObject(problem(409, 'TENANT_CONFLICT'))
    await tenantry.tenants.suspend(third.slug)
    expect(await refusal(served.port, headersOf(third.slug))).toMatchObject(problem(403, 'TENANT_SUSPENDED'))
    await tenantry.tenants.activate(third.slug)
  })
})

test('a socket’s own guards stand in front of the handshake', async () => {
  const served = await onNode(createServer(), { guards: [requireRole('admin')] })
  const [first] = tenants as readonly [Tenant]
  expect(await refusal(served.port, headersOf(first.slug))).toMatchObject({ status: 403, code: 'PERMISSION_DENIED' })
  await served.close()
})
