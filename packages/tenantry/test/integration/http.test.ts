// The HTTP control plane over a real registry on a real server.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { initialise } from '../../src/control/initialise.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { createCredentials } from '../../src/features/credentials/create-credentials.ts'
import { createKeys } from '../../src/features/keys/create-keys.ts'
import { createIdempotency } from '../../src/features/idempotency/idempotency.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type HealthReport, healthReport } from '../../src/kernel/health.ts'
import { reservedSlugs } from '../../src/kernel/identifiers.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import {
  EventPageSchema,
  ProblemSchema,
  ProvisionResultSchema,
  StatsSchema,
  TenantPageSchema,
  TenantSchema,
} from '../../src/surfaces/http/contract.ts'
import { type HttpServer, serve } from '../../src/surfaces/http/server.ts'
import { createTenants } from '../../src/tenants/create-tenants.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { until } from '../harness/wait.ts'
import { controlPlaneWith } from '../support/control-plane.ts'
import { type InterruptibleProxy, startProxy } from '../support/interruptible-proxy.ts'

let database: TestDatabase
let proxy: InterruptibleProxy
let central: CentralDatabase
let server: HttpServer
let key: string
let documented: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>

beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await startProxy(database.adminUrl)
  central = openCentralDatabase({ url: proxy.url, connectTimeoutMs: 2_000 })
  const { id: instanceId, roles } = await initialise(central)
  // Nothing listens here, so nothing of a key is kept.
  const registry = { isListening: false, onForget: () => {} }
  const { keys } = createKeys({ database: central, registry, clock: systemClock, logger: silentLogger })
  const made = await keys.ensure()
  key = made.key ?? ''
  const tenants = createTenants({
    database: central,
    participants: [],
    roles,
    defaults: { isolation: 'schema', autoProvision: true, reservedSlugs, purgeAfterDays: 30 },
    clock: systemClock,
    logger: silentLogger,
  })
  const credentials = createCredentials({
    ...{ database: central, instanceId, appRole: roles.app, serverUrl: proxy.url, clock: systemClock },
    sharedSchemas: ['public'],
  })
  const notHere = () => Promise.reject(new Error('not verified here'))
  const verify = { verify: notHere, lastVerification: notHere }
  const log = { logger: silentLogger, version: '0.1.0' }
  const nouns = { credentials, keys, idempotency: createIdempotency(central) }
  const controlPlane = controlPlaneWith({ tenants, ...nouns, ...log, health, ...verify })
  server = await serve(controlPlane, { port: 0, ephemeralKeys: ['key-of-this-process'] })
  const openapi = await (await fetch(`${server.url}/openapi.json`)).json()
  documented = (openapi as { readonly paths: typeof documented }).paths
})

afterAll(async () => {
  await server.drain()
  await central.close()
  await proxy.close()
  await database.drop()
})

async function health(): Promise<HealthReport> {
  const status = await central.query('select 1').then(
    () => 'up' as const,
    () => 'down' as const,
  )
  return healthReport({ database: { status } })
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

interface Send {
  readonly headers?: Record<string, string>
  /** Sent as JSON unless it is text already. */
  readonly body?: unknown
}

async function send(method: string, path: string, { headers = {}, body }: Send = {}): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  expectDocumented(method, path, response.status)
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

/** Every answer in this file must be one that the OpenAPI document knows. */
function expectDocumented(method: string, path: string, status: number): void {
  const plain = path.replace(/\?.*$/, '')
  const route = Object.keys(documented).find((pattern) =>
    new RegExp(`^${pattern.replace(/\{\w+\}/, '[^/]+')}$`).test(plain),
  )
  const operation = documented[route ?? '']?.[method.toLowerCase()]
  expect(Object.keys(operation?.responses ?? {}), `${method} ${path}`).toContain(String(status))
}

async function create(slug: string, more: object = {}) {
  const { status, body } = await send('POST', '/api/tenants', { body: { name: slug, slug, ...more } })
  expect(status, JSON.stringify(body)).toBe(201)
  return TenantSchema.strict().parse(body)
}

function expectProblem(answer: Answer, status: number, code: string) {
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.body).toMatchObject({ status, code })
  expect(answer.status).toBe(status)
  return ProblemSchema.strict().parse(answer.body)
}

const tenantOf = (answer: Answer) => {
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return TenantSchema.strict().parse(answer.body)
}

