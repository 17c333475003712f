// The handler's own rules, with a registry that fails as told; what it does with a real one is tested in
// test/integration/http.test.ts.
import { describe, expect, it } from 'vitest'
import { TenantryError } from '../../kernel/errors.ts'
import { healthReport } from '../../kernel/health.ts'
import { type LogFields, type Logger, silentLogger } from '../../kernel/logger.ts'
import { controlPlaneWith, keysWith } from '../../../test/support/control-plane.ts'
import { createApp } from './app.ts'
import { ProblemSchema } from './contract.ts'
import type { ControlPlane, HandlerOptions } from './control-plane.ts'
import { handler } from './index.ts'
import { routeTable } from './route-table.ts'

const KEY = 'a-key-for-these-tests'

function failing(error: Error, logger: Logger = silentLogger): ControlPlane {
  return controlPlaneWith({ keys: keysWith(KEY), logger }, error)
}

const unreached = failing(new TenantryError('INTERNAL', 'A request got past the guard.'))

interface Call {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly key?: string | null
  readonly options?: HandlerOptions
}

function call(controlPlane: ControlPlane, path: string, request: Call = {}): Promise<Response> {
  const { method = 'GET', headers = {}, body, key = KEY, options = {} } = request
  const auth: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` }
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
  const init = { method, headers: { ...auth, ...type, ...headers }, ...(body === undefined ? {} : { body }) }
  return handler(controlPlane, options)(new Request(`http://localhost${path}`, init))
}

async function problem(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const parsed = ProblemSchema.parse(await response.json())
  expect(parsed.status).toBe(response.status)
  expect(parsed.requestId).toBe(response.headers.get('x-request-id'))
  return parsed
}

