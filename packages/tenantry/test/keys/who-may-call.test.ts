// Who may call which route, over the whole route table, so that a route that comes later is judged, too: callers of one
// tenant at every path that names another one, callers without the permission, and callers with it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApp } from '../../src/surfaces/http/app.ts'
import type { App } from '../../src/surfaces/http/app.ts'
import { routeTable } from '../../src/surfaces/http/route-table.ts'
import type { FleetMigrations } from '../../src/features/migrations/fleet.ts'
import { TenantryError } from '../../src/kernel/errors.ts'
import { permissions } from '../../src/tenants/access.ts'
import { type KeysFixture, openKeysFixture } from './fixture.ts'
import { controlPlaneWith } from '../support/control-plane.ts'
import type { TenantRef } from '../../src/tenants/tenant.ts'

const routes = Object.entries(routeTable)
  .filter(([, scope]) => scope !== 'public')
  .map(([route, scope]) => {
    const [method = '', path = ''] = route.split(' ')
    const [level = '', permission = ''] = scope.split(' ')
    return { route, method, path, level, permission }
  })
const ofTenants = routes.filter(({ path }) => path.includes(':tenant'))
// Asks more than the table: of an elevation none can be had, and by no key but the admin's.
const ELEVATE = 'POST /api/operators/:userId/elevations'
const byPermission = routes.filter(({ permission, route }) => permission !== '' && route !== ELEVATE)

let fixture: KeysFixture
let app: App
let admin: string
const ids = new Map<string, string>()

beforeAll(async () => {
  fixture = await openKeysFixture()
  const { here, central } = fixture
  admin = (await here.keys.ensure()).key ?? ''
  await here.tenants.create({ name: 'Idle', slug: 'idle' })
  for (const slug of ['acme', 'globex', 'idle']) ids.set(slug, (await here.tenants.get(slug)).id)
  await here.tenants.suspend('idle')
  for (const [slug, userId, role] of [
    ...[['acme', 'anna', 'owner'] as const, ['globex', 'gus', 'owner'] as const, ['idle', 'ida', 'owner'] as const],
    ...[['acme', 'guest', 'guest'] as const, ['acme', 'helper', 'owner'] as const],
  ]) {
    await central.query(`insert into tenantry.member (tenant_id, user_id, role, state) values ($1, $2, $3, 'active')`, [
      ...[ids.get(slug), userId, role],
    ])
  }
  // Whatever a request that was let through would do fails with a code of its own, before it does anything.
  const busy = new TenantryError('TENANT_BUSY', 'The request got past the guard.')
  const fail = () => Promise.reject(busy)
  const find = (ref: string) => here.tenants.find(ref)
  const keyOf = (presented: string) => here.keys.authenticate(presented)
  const elevationOf = (token: string) => here.operators.authenticate(token)
  const membership = async (ref: TenantRef, userId: string) => {
    const found = await here.members.membership(ref, userId)
    return found && { ...found, readOnly: userId === 'helper' }
  }
  app = createApp(
    controlPlaneWith(
      {
        logger: here.logger,
        migrations: new Proxy({} as FleetMigrations, { get: () => fail }),
        tenants: new Proxy(here.tenants, { get: (_all, name) => (name === 'find' ? find : fail) }),
        keys: new Proxy(here.keys, { get: (_all, name) => (name === 'authenticate' ? keyOf : fail) }),
        members: new Proxy(here.members, { get: (_all, name) => (name === 'membership' ? membership : fail) }),
        operators: new Proxy(here.operators, {
          get: (_all, name) => (name === 'authenticate' ? elevationOf : fail),
        }),
      },
      busy,
    ),
    { users: { verify: async (token) => ({ userId: token.split('.')[1] ?? '' }) } },
  )
})

afterAll(async () => {
  await fixture.close()
})

/** A token of the application's issuer, as the verifier of this test reads it. */
const tokenOf = (userId: string) => `eyJ.${userId}.sig`

interface Sent {
  readonly method: string
  readonly path: string
  readonly token: string
}

async function send({ method, path, token }: Sent) {
  const body = method === 'GET' || method === 'DELETE' ? {} : { body: '{}' }
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const response = await app.request(path, { method, headers, ...body })
  const { code, detail } = (await response.json()) as { code?: string; detail?: string }
  return { status: response.status, code, detail }
}

const fill = (path: string, tenant: string) =>
  path.replace(':tenant', tenant).replaceAll(/:\w+/g, '0191f2ab-0000-7000-8000-000000000000')

/** Past the guard a request fails on its empty body, or on the first thing that it asks for. */
const isPast = ({ status, code }: { status: number; code?: string | undefined }) =>
  status === 400 || status === 409 || code === 'VERIFY_NOT_RUN'

describe('a caller of one tenant, at each route of another', () => {
  test('is there for every route that names a tenant', () => {
    expect(ofTenants.length).toBeGreaterThan(15)
    for (const { level, path } of routes) expect(level === 'tenant' ? path : ':tenant', path).toContain(':tenant')
  })

  test.each(ofTenants)('is refused at $route, and learns nothing', async ({ method, path, level }) => {
    const { key } = await fixture.here.keys.create('globex', { name: 'all', permissions: ['*'] })
    const [id = ''] = [ids.get('acme')]
    for (const token of [key, tokenOf('gus')]) {
      for (const tenant of ['acme', id, id.toUpperCase()]) {
        const answer = await send({ method, path: fill(path, tenant), token })
        expect([401, 403, 404], `${tenant} ${JSON.stringify(answer)}`).toContain(answer.status)
        const unknown = tenant === 'acme' ? 'nobody' : '0191f2ab-1111-7000-8000-000000000000'
        const none = await send({ method, path: fill(path, unknown), token })
        const asNone = none.detail?.replace(unknown, tenant.toLowerCase())
        expect(answer).toEqual({ ...none, detail: asNone })
        expect(answer.code).toBe(level === 'tenant' ? 'TENANT_NOT_FOUND' : 'FORBIDDEN')
      }
    }
  })
})

