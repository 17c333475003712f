// Answers line by line through the typed client: reads of the fleet and backfills, to their end and left before it.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { errorCodes } from '../../src/kernel/error-codes.ts'
import { createClient, type TenantryClient, TenantryClientError } from '../../src/surfaces/client/index.ts'
import { type HttpServer, serve } from '../../src/surfaces/http/server.ts'
import { until } from '../harness/wait.ts'
import { type FleetFixture, openFleet } from './fixture.ts'

let fleet: FleetFixture
let server: HttpServer
let client: TenantryClient

beforeAll(async () => {
  fleet = await openFleet()
  const key = (await fleet.tenantry.keys.ensure()).key ?? ''
  server = await serve(fleet.tenantry, { port: 0 })
  client = createClient({ baseUrl: server.url, key })
})

afterAll(async () => {
  await server.drain()
  await fleet.close()
})

async function all<Item>(lines: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of lines) items.push(item)
  return items
}

async function failureOf(lines: AsyncIterable<unknown>): Promise<TenantryClientError> {
  const error = await all(lines).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(TenantryClientError)
  return error as TenantryClientError
}

const busy = async () => {
  const { rows } = await fleet.superuser.query(
    `select from pg_stat_activity where datname = current_database() and application_name = 'tenantry'
        and state in ('active', 'idle in transaction') and pid <> pg_backend_pid()`,
  )
  return rows.length
}
const nothingIsRead = () => until(async () => (await busy()) === 0, { what: 'nothing that is read' })

const ENDLESS = 'select generate_series(1, 12500000) as n'
const reason = 'a test'

describe('a read of the fleet', () => {
  test('gives the rows as they come, and at the end who answered', async () => {
    const merge = { sum: ['total'], order: ['product'] }
    const rows = client.queryFleet({ body: { reason, sql: 'select product, total from invoice', merge } })
    expectTypeOf(rows.end).toEqualTypeOf<
      { answered: number; failed: { tenantId: string; code: string; detail: string }[] } | undefined
    >()
    expect(rows.end).toBeUndefined()
    const read: { [key: string]: unknown }[] = await all(rows)
    expect(read.map(({ product }) => product)).toEqual(['acme', 'globex', 'north', 'pencil', 'south'])
    expect(read.find(({ product }) => product === 'pencil')).toEqual({ product: 'pencil', total: '0.40' })
    expect(rows.end).toEqual({ answered: 4, failed: [] })
  })

  test('is asked for by the loop, and again by the next one', async () => {
    const rows = client.queryFleet({ body: { reason: 'asked for twice', sql: 'select 1 as one' } })
    const asked = async () => {
      const { rows: facts } = await fleet.superuser.query(
        `select from tenantry.audit_entry where action = 'fleet.query' and reason = 'asked for twice'`,
      )
      return facts.length
    }
    expect(await asked()).toBe(0)
    expect(await all(rows)).toHaveLength(4)
    expect(await all(rows)).toHaveLength(4)
    expect(await asked()).toBe(2)
  })

  test('ends in every tenant when the loop is left', async () => {
    const rows = client.queryFleet({ body: { reason, sql: ENDLESS } })
    for await (const row of rows) {
      expect(row).toHaveProperty('n')
      await until(async () => (await busy()) === 4, { what: 'four tenants that are read' })
      break
    }
    await nothingIsRead()
    expect(rows.end).toBeUndefined()
  })

  test('ends in every tenant when the signal comes, with its reason', async () => {
    const controller = new AbortController()
    const why = new Error('enough')
    let read = 0
    const looped = (async () => {
      for await (const row of client.queryFleet({ body: { reason, sql: ENDLESS }, signal: controller.signal })) {
        expect(row).toHaveProperty('n')
        read++
        controller.abort(why)
      }
    })()
    await expect(looped).rejects.toBe(why)
    expect(read).toBe(1)
    await nothingIsRead()
  })

  test('ends before its first row when the signal comes', async () => {
    const controller = new AbortController()
    const body = { reason, sql: 'select pg_sleep(600)' }
    const looped = all(client.queryFleet({ body, signal: controller.signal }))
    looped.catch(() => {})
    await until(async () => (await busy()) === 4, { what: 'four tenants that are read' })
    controller.abort()
    await expect(looped).rejects.toHaveProperty('name', 'AbortError')
    await nothingIsRead()
  })

  test('that is refused rejects with the problem', async () => {
    const unreasoned = await failureOf(client.queryFleet({ body: { sql: 'select 1 as one' } }))
    expect(unreasoned).toMatchObject({ code: 'REASON_REQUIRED', status: errorCodes.REASON_REQUIRED.status })
    const stranger = createClient({ baseUrl: server.url, key: 'tnk_unknown' })
    const denied = await failureOf(stranger.queryFleet({ body: { reason, sql: 'select 1 as one' } }))
    expect(denied).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
  })

  test('gives the rows of those that answered, and then throws for those that did not', async () => {
    const { status, fix } = errorCodes.FLEET_INCOMPLETE
    // Only one of the products is no number.
    const sql = `select case product when 'north' then product::int else 1 end as one from invoice`
    const rows = client.queryFleet({ body: { reason, sql } })
    const read: unknown[] = []
    const looped = (async () => {
      for await (const row of rows) read.push(row)
    })()
    await expect(looped).rejects.toMatchObject({ code: 'FLEET_INCOMPLETE', status, fix, retryable: true })
    expect(read.length).toBeGreaterThanOrEqual(6)
    expect(rows.end).toMatchObject({ answered: 3, failed: [{ tenantId: expect.any(String) as string }] })
  })
})

