import { EventEmitter, once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { ControlPlane } from './control-plane.ts'
import { type HealthReport, healthReport } from '../../kernel/health.ts'
import { controlPlaneWith } from '../../../test/support/control-plane.ts'
import { drainOnSignals, type HttpServer, serve } from './server.ts'

const up = healthReport({ database: { status: 'up' } })
const servers: HttpServer[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.force()
})

/** A server whose /health can be held, which stands for any request under way. */
async function start() {
  const waiting: (() => void)[] = []
  const arrivals = new EventEmitter()
  let isHeld = false
  const server = await serve(
    controlPlaneWith({
      health: () =>
        new Promise<HealthReport>((resolve) => {
          if (!isHeld) return resolve(up)
          waiting.push(() => resolve(up))
          arrivals.emit('held')
        }),
    }),
    { port: 0 },
  )
  servers.push(server)
  return {
    server,
    hold: async <T>(send: () => Promise<T>): Promise<{ readonly answer: Promise<T> }> => {
      isHeld = true
      const arrived = once(arrivals, 'held')
      const answer = send()
      answer.catch(() => undefined)
      await arrived
      isHeld = false
      return { answer }
    },
    release: () => {
      for (const resolve of waiting.splice(0)) resolve()
    },
  }
}

function get(server: HttpServer, path: string, agent: Agent | false = false): Promise<{ readonly status: number }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${server.url}${path}`, { agent }, (response) => {
      response.resume()
      response.once('end', () => resolve({ status: response.statusCode ?? 0 }))
    })
    request.once('error', reject)
    request.end()
  })
}

describe('serve', () => {
  it('answers on the port it names', async () => {
    const { server } = await start()
    expect(await get(server, '/ready')).toMatchObject({ status: 200 })
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`)
  })

  it('says which option is wrong where the port is taken', async () => {
    const { server } = await start()
    const taken = serve({ keys: {}, tenants: {} } as ControlPlane, { port: server.port })
    await expect(taken).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID', field: 'PORT' })
  })

  it('lives on after a body of 10 MB', async () => {
    const { server } = await start()
    const response = await fetch(`${server.url}/api/tenants`, {
      method: 'POST',
      body: new Uint8Array(10 * 1024 * 1024),
    })
    // Without a key not a byte of it is read.
    expect(response.status).toBe(401)
    expect(await get(server, '/ready')).toMatchObject({ status: 200 })
  })
})

describe('odd requests', () => {
  /** The status of an answer to a request line that no client library would send. */
  async function raw(server: HttpServer, target: string): Promise<number> {
    const socket = connect(server.port, '127.0.0.1')
    socket.end(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(Buffer.concat(chunks).toString())?.[1])
  }

  it.each([
    '//api/stats',
    '/api/../api/stats',
    '/.%2e/api/stats',
    '/health/../api/stats',
    '/%61pi/stats',
    '/api/stats?',
  ])('let nobody in by %s', async (target) => {
    const { server } = await start()
    expect([400, 401, 404]).toContain(await raw(server, target))
  })

  it.each(['/%00', '/%', '/%E0%A4%A', '/api/tenants/%00', 'http://other.example/nowhere', `/${'x'.repeat(8000)}`, '*'])(
    'do no harm: %s',
    async (target) => {
      const { server } = await start()
      expect([400, 401, 404]).toContain(await raw(server, target))
      expect(await get(server, '/ready')).toMatchObject({ status: 200 })
    },
  )
})

describe('drain', () => {
  it('lets a request under way finish and takes no new connection', async () => {
    const { server, hold, release } = await start()
    const { answer } = await hold(() => get(server, '/health'))
    const drained = server.drain()
    await expect(get(server, '/health')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    release()
    expect(await answer).toMatchObject({ status: 200 })
    await drained
  })

  it('says 503 on /ready during the grace, while everything else is answered', async () => {
    const { server, hold, release } = await start()
    const { answer } = await hold(() => get(server, '/health'))
    const drained = server.drain({ graceMs: 60_000 })
    expect(await get(server, '/ready')).toMatchObject({ status: 503 })
    expect(await get(server, '/openapi.json')).toMatchObject({ status: 200 })
    release()
    expect(await answer).toMatchObject({ status: 200 })
    server.force()
    await drained
  })

  it('is not held open by idle or kept-alive connections', async () => {
    const { server, hold, release } = await start()
    const agent = new Agent({ keepAlive: true })
    await get(server, '/ready', agent)
    const silent = connect(server.port, '127.0.0.1')
    await once(silent, 'connect')
    const { answer } = await hold(() => get(server, '/health', agent))
    const drained = server.drain({ deadlineMs: 20_000 })
    const started = performance.now()
    release()
    await answer
    await drained
    expect(performance.now() - started).toBeLessThan(4_000)
    agent.destroy()
    silent.destroy()
  })

  it('cuts what is still open at the deadline', async () => {
    const { server, hold } = await start()
    const { answer } = await hold(() => get(server, '/health'))
    await server.drain({ deadlineMs: 50 })
    await expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('may be asked for twice', async () => {
    const { server } = await start()
    await Promise.all([server.drain(), server.drain()])
  })
})

describe('drainOnSignals', () => {
  it('drains at the first signal', async () => {
    const { server, hold, release } = await start()
    const signals = new EventEmitter()
    const stopped = drainOnSignals(server, signals)
    const { answer } = await hold(() => get(server, '/health'))
    signals.emit('SIGTERM')
    release()
    expect(await answer).toMatchObject({ status: 200 })
    await stopped
    expect(signals.listenerCount('SIGTERM')).toBe(0)
  })

  it('forces at the second', async () => {
    const { server, hold } = await start()
    const signals = new EventEmitter()
    const stopped = drainOnSignals(server, signals)
    const { answer } = await hold(() => get(server, '/health'))
    signals.emit('SIGINT')
    signals.emit('SIGINT')
    await expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' })
    await stopped
  })
})