describe('the instance itself', () => {
  test.each(routes.filter(({ level }) => level !== 'tenant' && level !== 'user'))(
    'is closed to users and keys of tenants at $route',
    async ({ method, path }) => {
      const { key } = await fixture.here.keys.create('acme', { name: 'all', permissions: ['*'] })
      for (const token of [key, tokenOf('anna'), tokenOf('stranger')]) {
        expect(await send({ method, path: fill(path, 'acme'), token })).toMatchObject({
          status: 403,
          code: 'FORBIDDEN',
        })
      }
    },
  )

  test.each(routes.filter(({ level }) => level === 'admin'))(
    'asks for central power at $route, which no service key has',
    async ({ method, path }) => {
      const { key } = await fixture.here.keys.create(null, { name: 'all', permissions: ['*'] })
      const sent = { method, path: fill(path, 'acme') }
      expect(await send({ ...sent, token: key })).toMatchObject({ status: 403, code: 'FORBIDDEN' })
      expect(await send({ ...sent, token: admin })).toSatisfy(isPast)
    },
  )
})

describe('a permission', () => {
  test.each(byPermission)(
    'lets a service key in at $route, and no other does',
    async ({ method, path, permission }) => {
      const rest = permissions.filter((each) => each !== permission && each !== permission.replace(':read', ':write'))
      const [having, lacking] = await Promise.all([
        fixture.here.keys.create(null, { name: 'having', permissions: [permission] }),
        fixture.here.keys.create(null, { name: 'lacking', permissions: rest }),
      ])
      const sent = { method, path: fill(path, 'acme') }
      expect(await send({ ...sent, token: having.key })).toSatisfy(isPast)
      expect(await send({ ...sent, token: lacking.key })).toMatchObject({ status: 403, code: 'FORBIDDEN' })
    },
  )

  test.each(byPermission.filter(({ level }) => level === 'tenant'))(
    'lets a key and a member of the tenant in at $route, and no other does',
    async ({ method, path, permission }) => {
      const rest = permissions.filter((each) => each !== permission && each !== permission.replace(':read', ':write'))
      const [having, lacking] = await Promise.all([
        fixture.here.keys.create('acme', { name: 'having', permissions: [permission] }),
        fixture.here.keys.create('acme', { name: 'lacking', permissions: rest }),
      ])
      for (const tenant of ['acme', ids.get('acme') ?? '', (ids.get('acme') ?? '').toUpperCase()]) {
        const sent = { method, path: fill(path, tenant) }
        for (const token of [having.key, tokenOf('anna'), admin]) {
          expect(await send({ ...sent, token }), tenant).toSatisfy(isPast)
        }
        expect(await send({ ...sent, token: lacking.key })).toMatchObject({ status: 403, code: 'FORBIDDEN' })
        if (permission === 'tenants:read') continue
        expect(await send({ ...sent, token: tokenOf('guest') })).toMatchObject({
          status: 403,
          code: 'PERMISSION_DENIED',
        })
      }
    },
  )

  test.each(byPermission.filter(({ level }) => level === 'tenant'))(
    'to write is not taken from who may only read, at $route',
    async ({ method, path }) => {
      const answer = await send({ method, path: fill(path, 'acme'), token: tokenOf('helper') })
      if (method === 'GET') expect(answer).toSatisfy(isPast)
      else expect(answer).toMatchObject({ status: 403, code: 'PERMISSION_DENIED' })
    },
  )
})

test('a suspended tenant tells its own members so, and nobody else', async () => {
  const sent = { method: 'GET', path: '/api/tenants/idle' }
  expect(await send({ ...sent, token: tokenOf('ida') })).toMatchObject({ status: 403, code: 'TENANT_SUSPENDED' })
  expect(await send({ ...sent, token: tokenOf('gus') })).toMatchObject({ status: 404, code: 'TENANT_NOT_FOUND' })
})

test('an open elevation opens all routes, until it is released', async () => {
  await fixture.here.operators.set({ userId: 'root', role: 'super-admin' })
  const { id, token } = await fixture.here.operators.elevate({ userId: 'root', reason: 'a look' })
  for (const { method, path } of routes.filter(({ route }) => route !== ELEVATE)) {
    expect(await send({ method, path: fill(path, 'acme'), token }), path).toSatisfy(isPast)
  }
  await fixture.here.operators.release(id)
  const [{ method, path } = { method: 'GET', path: '' }] = routes
  expect(await send({ method, path: fill(path, 'acme'), token })).toMatchObject({ status: 401 })
})

test('an answer of the verifier of users reaches the caller by its code', async () => {
  const refusing = createApp(controlPlaneWith({ keys: fixture.here.keys }), {
    users: { verify: () => Promise.reject(new TenantryError('TOKEN_EXPIRED', 'The token has expired.')) },
  })
  const response = await refusing.request('/api/tenants/acme', { headers: { authorization: `Bearer ${tokenOf('x')}` } })
  expect(response.status).toBe(401)
  expect(response.headers.get('www-authenticate')).toContain('invalid_token')
  expect(await response.json()).toMatchObject({ code: 'TOKEN_EXPIRED' })
})