describe('an answer', () => {
  /** What a server, or a proxy before it, answers with. */
  async function answeredBy(listener: RequestListener): Promise<TenantryClientError> {
    const other = createServer(listener).listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    try {
      const baseUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
      return await failureOf(createClient({ baseUrl }).queryFleet({ body: { reason, sql: 'select 1 as one' } }))
    } finally {
      other.closeAllConnections()
      await new Promise((resolve) => other.close(resolve))
    }
  }

  test.each<[string, RequestListener]>([
    ['without its last line', (_, response) => response.end('{"row":{"one":1}}\n')],
    ['in the middle of a line', (_, response) => response.end('{"row":{"one":1}}\n{"done":true,"answered":4')],
    ['of another kind', (_, response) => response.end('<html>\n</html>\n')],
    ['of nothing', (_, response) => response.end()],
    [
      'by a connection that breaks',
      (_, response) => void response.write('{"row":{"one":1}}\n', () => response.destroy()),
    ],
  ])('%s is known to be none', async (_what, listener) => {
    expect(await answeredBy(listener)).toMatchObject({ code: 'SERVER_UNREACHABLE', status: 0, retryable: true })
  })

  test('that ends with a problem throws it', async () => {
    const problem = { code: 'TIMEOUT', status: 504, detail: 'Too slow.', fix: 'Ask for less.', retryable: true }
    const error = await answeredBy((_, response) => {
      response.setHeader('x-request-id', 'request-1')
      response.end(`{"row":{"one":1}}\n${JSON.stringify({ done: false, problem })}\n`)
    })
    expect(error).toMatchObject({ ...problem, requestId: 'request-1' })
  })
})

test('a backfill tells how far it is, and ends with the status of the change', async () => {
  const { admin, tenantry } = fleet
  await admin.query('create table price (id bigint generated always as identity primary key, amount numeric)')
  await tenantry.protect('price')
  await tenantry.scope('acme').query('insert into price (amount) select n / 4.0 from generate_series(1, 100) n')
  const to = { name: 'cents', type: 'bigint' }
  const change = { name: 'cents', table: 'price', from: 'amount', to, forward: '(amount * 100)::bigint' }
  await client.expandColumn({ body: { change: { ...change, back: 'cents / 100.0' } } })
  const lines = client.backfillColumn({ change: 'cents' })
  const progress = await all(lines)
  expectTypeOf(progress).toEqualTypeOf<{ targets: number; done: number; filled: number }[]>()
  expect(progress.at(-1)).toMatchObject({ filled: 100 })
  expect(lines.end?.status).toMatchObject({ name: 'cents', phase: 'backfilled' })
  expect(await failureOf(client.backfillColumn({ change: '..' }))).toMatchObject({ code: 'INVALID_INPUT' })
})