describe('the commands of the tenant library document', () => {
  const curl = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)('curl', ['-sS', '-w', '\n%{http_code}', ...args])
    const end = stdout.lastIndexOf('\n')
    return { status: Number(stdout.slice(end)), body: JSON.parse(stdout.slice(0, end)) as unknown }
  }

  test('work as written, with the key added', async (ctx) => {
    const present = await promisify(execFile)('curl', ['--version']).then(
      () => true,
      () => false,
    )
    if (!present) ctx.skip('curl is not installed')
    const auth = ['-H', `Authorization: Bearer ${key}`]
    const tenants = `${server.url}/api/tenants`

    const type = ['-H', 'Content-Type: application/json']
    const data = ['-d', '{"name": "ACME Corp", "slug": "acme-corp"}']
    const created = await curl('-X', 'POST', tenants, ...type, ...auth, ...data)
    expect(created).toMatchObject({
      status: 201,
      body: { name: 'ACME Corp', slug: 'acme-corp', status: 'active', schemaName: 'tenant_acme_corp' },
    })
    expect(await curl('-X', 'POST', `${tenants}/acme-corp/provision`, ...auth)).toMatchObject({
      status: 200,
      body: { provisioned: true, schemaName: 'tenant_acme_corp', tableCount: 0, message: 'already provisioned' },
    })
    expect(await curl('-X', 'POST', `${tenants}/acme-corp/suspend`, ...auth)).toMatchObject({
      status: 200,
      body: { status: 'suspended' },
    })
    expect(await curl('-X', 'POST', `${tenants}/acme-corp/activate`, ...auth)).toMatchObject({
      status: 200,
      body: { status: 'active' },
    })
  })
})

