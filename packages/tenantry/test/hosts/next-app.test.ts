// Next.js itself, in one process with the tests: a small app, built and started once, whose two routers answer every path with what the
// suite gave them.
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { NextRequest } from 'next/server.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as bridge from '../../src/bridges/next.ts'
import { guardOf, type Host, type HostApp, type HostReply, type HostServer } from '../../src/testing/index.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { describeHost } from '../support/host-tests.ts'
import { listen } from '../support/listen.ts'

const dir = fileURLToPath(new URL('fixtures/next-app', import.meta.url))
const output = `${dir}/dist`

/** What is used of Next. Its own types would change those of Node.js in everything that is compiled with them. */
type Next = (options: { dev: boolean; dir: string; hostname: string; port: number }) => {
  prepare(): Promise<void>
  getRequestHandler(): RequestListener
  close(): Promise<void>
}
type NextApiRequest = IncomingMessage & { readonly body: unknown }
type NextApiResponse = ServerResponse & {
  status(status: number): NextApiResponse
  json(body: unknown): void
}

const { resolve } = createRequire(import.meta.url)
const next = createRequire(import.meta.url)('next') as Next
let app: ReturnType<Next>

interface Handlers {
  route?: (request: NextRequest, context: unknown) => Promise<Response>
  api?: (request: NextApiRequest, response: NextApiResponse) => Promise<void>
}

/** Where the app looks for what it answers. */
const handlers: Handlers = {}
Object.assign(globalThis, { [Symbol.for('tenantry.next-app')]: handlers })

beforeAll(async () => {
  Object.assign(process.env, {
    NODE_ENV: 'production',
    NEXT_TELEMETRY_DISABLED: '1',
    NEXT_IGNORE_INCORRECT_LOCKFILE: '1',
  })
  await rm(output, { recursive: true, force: true })
  await promisify(execFile)(process.execPath, [resolve('next/dist/bin/next'), 'build', dir])
  app = next({ dev: false, dir, hostname: '127.0.0.1', port: 0 })
  await app.prepare()
}, 180_000)

afterAll(async () => {
  await app.close()
  await rm(output, { recursive: true, force: true })
})

function serve(router: 'app' | 'pages'): Promise<HostServer> {
  const handle = app.getRequestHandler()
  return listen(
    createServer((request, response) => {
      request.headers['x-fixture-router'] = router
      handle(request, response)
    }),
  )
}

/** What each route of the suite becomes, by its method and path. */
const wrapped = <T>({ routes }: HostApp, wrap: (route: HostApp['routes'][number], guards: bridge.NextGuard[]) => T) =>
  new Map(
    routes.map((route) => {
      const guard = guardOf(route, bridge)
      return [`${route.method} ${route.path}`, wrap(route, guard === undefined ? [] : [guard])]
    }),
  )

function responseOf(answer: HostReply): Response {
  if ('json' in answer) return Response.json(answer.json, { status: answer.status ?? 200 })
  const encoder = new TextEncoder()
  const body = new ReadableStream({
    start: (to) => {
      void answer.stream(async (line) => to.enqueue(encoder.encode(line))).then(() => to.close())
    },
  })
  return new Response(body)
}

const appRouter: Host = {
  name: 'Next.js App Router',
  serve: (suite) => {
    const { route } = bridge.tenancy(suite.tenantry, suite.options)
    const routes = wrapped(suite, (each, guards) =>
      route<NextRequest, unknown>(
        async (request) => {
          const body: unknown = each.method === 'POST' ? await request.json() : undefined
          return responseOf(await each.handle({ tenancy: bridge.tenancyOf(request), body }))
        },
        ...guards,
      ),
    )
    handlers.route = async (request, context) =>
      (await routes.get(`${request.method} ${new URL(request.url).pathname}`)?.(request, context)) ??
      new Response(null, { status: 404 })
    return serve('app')
  },
}