describe('the guard', () => {
  const admin = Object.entries(routeTable).filter(([, scope]) => scope === 'admin')

  it.each(admin.map(([route]) => route))('refuses %s without a key, before anything else', async (route) => {
    const [method = '', path = ''] = route.split(' ')
    const response = await call(unreached, path.replace(':tenant', 'acme'), { method, key: null })
    expect(await problem(response)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="tenantry"')
  })

  it.each(['Bearer wrong', 'Bearer', `Basic ${KEY}`, KEY, `Bearer ${KEY} x`, `Bearer ${KEY}é`])(
    'refuses Authorization: %s',
    async (authorization) => {
      const response = await call(unreached, '/api/stats', { headers: { authorization } })
      expect(await problem(response)).toMatchObject({ code: 'UNAUTHENTICATED' })
    },
  )

  it('tells a wrong key from a missing one', async () => {
    const response = await call(unreached, '/api/stats', { key: 'wrong' })
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="tenantry", error="invalid_token"')
  })

  it('takes a key of the process itself', async () => {
    const options = { ephemeralKeys: ['one', 'two'] }
    const response = await call(failing(new TenantryError('TENANT_BUSY', 'Busy.')), '/api/stats', {
      key: 'two',
      options,
    })
    expect(response.status).toBe(409)
    expect((await call(unreached, '/api/stats', { key: 'three', options })).status).toBe(401)
  })

  it('denies a route that is registered but not in the table', async () => {
    const app = createApp(unreached)
    app.get('/backdoor', (c) => c.text('in'))
    app.get('/api/backdoor', (c) => c.text('in'))
    app.all('/open/*', (c) => c.text('in'))
    const headers = { authorization: `Bearer ${KEY}` }
    for (const path of ['/backdoor', '/api/backdoor', '/open/door']) {
      const response = await app.request(path, { headers })
      expect(await problem(response)).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' })
    }
    expect((await app.request('/api/backdoor')).status).toBe(401)
  })

  it('answers 404 for an unknown path, and 401 first under /api', async () => {
    expect(await problem(await call(unreached, '/nowhere', { key: null }))).toMatchObject({ code: 'ROUTE_NOT_FOUND' })
    expect(await problem(await call(unreached, '/api/nowhere', { key: null }))).toMatchObject({
      code: 'UNAUTHENTICATED',
    })
    expect(await problem(await call(unreached, '/api/nowhere'))).toMatchObject({ code: 'ROUTE_NOT_FOUND' })
    expect(await problem(await call(unreached, '/api/tenants/'))).toMatchObject({ code: 'ROUTE_NOT_FOUND' })
  })

  it('answers 405 with Allow for a method that the path does not have', async () => {
    const response = await call(unreached, '/api/tenants/acme', { method: 'PUT' })
    expect(await problem(response)).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' })
    expect(response.headers.get('allow')).toBe('GET, PATCH, DELETE, HEAD, OPTIONS')
    expect((await call(unreached, '/health', { method: 'POST' })).status).toBe(405)
  })

  it('answers OPTIONS with Allow, and HEAD like GET without a body', async () => {
    const options = await call(unreached, '/api/tenants', { method: 'OPTIONS', key: null })
    expect(options.status).toBe(204)
    expect(options.headers.get('allow')).toBe('POST, GET, HEAD, OPTIONS')
    const head = await call(unreached, '/health', { method: 'HEAD', key: null })
    expect(head.status).toBe(200)
    expect(await head.text()).toBe('')
    expect((await call(unreached, '/api/stats', { method: 'HEAD', key: null })).status).toBe(401)
  })

  it('answers 503, not 401, where the key cannot be looked up', async () => {
    const away = {
      ...unreached,
      keys: {
        ...keysWith(KEY),
        authenticate: () => Promise.reject(new TenantryError('DATABASE_UNAVAILABLE', 'Away.')),
      },
    }
    const response = await call(away, '/api/stats')
    expect(await problem(response)).toMatchObject({ status: 503, code: 'DATABASE_UNAVAILABLE', retryable: true })
    expect(response.headers.get('retry-after')).toBe('1')
  })
})

describe('request ids', () => {
  it('are taken from the request where they are sane', async () => {
    const response = await call(unreached, '/nowhere', { headers: { 'x-request-id': 'trace-01_a' } })
    expect((await problem(response)).requestId).toBe('trace-01_a')
  })

  it.each(['a b', '<script>', 'x'.repeat(65), "1';--"])('are made where the request has %s', async (sent) => {
    const response = await call(unreached, '/nowhere', { headers: { 'x-request-id': sent } })
    expect((await problem(response)).requestId).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('failures', () => {
  it('keep an unexpected error inside and log it under the request id', async () => {
    const logged: (readonly [string, LogFields | undefined])[] = []
    const logger = {
      ...silentLogger,
      error: (message: string, fields?: LogFields) => void logged.push([message, fields]),
    }
    const broken = failing(new Error('password=hunter2', { cause: new Error('deeper') }), logger)
    const body = await problem(await call(broken, '/api/tenants/acme', { headers: { 'x-request-id': 'r1' } }))
    expect(body).toMatchObject({ status: 500, code: 'INTERNAL', detail: 'The request failed unexpectedly.' })
    expect(JSON.stringify(body)).not.toContain('hunter2')
    expect(logged).toHaveLength(1)
    expect(logged[0]?.[1]).toMatchObject({ requestId: 'r1', code: 'INTERNAL' })
    expect(logged[0]?.[1]?.['cause']).toContain('deeper')
  })

  it('take status, advice and retry from the error table', async () => {
    const busy = failing(new TenantryError('TENANT_BUSY', 'Tenant acme is busy.', { field: 'tenant' }))
    expect(await problem(await call(busy, '/api/tenants/acme'))).toEqual({
      type: 'urn:tenantry:problem:tenant-busy',
      title: 'Tenant busy',
      status: 409,
      detail: 'Tenant acme is busy.',
      code: 'TENANT_BUSY',
      fix: 'Another operation on this tenant is running; try again when it has ended.',
      retryable: true,
      requestId: expect.any(String) as string,
      instance: expect.stringContaining('urn:tenantry:request:') as string,
      field: 'tenant',
    })
  })

  it('log a request by its route, not by its path', async () => {
    const logged: LogFields[] = []
    const logger = { ...silentLogger, info: (_message: string, fields: LogFields = {}) => void logged.push(fields) }
    await call(failing(new TenantryError('TENANT_NOT_FOUND', 'No.'), logger), '/api/tenants/acme')
    expect(logged[0]).toMatchObject({ method: 'GET', route: '/api/tenants/:tenant', status: 404 })
  })
})

describe('input', () => {
  const post = (body: string, path = '/api/tenants') => call(unreached, path, { method: 'POST', body })

  it('names an unknown field', async () => {
    expect(await problem(await post('{"name":"A","slugg":"a-b"}'))).toMatchObject({
      code: 'UNKNOWN_FIELD',
      field: 'slugg',
    })
    expect(await problem(await post('{"x":1}', '/api/tenants/acme/activate'))).toMatchObject({ code: 'UNKNOWN_FIELD' })
    const query = await call(unreached, '/api/tenants?stauts=active')
    expect(await problem(query)).toMatchObject({ code: 'UNKNOWN_FIELD', field: 'stauts' })
  })

  it.each([
    ['no name', '{}', 'name'],
    ['an empty name', '{"name":""}', 'name'],
    ['a long name', `{"name":"${'x'.repeat(256)}"}`, 'name'],
    ['a number for a name', '{"name":5}', 'name'],
    ['an unknown isolation', '{"name":"A","isolation":"none"}', 'isolation'],
    ['settings that are a list', '{"name":"A","settings":[]}', 'settings'],
    ['a zero byte', '{"name":"A\\u0000"}', 'name'],
    ['a zero byte deep inside', '{"name":"A","settings":{"a":[{"b\\u0000":1}]}}', 'settings'],
    ['a key that objects lose', '{"name":"A","settings":{"a":{"__proto__":{"b":1}}}}', 'settings'],
    ['half a surrogate pair', '{"name":"A","metadata":{"a":"\\ud800"}}', 'metadata'],
    ['deep nesting', `{"name":"A","settings":{"a":${'['.repeat(100)}${']'.repeat(100)}}}`, 'settings'],
    ['very deep nesting', `{"name":"A","settings":{"a":${'['.repeat(400_000)}${']'.repeat(400_000)}}}`, 'settings'],
  ])('refuses %s and names the field', async (_what, body, field) => {
    expect(await problem(await post(body))).toMatchObject({ status: 400, code: 'INVALID_INPUT', field })
  })

  it.each(['[]', '"text"', '5', 'null', 'true'])('refuses %s as a body', async (body) => {
    expect(await problem(await post(body))).toMatchObject({ status: 400, code: 'INVALID_INPUT' })
  })

  it('refuses what PATCH does not change, and names the verb', async () => {
    for (const [field, word] of [
      ['status', 'suspend'],
      ['slug', 'create another'],
      ['isolation', 'at creation'],
      ['schemaName', 'at creation'],
      ['version', 'kept by Tenantry'],
    ] as const) {
      const response = await call(unreached, '/api/tenants/acme', {
        method: 'PATCH',
        body: JSON.stringify({ [field]: 'x' }),
      })
      const body = await problem(response)
      expect(body).toMatchObject({ status: 409, code: 'FIELD_IMMUTABLE', field })
      expect(body.detail).toContain(word)
    }
  })

  it.each(['limit=0', 'limit=101', 'limit=-1', 'limit=ten', 'limit=', 'limit=1e1', 'status=open', 'limit=1&limit=2'])(
    'refuses the query %s',
    async (query) => {
      const field = query.slice(0, query.indexOf('='))
      expect(await problem(await call(unreached, `/api/tenants?${query}`))).toMatchObject({
        code: 'INVALID_INPUT',
        field,
      })
    },
  )

  it('refuses an event filter for what cannot be a tenant', async () => {
    const response = await call(unreached, '/api/events?tenant=A_B')
    expect(await problem(response)).toMatchObject({ code: 'INVALID_INPUT', field: 'tenant' })
  })

  it.each([
    'ACME',
    'acme_corp',
    'a',
    'x'.repeat(101),
    'acme%00',
    'acme%0A',
    'a%2Fb',
    'a%252Fb',
    'xn--80ak',
    '%E0%A4',
    'аcme',
  ])('answers 404 for the tenant %s', async (ref) => {
    const response = await call(unreached, `/api/tenants/${ref}`)
    expect(await problem(response)).toMatchObject({ status: 404, code: 'TENANT_NOT_FOUND' })
  })

  it('reads no path in two ways', async () => {
    for (const path of [
      '/api//tenants',
      '/API/tenants',
      '/api/tenants/acme/',
      '/%61pi/tenants/x/y',
      '/health/../api/stats',
    ]) {
      const response = await call(unreached, path, { key: null })
      expect([401, 404]).toContain(response.status)
    }
  })
})

describe('answers', () => {
  it('are kept out of shared caches, failures out of all', async () => {
    const document = await call(unreached, '/openapi.json', { key: null })
    expect(document.headers.get('cache-control')).toBe('private, no-cache')
    expect(document.headers.get('x-content-type-options')).toBe('nosniff')
    expect((await call(unreached, '/nowhere')).headers.get('cache-control')).toBe('no-store')
  })
})

describe('health', () => {
  it('is 200 while up or degraded, and 503 when down', async () => {
    for (const [status, expected] of [
      ['up', 200],
      ['degraded', 200],
      ['down', 503],
    ] as const) {
      const controlPlane = {
        ...unreached,
        health: () => Promise.resolve(healthReport({ database: { status: 'up' }, listener: { status } })),
      }
      const response = await call(controlPlane, '/health', { key: null })
      expect(response.status).toBe(expected)
      expect(await response.json()).toMatchObject({ status, parts: { listener: { status } } })
      expect((await call(controlPlane, '/ready', { key: null })).status).toBe(expected)
    }
  })

  it('makes /ready say that the server is stopping', async () => {
    const response = await call(unreached, '/ready', { key: null, options: { isDraining: () => true } })
    expect(await problem(response)).toMatchObject({ status: 503, code: 'SHUTTING_DOWN' })
    expect((await call(unreached, '/health', { key: null, options: { isDraining: () => true } })).status).toBe(200)
  })
})