describe('tenants', () => {
  test('are created with Location and ETag, and found by slug and by id', async () => {
    const input = { name: 'Globex', slug: 'globex', plan: 'pro', settings: { theme: 'dark' }, metadata: { crm: 7 } }
    const created = await send('POST', '/api/tenants', { body: input })
    expect(created.status).toBe(201)
    const tenant = TenantSchema.strict().parse(created.body)
    expect(tenant).toMatchObject(input)
    expect(created.headers.get('location')).toBe(`/api/tenants/${tenant.id}`)
    const byId = await send('GET', created.headers.get('location') ?? '')
    expect(byId.body).toEqual(tenant)
    expect(byId.headers.get('etag')).toBe(created.headers.get('etag'))
    expect((await send('GET', '/api/tenants/globex')).body).toEqual(tenant)
    expect((await send('GET', `/api/tenants/${tenant.id.toUpperCase()}`)).body).toEqual(tenant)
  })

  test('can wait with provisioning, which says whether it had anything to do', async () => {
    expect((await create('waiting', { provision: false })).provisionedAt).toBeNull()
    const first = await send('POST', '/api/tenants/waiting/provision')
    expect(ProvisionResultSchema.strict().parse(first.body)).toMatchObject({ message: 'provisioned successfully' })
    const second = await send('POST', '/api/tenants/waiting/provision', { body: {} })
    expect(second).toMatchObject({ status: 200, body: { provisioned: true, message: 'already provisioned' } })
  })

  test('go through their whole life', async () => {
    const { id, name } = await create('whole-life')
    const post = async (verb: string, body?: object) => send('POST', `/api/tenants/whole-life/${verb}`, { body })
    expect(tenantOf(await post('suspend', { reason: 'unpaid' }))).toMatchObject({ suspendReason: 'unpaid' })
    expect(tenantOf(await post('suspend'))).toMatchObject({ status: 'suspended', suspendReason: 'unpaid' })
    expect(tenantOf(await post('deactivate')).status).toBe('inactive')
    expectProblem(await post('suspend'), 409, 'TENANT_STATUS_CONFLICT')
    expect(tenantOf(await post('activate')).status).toBe('active')
    expect(tenantOf(await send('DELETE', '/api/tenants/whole-life'))).toMatchObject({
      status: 'deleted',
      purgeAfter: expect.any(String) as string,
    })
    expect(tenantOf(await send('GET', '/api/tenants/whole-life')).status).toBe('deleted')
    expectProblem(await send('POST', '/api/tenants', { body: { name, slug: 'whole-life' } }), 409, 'SLUG_TAKEN')
    expectProblem(await send('PATCH', '/api/tenants/whole-life', { body: { name: 'x' } }), 403, 'TENANT_DELETED')
    expect(tenantOf(await post('restore')).status).toBe('active')
    expectProblem(await post('purge', { confirm: 'whole-life' }), 409, 'TENANT_STATUS_CONFLICT')
    await send('DELETE', '/api/tenants/whole-life')
    expectProblem(await post('purge'), 400, 'CONFIRMATION_REQUIRED')
    expectProblem(await post('purge', { confirm: 'another' }), 400, 'CONFIRMATION_REQUIRED')
    expect(tenantOf(await post('purge', { confirm: 'whole-life' })).status).toBe('purged')
    expectProblem(await send('GET', `/api/tenants/${id}`), 404, 'TENANT_NOT_FOUND')
    expect((await create('whole-life')).id).not.toBe(id)
  })

  test('are listed in pages that end', async () => {
    for (const number of [1, 2, 3]) await create(`paged-${number}`, { plan: 'paged' })
    const first = await send('GET', '/api/tenants?plan=paged&limit=2')
    const page = TenantPageSchema.parse(first.body)
    expect(page).toMatchObject({ total: 3, nextCursor: expect.any(String) as string })
    const rest = TenantPageSchema.parse(
      (await send('GET', `/api/tenants?plan=paged&limit=2&cursor=${page.nextCursor}`)).body,
    )
    expect(rest.nextCursor).toBeNull()
    expect([...page.items, ...rest.items].map((tenant) => tenant.slug).toSorted()).toEqual([
      'paged-1',
      'paged-2',
      'paged-3',
    ])
    expectProblem(await send('GET', '/api/tenants?cursor=nonsense'), 400, 'INVALID_INPUT')
  })

  test('are filtered by status and by text', async () => {
    await create('filter-me')
    await send('POST', '/api/tenants/filter-me/suspend')
    const { body } = await send('GET', '/api/tenants?search=FILTER&status=suspended')
    expect(body).toMatchObject({ total: 1, items: [{ slug: 'filter-me' }] })
    expect((await send('GET', '/api/tenants?search=FILTER&status=active')).body).toMatchObject({ total: 0 })
    expect((await send('GET', '/api/tenants?search=%25')).body).toMatchObject({ total: 0 })
  })

  test('change under If-Match only where nobody else changed them', async () => {
    const { version } = await create('edited')
    const changed = await send('PATCH', '/api/tenants/edited', {
      body: { name: 'Edited', plan: null },
      headers: { 'if-match': `"${version}"` },
    })
    expect(tenantOf(changed)).toMatchObject({ name: 'Edited', plan: null })
    const late = { headers: { 'if-match': `"${version}"` }, body: { name: 'Lost' } }
    expectProblem(await send('PATCH', '/api/tenants/edited', late), 412, 'PRECONDITION_FAILED')
    expectProblem(await send('DELETE', '/api/tenants/edited', { headers: late.headers }), 412, 'PRECONDITION_FAILED')
    expect(tenantOf(await send('GET', '/api/tenants/edited'))).toMatchObject({ name: 'Edited', status: 'active' })
    const current = { headers: { 'if-match': changed.headers.get('etag') ?? '' } }
    expect(tenantOf(await send('DELETE', '/api/tenants/edited', current)).status).toBe('deleted')
    expect(tenantOf(await send('DELETE', '/api/tenants/edited', current)).status).toBe('deleted')
  })

  test('are not sent again to a caller that has them', async () => {
    await create('cached')
    const first = await send('GET', '/api/tenants/cached')
    const headers = { 'if-none-match': first.headers.get('etag') ?? '' }
    const again = await send('GET', '/api/tenants/cached', { headers })
    expect(again).toMatchObject({ status: 304, body: undefined })
    await send('PATCH', '/api/tenants/cached', { body: { name: 'New' } })
    expect((await send('GET', '/api/tenants/cached', { headers })).status).toBe(200)
  })

  test('leave events that name who did it, and show in the stats', async () => {
    const before = StatsSchema.strict().parse((await send('GET', '/api/stats')).body)
    const { id } = await create('eventful')
    await send('POST', '/api/tenants/eventful/suspend', { headers: { authorization: 'Bearer key-of-this-process' } })
    const events = EventPageSchema.parse((await send('GET', '/api/events?tenant=eventful')).body)
    expect(events.items.map((event) => event.type)).toContain('tenant.suspended')
    expect(events.items.every((event) => event.tenantId === id)).toBe(true)
    const suspended = await send('GET', '/api/events?tenant=eventful&type=tenant.suspended&limit=1')
    expect(suspended.body).toMatchObject({ total: 1 })
    const { rows } = await central.query<{ actor: string }>(
      'select distinct actor from tenantry.audit_entry where tenant_id = $1 order by 1',
      [id],
    )
    expect(rows.map(({ actor }) => actor)).toEqual(['cli', `http:${key.slice(0, 15)}`])
    expect(StatsSchema.parse((await send('GET', '/api/stats')).body).total).toBe(before.total + 1)
  })
})

