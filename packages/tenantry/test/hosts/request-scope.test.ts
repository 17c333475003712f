// What a request runs in where the host itself runs in something: a scope around the host is not the request's.
import Fastify from 'fastify'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as fastifyBridge from '../../src/bridges/fastify.ts'
import * as honoBridge from '../../src/bridges/hono.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

const seen = async (tenantry: Tenantry) => {
  const code = await tenantry.pool.query('select 1').then(
    () => 'answered',
    (error: unknown) => (error as { code?: unknown }).code,
  )
  return { slug: tenantry.current()?.slug ?? null, code }
}

describe('a request that is handled inside a scope', () => {
  let database: TestDatabase
  let tenantry: Tenantry

  beforeAll(async () => {
    database = await createTestDatabase()
    tenantry = createTenantry({
      ...{ adminUrl: database.adminUrl, migrations: '/nonexistent' },
      resolution: { resolvers: ['header'], public: ['/*'] },
    })
    for (const slug of ['acme', 'globex']) await tenantry.tenants.create({ name: slug, slug })
  })
  afterAll(async () => {
    await tenantry.close()
    await database.drop()
  })

  const named = { 'x-tenant-slug': 'globex' }
  const outside = { slug: null, code: 'TENANT_CONTEXT_MISSING' }
  const inGlobex = { slug: 'globex', code: 'answered' }

  it('sees nothing of it in Hono, on a runtime without Node requests', async () => {
    const app = new Hono()
    app.use(honoBridge.tenancy(tenantry))
    app.get('/', async (c) => c.json(await seen(tenantry)))
    const ask = (headers: Record<string, string>) =>
      tenantry.run('acme', async () => (await app.request('/', { headers })).json())
    expect(await ask({})).toEqual(outside)
    expect(await ask(named)).toEqual(inGlobex)
    expect(await ask({ host: 'one.test, two.test', ...named })).toEqual(outside)
  })

  it('sees nothing of it in Fastify', async () => {
    const app = Fastify()
    app.register(fastifyBridge.tenancy(tenantry))
    app.register(async (scope) => {
      scope.get('/', () => seen(tenantry))
    })
    const ask = (headers: Record<string, string>) =>
      tenantry.run('acme', async () => (await app.inject({ url: '/', headers })).json<object>())
    expect(await ask({})).toEqual(outside)
    expect(await ask(named)).toEqual(inGlobex)
    await app.close()
  })

  it('is refused by a guard where tenancy() was forgotten', async () => {
    const app = new Hono()
    app.get('/', honoBridge.requireTenant(), (c) => c.json('let in'))
    const response = await tenantry.run('acme', async () => app.request('/', { headers: named }))
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({ code: 'CONFIGURATION_INVALID' })
  })
})