async function reply(response: NextApiResponse, answer: HostReply): Promise<void> {
  if ('json' in answer) {
    response.status(answer.status ?? 200).json(answer.json)
    return
  }
  await answer.stream(async (line) => {
    response.write(line)
  })
  response.end()
}

const pagesRouter: Host = {
  name: 'Next.js Pages Router',
  serve: (suite) => {
    const { api } = bridge.tenancy(suite.tenantry, suite.options)
    const routes = wrapped(suite, (each, guards) =>
      api(
        async (request: NextApiRequest, response: NextApiResponse) => {
          await reply(response, await each.handle({ tenancy: bridge.tenancyOf(request), body: request.body }))
        },
        ...guards,
      ),
    )
    handlers.api = async (request, response) => {
      const path = new URL(request.url ?? '/', 'http://localhost').pathname
      const answer = routes.get(`${request.method ?? 'GET'} ${path}`)
      if (answer === undefined) response.status(404).end()
      else await answer(request, response)
    }
    return serve('pages')
  },
}

/** Next answers targets in the absolute form with a redirect before anybody is asked, as is tested below. */
const withAbsoluteTargets = ['back to this origin only', 'target and Host name two tenants']
/** Of two Host headers its requests show the first alone. */
const withTwoHosts = ['two Host headers']

describeHost(appRouter, [...withAbsoluteTargets, ...withTwoHosts])
describeHost(pagesRouter, withAbsoluteTargets)

describe.each([appRouter, pagesRouter])('$name, by itself', (host) => {
  let database: TestDatabase
  let tenantry: Tenantry
  let server: HostServer
  const seen: (string | undefined)[] = []

  beforeAll(async () => {
    database = await createTestDatabase()
    const resolution = { subdomainPattern: '{tenant}.next.test', public: ['/open'] }
    tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent', resolution })
    for (const slug of ['one', 'two']) await tenantry.tenants.create({ name: slug, slug })
    const handle: HostApp['routes'][number]['handle'] = async ({ tenancy }) => {
      seen.push(tenancy?.tenant?.slug)
      return { json: tenancy?.tenant?.slug ?? null }
    }
    const page = { name: 'requireTenant', options: { loginUrl: '/login' } } as const
    const routes = [
      { method: 'GET', path: '/open', handle } as const,
      { method: 'GET', path: '/page', guard: page, handle } as const,
    ]
    server = await host.serve({ tenantry, options: {}, routes })
  })
  afterAll(async () => {
    await server.close()
    await tenantry.close()
    await database.drop()
  })

  /** The status and the headers of a request that fetch would not send. */
  async function ask(target: string, ...headers: readonly string[]): Promise<string> {
    const socket = connect(server.port, '127.0.0.1')
    socket.write(`GET ${target} HTTP/1.1\r\n${headers.join('\r\n')}\r\nConnection: close\r\n\r\n`)
    return text(socket)
  }

  it('sends targets in the absolute form away before a handler is asked', async () => {
    seen.length = 0
    expect(await ask('http://one.next.test/open', 'Host: two.next.test')).toMatch(/^HTTP\/1.1 308 /)
    expect(await ask('http://one.next.test/open', 'Host: one.next.test')).toMatch(/^HTTP\/1.1 308 /)
    expect(seen).toEqual([])
  })

  it('sends browsers to the login page with the way back', async () => {
    const answer = await ask('/page?tab=1&x=%2F', 'Host: one.next.test', 'Accept: text/html')
    expect(answer).toMatch(/^HTTP\/1.1 302 /)
    expect(answer).toContain(`location: /login?return-to=${encodeURIComponent('/page?tab=1&x=%2F')}\r\n`)
  })

  it('never binds the second of two Host headers', async () => {
    seen.length = 0
    await ask('/open', 'Host: one.next.test', 'Host: two.next.test')
    // The raw headers, which show both, are there in the Pages Router only.
    expect(seen).toEqual([host === appRouter ? 'one' : undefined])
  })
})
