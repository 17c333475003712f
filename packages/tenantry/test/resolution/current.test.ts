// /api/current over a real server: what a request resolves to, as it came over the wire.
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageComposition } from '../../src/surfaces/cli/composition.ts'
import { CurrentSchema } from '../../src/surfaces/http/contract/current.ts'
import { handler } from '../../src/surfaces/http/index.ts'
import { type HttpServer, serve } from '../../src/surfaces/http/server.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { type Issuer, startIssuer } from '../support/issuer.ts'

const ANNA = '01890000-0000-7000-8000-00000000000a'

let database: TestDatabase
let issuer: Issuer
let tenantry: Tenantry
let server: HttpServer
let adminKey: string
let acmeKey: string

beforeAll(async () => {
  database = await createTestDatabase()
  issuer = await startIssuer()
  const resolution = { subdomainPattern: 'localhost', jwt: issuer.settings }
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent', resolution })
  await tenantry.tenants.create({ name: 'ACME Corp', slug: 'acme' })
  await tenantry.tenants.create({ name: 'Beta', slug: 'beta' })
  await tenantry.tenants.create({ name: 'Paused', slug: 'paused' })
  await tenantry.tenants.suspend('paused')
  await tenantry.members.add('acme', { userId: ANNA, role: 'member' })
  adminKey = (await tenantry.keys.ensure()).key ?? ''
  acmeKey = (await tenantry.keys.create('acme', { name: 'reader', permissions: ['tenants:read'] })).key
  server = await serve(tenantry, { port: 0 })
})
afterAll(async () => {
  await server.drain()
  await tenantry.close()
  await issuer.close()
  await database.drop()
})

/** The answer to a GET with these headers, a Host of its own included. */
function current(headers: Record<string, string>, port = server.port, path = '/api/current') {
  return new Promise<ReturnType<typeof CurrentSchema.parse>>((resolve, reject) => {
    const sent = httpRequest({ port, path, headers, host: '127.0.0.1' }, (response) => {
      response.setEncoding('utf8')
      let body = ''
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve(CurrentSchema.parse(JSON.parse(body))))
    })
    sent.on('error', reject).end()
  })
}

const bearer = async (sub: string, claims = {}) => ({
  authorization: `Bearer ${await issuer.sign({ claims: { sub, ...claims } })}`,
})
const nobody = { tenant: null, role: null, caller: { kind: 'anonymous' }, credentialRefusal: null }
const acmeShown = expect.objectContaining({ slug: 'acme', name: 'ACME Corp', status: 'active' }) as unknown

