// The typed client against a real server over a real database, and against answers that no Tenantry gives.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import {
  type Arguments,
  createClient,
  eachItem,
  newIdempotencyKey,
  type TenantryClient,
  TenantryClientError,
} from '../../src/surfaces/client/index.ts'
import { type HttpServer, serve } from '../../src/surfaces/http/server.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

const KEY = 'tnk_a-key-of-this-process'
let database: TestDatabase
let tenantry: Tenantry
let server: HttpServer
let client: TenantryClient

beforeAll(async () => {
  database = await createTestDatabase()
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  server = await serve(tenantry, { port: 0, ephemeralKeys: [KEY] })
  client = createClient({ baseUrl: server.url, key: KEY })
})

afterAll(async () => {
  await server.drain()
  await tenantry.close()
  await database.drop()
})

async function failureOf(call: Promise<unknown>): Promise<TenantryClientError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(TenantryClientError)
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(KEY)
  return error as TenantryClientError
}

describe('a client', () => {
  test('leads a tenant through its life', async () => {
    const made = await client.createTenant({
      body: { name: 'ACME Corp', slug: 'acme-corp', settings: { theme: 'dark' } },
    })
    expectTypeOf(made.status).toEqualTypeOf<'active' | 'suspended' | 'inactive' | 'deleted' | 'purged'>()
    expect(made).toMatchObject({ slug: 'acme-corp', status: 'active', settings: { theme: 'dark' } })
    expect(await client.getTenant({ tenant: made.id })).toEqual(made)
    const change = { tenant: 'acme-corp', body: { plan: 'pro' }, headers: { 'If-Match': `"${made.version}"` } }
    expect(await client.updateTenant(change)).toMatchObject({ plan: 'pro' })
    expect(await failureOf(client.updateTenant(change))).toMatchObject({ code: 'PRECONDITION_FAILED', status: 412 })
    const suspended = await client.suspendTenant({ tenant: 'acme-corp', body: { reason: 'unpaid' } })
    expect(suspended).toMatchObject({ status: 'suspended', suspendReason: 'unpaid' })
    expect(await client.activateTenant({ tenant: 'acme-corp' })).toMatchObject({ status: 'active' })
    expect(await client.deleteTenant({ tenant: 'acme-corp' })).toMatchObject({ status: 'deleted' })
    expect(await client.getStats()).toMatchObject({ byStatus: { deleted: 1 } })
  })

  test('asks for a key anew before each call where the key is a function', async () => {
    const keys = ['wrong', KEY]
    const changing = createClient({ baseUrl: server.url, key: async () => keys.shift() ?? '' })
    expect(await failureOf(changing.getStats())).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
    expect(await changing.getStats()).toHaveProperty('total')
  })

  test('reads what needs no key without one', async () => {
    const keyless = createClient({ baseUrl: `${server.url}/` })
    expect(await keyless.getReady()).toEqual({ status: 'ready' })
    expect(await failureOf(keyless.listTenants())).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('walks a list page by page, in the order of the list and only as far as asked', async () => {
    for (const number of [1, 2, 3, 4, 5]) {
      await client.createTenant({
        body: { name: `Paged ${number}`, slug: `paged-${number}`, plan: 'paged', provision: false },
      })
    }
    const asked: string[] = []
    const counting = createClient({
      baseUrl: server.url,
      key: KEY,
      fetch: (request) => {
        asked.push(request.url)
        return fetch(request)
      },
    })
    const query = { plan: 'paged', limit: 2 }
    const slugs: string[] = []
    for await (const { slug } of eachItem(counting.listTenants, { query })) slugs.push(slug)
    expect(slugs.toSorted()).toEqual(['paged-1', 'paged-2', 'paged-3', 'paged-4', 'paged-5'])
    expect(asked).toHaveLength(3)
    for await (const tenant of eachItem(counting.listTenants, { query })) {
      expect(tenant.slug).toBe(slugs[0])
      break
    }
    expect(asked).toHaveLength(4)
  })
})

describe('a failed call', () => {
  test('rejects with what the problem says', async () => {
    const missing = await failureOf(client.getTenant({ tenant: 'nobody' }))
    expect(missing).toMatchObject({ code: 'TENANT_NOT_FOUND', status: 404, retryable: false })
    expect(missing.message).toBe(missing.detail)
    expect(missing.fix).not.toBe('')
    expect(missing.requestId).toMatch(/^\S{8,}$/)
    const wrong = await failureOf(client.createTenant({ body: { name: 'x', slug: 'UPPER' } }))
    expect(wrong).toMatchObject({ code: 'SLUG_INVALID', field: 'slug' })
  })

  test('resolves where the contract answers a failing status without a problem', async () => {
    const down = createClient({
      baseUrl: 'http://down.invalid',
      fetch: async () => Response.json({ status: 'down', parts: {} }, { status: 503 }),
    })
    expect(await down.getHealth()).toMatchObject({ status: 'down' })
    expect(await failureOf(down.getStats())).toMatchObject({ code: 'SERVER_UNREACHABLE', status: 503 })
  })

  test('does not leave the machine where an argument cannot be a name', async () => {
    const unsent = createClient({ baseUrl: server.url, key: KEY, fetch: () => Promise.reject(new Error('was sent')) })
    for (const tenant of ['', '.', '..']) {
      expect(await failureOf(unsent.deleteTenant({ tenant }))).toMatchObject({ code: 'INVALID_INPUT', field: 'tenant' })
    }
    expect(await failureOf(client.getTenant({ tenant: '../stats?x#y' }))).toMatchObject({ code: 'TENANT_NOT_FOUND' })
  })

  test('is an abort where the caller aborted it', async () => {
    const aborted = AbortSignal.abort(new Error('no longer wanted'))
    await expect(client.getStats({ signal: aborted })).rejects.toThrow('no longer wanted')
  })

  test('of what the contract does not have does not compile', () => {
    expectTypeOf<keyof Arguments<'getTenant'>>().toEqualTypeOf<'tenant' | 'signal'>()
    expectTypeOf<keyof Arguments<'listTenants'>>().toEqualTypeOf<'query' | 'signal'>()
    type Write = 'tenant' | 'body' | 'headers' | 'idempotencyKey' | 'signal'
    expectTypeOf<keyof Arguments<'updateTenant'>>().toEqualTypeOf<Write>()
    expectTypeOf<Parameters<TenantryClient['getTenant']>>().toEqualTypeOf<[given: Arguments<'getTenant'>]>()
    expectTypeOf<Parameters<TenantryClient['getStats']>>().toEqualTypeOf<[given?: Arguments<'getStats'>]>()
  })
})

describe('a key', () => {
  test.each(['with a newline\n', 'schlüssel', '', ' '])(
    'that no header can hold is refused without being shown: %j',
    async (key) => {
      const odd = createClient({ baseUrl: server.url, key: `${key}${key && KEY}` })
      expect(await failureOf(odd.getStats())).toMatchObject({ code: 'CONFIGURATION_INVALID', field: 'key' })
    },
  )

  test.each(['', 'not a url', 'ftp://x', 'http://user:pass@localhost', 'http://localhost/?key=1', 'javascript:1'])(
    'goes to no base URL such as %j',
    (baseUrl) => {
      const error = catching(() => createClient({ baseUrl, key: KEY }))
      expect(error).toMatchObject({ name: 'TenantryClientError', code: 'CONFIGURATION_INVALID', field: 'baseUrl' })
      expect(inspect(error)).not.toContain('pass@')
    },
  )

  function catching(run: () => unknown): unknown {
    try {
      return run()
    } catch (error) {
      return error
    }
  }
})

describe('against another server', () => {
  const servers: Server[] = []
  const seen: { readonly url: string | undefined; readonly headers: Readonly<Record<string, unknown>> }[] = []

  afterEach(() => {
    for (const each of servers.splice(0)) each.close()
    seen.length = 0
  })

  async function answering(status: number, headers: Record<string, string>, body = ''): Promise<string> {
    const other = createServer((request, response) => {
      seen.push({ url: request.url, headers: request.headers })
      response.writeHead(status, headers).end(body)
    }).listen(0, '127.0.0.1')
    servers.push(other)
    await new Promise((resolve) => other.once('listening', resolve))
    return `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  }

  test.each([301, 302, 303, 307, 308])('no redirect %i is followed with the key', async (status) => {
    const elsewhere = await answering(200, { 'content-type': 'application/json' }, '{}')
    const redirecting = await answering(status, { location: `${elsewhere}/stolen` })
    const failure = await failureOf(createClient({ baseUrl: redirecting, key: KEY }).getStats())
    expect(failure.code).toBe('SERVER_UNREACHABLE')
    expect(seen.map(({ url }) => url)).toEqual(['/api/stats'])
  })

  test('what is no JSON, or not the control plane, is SERVER_UNREACHABLE', async () => {
    for (const [status, body] of [
      [200, '<html>hello</html>'],
      [502, 'Bad gateway'],
      [404, '{"error":"other"}'],
      [500, '[]'],
    ] as const) {
      const baseUrl = await answering(status, { 'content-type': 'text/html' }, body)
      expect(await failureOf(createClient({ baseUrl, key: KEY }).getStats())).toMatchObject({
        code: 'SERVER_UNREACHABLE',
      })
    }
    const nobody = createClient({ baseUrl: 'http://127.0.0.1:1', key: KEY })
    expect(await failureOf(nobody.getStats())).toMatchObject({ code: 'SERVER_UNREACHABLE', status: 0, retryable: true })
  })

  test('an idempotency key goes out as its header, with the base URL’s path before the route', async () => {
    const baseUrl = await answering(201, { 'content-type': 'application/json' }, '{"slug":"acme"}')
    const idempotencyKey = newIdempotencyKey()
    expect(idempotencyKey).toMatch(/^[0-9a-f]{32}$/)
    expect(newIdempotencyKey()).not.toBe(idempotencyKey)
    const behind = createClient({ baseUrl: `${baseUrl}/control/`, key: KEY })
    await behind.createTenant({ body: { name: 'ACME' }, idempotencyKey })
    expect(seen).toMatchObject([
      {
        url: '/control/api/tenants',
        headers: {
          'idempotency-key': idempotencyKey,
          authorization: `Bearer ${KEY}`,
          'content-type': 'application/json',
        },
      },
    ])
  })
})
