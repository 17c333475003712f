// The numbers of tenants over HTTP and on the command line, with their age, counted anew on request.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TenantStatisticsPageSchema } from '../../src/surfaces/http/contract/fleet.ts'
import { type HttpServer, serve } from '../../src/surfaces/http/server.ts'
import { runCli } from '../support/cli.ts'
import { type FleetFixture, openFleet } from './fixture.ts'

let fleet: FleetFixture
let server: HttpServer
let key: string

beforeAll(async () => {
  fleet = await openFleet()
  key = (await fleet.tenantry.keys.ensure()).key ?? ''
  server = await serve(fleet.tenantry, { port: 0 })
})

afterAll(async () => {
  await server.drain()
  await fleet.close()
})

async function call(method: 'GET' | 'POST', path: string, bearer = key) {
  const headers = { authorization: `Bearer ${bearer}` }
  const response = await fetch(`${server.url}/api/stats${path}`, { method, headers })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const ways = () =>
  [
    ['directly', { DATABASE_ADMIN_URL: fleet.adminUrl }],
    ['over HTTP', { TENANTRY_URL: server.url, TENANTRY_KEY: key }],
  ] as const
const stats = (env: Readonly<Record<string, string>>, ...args: string[]) => runCli(['stats', ...args], { env })

test('are nothing before they are counted, then a page with their age, and newer after they are counted again', async () => {
  const nothing = { items: [], nextCursor: null, total: 0, refreshedAt: null, ageMs: null }
  expect(await call('GET', '/tenants')).toEqual({ status: 200, body: nothing })
  for (const [, env] of ways()) expect((await stats(env, '--tenants')).stdout).toContain('--refresh')
  expect(await call('POST', '/refresh')).toEqual({ status: 200, body: { tenants: 4 } })
  const first = TenantStatisticsPageSchema.strict().parse((await call('GET', '/tenants?limit=3')).body)
  expect(first.items.map(({ slug, rows }) => [slug, rows])).toMatchObject([
    ['acme', 2],
    ['globex', 2],
    ['north', expect.any(Number)],
  ])
  expect(first.ageMs).toBeLessThan(60_000)
  const second = await call('GET', `/tenants?limit=3&cursor=${first.nextCursor ?? ''}`)
  expect(second.body).toMatchObject({ items: [{ slug: 'south' }], nextCursor: null, total: 4 })
  expect((await call('GET', '/tenants?plan=pro&isolation=row&search=glo')).body).toMatchObject({
    items: [{ slug: 'globex' }],
  })
  await call('POST', '/refresh')
  const { refreshedAt } = TenantStatisticsPageSchema.parse((await call('GET', '/tenants')).body)
  expect(Date.parse(refreshedAt ?? '')).toBeGreaterThan(Date.parse(first.refreshedAt ?? ''))
})

test('are a table on the command line that says how old it is, and the body of HTTP as JSON', async () => {
  for (const [way, env] of ways()) {
    const table = await stats(env, '--tenants', '--refresh', '--filter', 'isolation=row', '--limit', '1')
    expect([way, table.code, table.stderr]).toEqual([way, 0, ''])
    expect(table.stdout).toMatch(/^SLUG +STATUS +PLAN +ISOLATION +MEMBERS +KEYS +ROWS +SIZE +LAST ACTIVITY\n/)
    expect(table.stdout).toMatch(/\nacme +active +pro +row +0 +0 +2 +[\d.]+ kB +\d{4}-/)
    expect(table.stdout).toMatch(/\nCounted \d+ s ago \(\d{4}-.* UTC\)\.\nThere are 2\. Next page: add --cursor /)
    const { ageMs, ...body } = (await call('GET', '/tenants')).body
    expect(JSON.parse((await stats(env, '--tenants', '--json')).stdout)).toEqual({
      ...body,
      ageMs: expect.any(Number) as unknown,
    })
    expect(ageMs).toEqual(expect.any(Number))
  }
})

test.each([
  [['--refresh'], '--refresh belongs to --tenants'],
  [['--filter', 'plan=pro'], '--filter belongs to --tenants'],
  [['--tenants', '--watch'], '--watch'],
  [['--tenants', '--filter', 'size=big'], 'INVALID_INPUT'],
])('stats %j is refused, and says why', async (args, why) => {
  const { code, stderr } = await stats({ DATABASE_ADMIN_URL: fleet.adminUrl }, ...args)
  expect([code, stderr]).toEqual([2, expect.stringContaining(why)])
})

test.each([
  ['/tenants?order=size', 'UNKNOWN_FIELD'],
  ['/tenants?isolation=none', 'INVALID_INPUT'],
  ['/tenants?cursor=AAAA', 'INVALID_INPUT'],
])('GET /api/stats%s is refused as %s', async (path, code) => {
  expect((await call('GET', path)).body).toMatchObject({ code })
})

test('are for whoever may read the fleet: counts alone are no right to the names of tenants', async () => {
  const withRight = async (permission: string) =>
    (await fleet.tenantry.keys.create(null, { name: permission, permissions: [permission] })).key
  const ofTenant = (await fleet.tenantry.keys.create('acme', { name: 'ours', permissions: ['*'] })).key
  const [figures, reader] = [await withRight('stats:read'), await withRight('fleet:read')]
  expect((await call('GET', '', figures)).status).toBe(200)
  for (const [method, path] of [
    ['GET', '/tenants'],
    ['POST', '/refresh'],
  ] as const) {
    expect([path, (await call(method, path, figures)).status]).toEqual([path, 403])
    expect([path, (await call(method, path, ofTenant)).status]).toEqual([path, 403])
    expect([path, (await call(method, path, reader)).status]).toEqual([path, 200])
  }
})