describe('GET /api/current', () => {
  test('names the tenant of a member, whichever way it was named', async () => {
    const headers = await bearer(ANNA)
    const member = { tenant: acmeShown, caller: { kind: 'user', userId: ANNA }, role: 'member', refusal: null }
    expect(await current({ ...headers, host: 'acme.localhost:3000' })).toMatchObject({
      ...member,
      resolver: 'subdomain',
    })
    expect(await current({ ...headers, 'x-tenant-slug': 'acme' })).toMatchObject({ ...member, resolver: 'header' })
    const claimed = await bearer(ANNA, { tenant_id: 'acme' })
    expect(await current(claimed)).toMatchObject({ ...member, resolver: 'jwt', trust: 'proven' })
  })

  test('names no tenant that was refused', async () => {
    const names = JSON.stringify([
      await current({ host: 'acme.localhost' }),
      await current({ host: 'paused.localhost' }),
      await current({ ...(await bearer('ben')), host: 'acme.localhost' }),
      await current({ ...(await bearer(ANNA)), host: 'beta.localhost', 'x-tenant-id': 'acme' }),
    ])
    expect(names).not.toMatch(/acme|beta|paused/i)
    expect(await current({ host: 'acme.localhost' })).toEqual({
      ...{ ...nobody, resolver: 'subdomain', trust: 'claimed', refusal: { code: 'NOT_A_MEMBER' } },
    })
    expect(await current({ host: 'paused.localhost' })).toMatchObject({ refusal: { code: 'TENANT_SUSPENDED' } })
    expect(await current({ host: 'localhost' })).toMatchObject({ ...nobody, refusal: { code: 'TENANT_NOT_RESOLVED' } })
  })

  test('knows keys: the admin key, and a key of a tenant, which is good for that one', async () => {
    const admin = { authorization: `Bearer ${adminKey}` }
    expect(await current({ ...admin, host: 'acme.localhost' })).toMatchObject({
      tenant: acmeShown,
      caller: { kind: 'key' },
    })
    const key = { authorization: `Bearer ${acmeKey}` }
    expect(await current(key)).toMatchObject({ tenant: acmeShown, resolver: 'key', trust: 'proven' })
    expect(await current({ ...key, host: 'beta.localhost' })).toMatchObject({ refusal: { code: 'TENANT_CONFLICT' } })
    expect(await current({ authorization: 'Bearer tn_none' })).toMatchObject({ refusal: { code: 'TOKEN_INVALID' } })
  })

  test('hears of a member that is gone', async () => {
    const userId = '01890000-0000-7000-8000-00000000000c'
    const headers = { ...(await bearer(userId)), host: 'beta.localhost' }
    expect(await current(headers)).toMatchObject({ refusal: { code: 'NOT_A_MEMBER' } })
    await tenantry.members.add('beta', { userId, role: 'guest' })
    await expect.poll(async () => (await current(headers)).role).toBe('guest')
    await tenantry.members.revoke('beta', userId)
    await expect.poll(async () => (await current(headers)).refusal?.code).toBe('NOT_A_MEMBER')
  })

  test.each([
    ['two Host headers', 'GET /api/current HTTP/1.1\r\nHost: acme.localhost\r\nHost: beta.localhost'],
    ['the same Host header twice', 'GET /api/current HTTP/1.1\r\nHost: acme.localhost\r\nHost: acme.localhost'],
    ['a target of another host', 'GET http://acme.localhost/api/current HTTP/1.1\r\nHost: beta.localhost'],
  ])('binds nothing for %s', async (_what, head) => {
    const answer = await overTheWire(`${head}\r\nAuthorization: Bearer ${adminKey}\r\nConnection: close\r\n\r\n`)
    expect(answer).toContain('"tenant":null')
    expect(answer).toContain('"refusal":{"code":"TENANT_CONFLICT"}')
  })

  test('does not believe X-Forwarded-Host of anybody', async () => {
    const headers = {
      authorization: `Bearer ${adminKey}`,
      'x-forwarded-host': 'acme.localhost',
      host: 'beta.localhost',
    }
    expect(await current(headers)).toMatchObject({ tenant: { slug: 'beta' } })
  })

  test('answers where the handler is mounted without a server', async () => {
    const request = new Request('http://acme.localhost/api/current', {
      headers: { authorization: `Bearer ${adminKey}` },
    })
    const answer = await handler(tenantry)(request)
    expect(CurrentSchema.parse(await answer.json())).toMatchObject({ tenant: acmeShown, resolver: 'subdomain' })
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  test('names ACME to anybody on a development server, out of the box', async () => {
    const instance = await packageComposition.createTenantry({
      ...{
        adminUrl: database.adminUrl,
        resolutionDefaults: { subdomainPattern: 'localhost', public: ['/api/current'] },
      },
    })
    const dev = await packageComposition.serve(instance, { port: 0 })
    try {
      expect(await current({ host: 'acme.localhost:3000' }, dev.port)).toEqual({
        ...{ ...nobody, tenant: expect.objectContaining({ name: 'ACME Corp' }) as unknown, refusal: null },
        ...{ resolver: 'subdomain', trust: 'claimed' },
      })
    } finally {
      await dev.drain()
      await instance.close()
    }
  })
})

test("a user's token opens the routes of the tenants it is a member of", async () => {
  const get = async (path: string, sub: string) =>
    (await fetch(server.url + path, { headers: await bearer(sub) })).status
  expect(await get('/api/tenants/acme', ANNA)).toBe(200)
  expect(await get('/api/tenants/acme', 'ben')).toBe(404)
  expect(await get('/api/tenants/beta', ANNA)).toBe(404)
  expect(await get('/api/tenants', ANNA)).toBe(403)
})

describe('bind', () => {
  test('runs in the scope of when it was made', async () => {
    const bound = await tenantry.run('acme', { userId: ANNA }, () =>
      tenantry.bind(async (suffix: string) => {
        const { rows } = await tenantry.pool.query<{ id: string }>('select tenantry.current_tenant_id()::text as id')
        return `${tenantry.current()?.slug} ${tenantry.current()?.userId} ${rows[0]?.id} ${suffix}`
      }),
    )
    const { id } = await tenantry.tenants.get('acme')
    expect(await bound('x')).toBe(`acme ${ANNA} ${id} x`)
    expect(await tenantry.run('beta', () => bound('y'))).toBe(`acme ${ANNA} ${id} y`)
    expect(tenantry.current()).toBeUndefined()
  })

  test('still asks whether the tenant may be entered', async () => {
    await tenantry.tenants.create({ name: 'Bound', slug: 'bound' })
    const bound = await tenantry.run('bound', () => tenantry.bind(() => tenantry.pool.query('select 1')))
    await tenantry.tenants.suspend('bound')
    await expect(bound()).rejects.toMatchObject({ code: 'TENANT_SUSPENDED' })
  })

  test('needs a scope', () => {
    expect(() => tenantry.bind(() => 1)).toThrow(expect.objectContaining({ code: 'TENANT_CONTEXT_MISSING' }))
  })
})

describe('an instance', () => {
  test('that cannot start refuses requests, and never rejects', async () => {
    const down = createTenantry({ adminUrl: 'postgres://nobody@127.0.0.1:1/none', resolution: { public: ['/*'] } })
    const request = {
      method: 'GET',
      target: '/tenants/acme/',
      hasTwoHosts: false,
      remoteAddress: undefined,
      raw: undefined,
    }
    const { tenant, refusal } = await down.resolve({ ...request, header: () => undefined })
    expect([tenant, refusal?.code]).toEqual([undefined, 'DATABASE_UNAVAILABLE'])
    await down.close()
  })

  test('is not made from settings that cannot be followed', () => {
    const make = (resolution: object) => () => createTenantry({ adminUrl: 'postgres://x', resolution })
    expect(make({ resolvers: ['cookie'] })).toThrow(expect.objectContaining({ code: 'RESOLVER_UNKNOWN' }))
    expect(make({ trustedProxies: ['all'] })).toThrow(expect.objectContaining({ code: 'CONFIGURATION_INVALID' }))
    expect(make({ public: ['about'] })).toThrow(expect.objectContaining({ code: 'CONFIGURATION_INVALID' }))
  })
})

/** What a server answers to this text. */
function overTheWire(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      answer += chunk
    })
    socket.on('end', () => resolve(answer)).on('error', reject)
  })
}