describe('bad input', () => {
  const invalidSlugs = {
    'one character': 'a',
    '101 characters': 'x'.repeat(101),
    'upper case': 'ACME',
    underscore: 'acme_corp',
    'a trailing newline': 'acme\n',
    'a look-alike letter': 'аcme',
    'the shape of a UUID': '0191f2ab-0000-7000-8000-000000000000',
    punycode: 'xn--80ak6aa92e',
    'a hyphen at the end': 'acme-',
    'nothing in it': '',
  }
  test.each(Object.entries(invalidSlugs))('a slug with %s is SLUG_INVALID', async (_what, slug) => {
    const body = expectProblem(await send('POST', '/api/tenants', { body: { name: 'x', slug } }), 400, 'SLUG_INVALID')
    expect(body.field).toBe('slug')
  })

  test('a reserved slug and a taken one say which they are', async () => {
    const post = (slug: string) => send('POST', '/api/tenants', { body: { name: 'x', slug } })
    expectProblem(await post('www'), 400, 'SLUG_RESERVED')
    await create('taken')
    expectProblem(await post('taken'), 409, 'SLUG_TAKEN')
  })

  test('an unknown field, wrong JSON, another type and 10 MB are refused, and nothing is made', async () => {
    const total = async () => StatsSchema.parse((await send('GET', '/api/stats')).body).total
    const before = await total()
    const post = (sent: Send) => send('POST', '/api/tenants', sent)
    expect(expectProblem(await post({ body: { name: 'x', slugg: 'xx' } }), 400, 'UNKNOWN_FIELD').field).toBe('slugg')
    expectProblem(await post({ body: '{"name": "x"' }), 400, 'INVALID_JSON')
    expectProblem(
      await post({ body: 'name=x', headers: { 'content-type': 'text/plain' } }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    )
    expectProblem(await post({ body: { name: 'x'.repeat(10 * 1024 * 1024) } }), 413, 'BODY_TOO_LARGE')
    expectProblem(await post({ body: { name: 'x\0', slug: 'zero' } }), 400, 'INVALID_INPUT')
    expectProblem(await post({ body: '{"name":"x","slug":"half","settings":{"a":"\\ud800"}}' }), 400, 'INVALID_INPUT')
    expectProblem(await post({ body: { name: 'xx', schemaName: 'pg_mine' } }), 400, 'SCHEMA_NAME_INVALID')
    expect(await total()).toBe(before)
  })

  test('an unknown tenant is 404 for every verb', async () => {
    const id = '0191f2ab-0000-7000-8000-000000000000'
    for (const ref of ['nobody', id, 'NOBODY', 'a%00b', 'x'.repeat(5000), '%2e%2e%2fhealth']) {
      expectProblem(await send('GET', `/api/tenants/${ref}`), 404, 'TENANT_NOT_FOUND')
      for (const verb of ['provision', 'suspend', 'activate', 'deactivate', 'restore']) {
        expectProblem(await send('POST', `/api/tenants/${ref}/${verb}`), 404, 'TENANT_NOT_FOUND')
      }
    }
    expectProblem(await send('DELETE', '/api/tenants/nobody'), 404, 'TENANT_NOT_FOUND')
    expectProblem(await send('PATCH', '/api/tenants/nobody', { body: { name: 'x' } }), 404, 'TENANT_NOT_FOUND')
  })

  test('settings with hostile keys are stored as given', async () => {
    const settings = '{"constructor":{"admin":true},"a\'; drop table x; --":"\\\\u0000","\\"":[1,null]}'
    const body = `{"name":"Hostile","slug":"hostile","settings":${settings}}`
    expect((await send('POST', '/api/tenants', { body })).status).toBe(201)
    const stored = await fetch(`${server.url}/api/tenants/hostile`, { headers: { authorization: `Bearer ${key}` } })
    const tenant = (await stored.json()) as { readonly settings: object }
    expect(Object.entries(tenant.settings).toSorted()).toEqual(
      Object.entries(JSON.parse(settings) as object).toSorted(),
    )
  })
})

describe('without the database', () => {
  test('requests get 503 and work again when it is back', async () => {
    await create('survivor')
    await proxy.cut()
    try {
      const away = expectProblem(await send('GET', '/api/tenants/survivor'), 503, 'DATABASE_UNAVAILABLE')
      expect(away.retryable).toBe(true)
      expect(JSON.stringify(away)).not.toMatch(/password|postgres:|127\.0\.0\.1/)
      const own = { authorization: 'Bearer key-of-this-process' }
      expectProblem(await send('GET', '/api/tenants', { headers: own }), 503, 'DATABASE_UNAVAILABLE')
      expect((await send('GET', '/health')).status).toBe(503)
      expectProblem(await send('GET', '/ready'), 503, 'DATABASE_UNAVAILABLE')
    } finally {
      await proxy.mend()
    }
    await until(async () => (await send('GET', '/ready')).status === 200, { what: 'the server to be ready again' })
    expect(tenantOf(await send('GET', '/api/tenants/survivor')).slug).toBe('survivor')
  })
})
