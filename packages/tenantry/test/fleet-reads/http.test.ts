// Fleet reads over HTTP, and as the command line reads them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { httpTarget } from '../../src/surfaces/cli/http-target.ts'
import { handler } from '../../src/surfaces/http/index.ts'
import { type HttpServer, serve } from '../../src/surfaces/http/server.ts'
import { until } from '../harness/wait.ts'
import { all, type FleetFixture, openFleet } from './fixture.ts'

describe('POST /api/fleet/query', () => {
  let fleet: FleetFixture
  let key: string
  let handle: ReturnType<typeof handler>

  beforeAll(async () => {
    fleet = await openFleet()
    key = (await fleet.tenantry.keys.ensure()).key ?? ''
    handle = handler(fleet.tenantry)
  })

  afterAll(async () => {
    await fleet.close()
  })

  const ask = (body: object, bearer = key) =>
    handle(
      new Request('http://localhost/api/fleet/query', {
        method: 'POST',
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    )
  const linesOf = async (response: Response) =>
    (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)

  test('answers with a line a row, and at the end with who answered', async () => {
    const merge = { sum: ['total'], order: ['product'], limit: 1 }
    const response = await ask({ reason: 'totals', sql: 'select product, total from invoice', merge })
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    expect(await linesOf(response)).toEqual([
      { row: { product: 'acme', total: '1.005' } },
      { done: true, answered: 4, failed: [] },
    ])
  })

  test('writes bytes and numbers that are none as PostgreSQL prints them', async () => {
    const sql = `select '\\x00ff'::bytea as bytes, 'NaN'::float8 as nan, '2026-01-02'::timestamptz as at`
    const [line] = await linesOf(await ask({ reason: 'totals', sql, filter: { plan: 'pro' } }))
    expect(line).toMatchObject({ row: { bytes: '\\x00ff', nan: 'NaN', at: '2026-01-02T00:00:00.000Z' } })
  })

  test.for([
    [{ sql: 'select 1' }, 400, 'REASON_REQUIRED'],
    [{ reason: 'totals', sql: 'delete from invoice' }, 400, 'STATEMENT_REFUSED'],
    [{ reason: 'totals', sql: 'select 1; select 2' }, 400, 'MULTIPLE_STATEMENTS'],
    [{ reason: 'totals', sql: 'select 1 as one', merge: { sum: ['two'] } }, 400, 'INVALID_INPUT'],
    [{ reason: 'totals', sql: 'select 1', tenants: 'all' }, 400, 'UNKNOWN_FIELD'],
  ] as const)('refuses %j as a problem, before any row', async ([body, status, code]) => {
    const response = await ask(body)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ code })
  })

  test('ends with who failed, and never as if all had answered', async () => {
    const { id } = await fleet.tenantry.tenants.get('north')
    const sql = `select 1 / (product <> 'north')::int as one from invoice`
    const lines = await linesOf(await ask({ reason: 'totals', sql }))
    expect(lines.at(-1)).toEqual({
      ...{ done: true, answered: 3 },
      failed: [
        { tenantId: id, code: 'DATABASE_ERROR', detail: 'The statement failed in this tenant (SQLSTATE 22012).' },
      ],
    })
    expect(lines).toHaveLength(7)
    const allFail = await linesOf(await ask({ reason: 'totals', sql: 'select 1/0 from invoice' }))
    expect(allFail).toMatchObject([{ done: true, answered: 0, failed: [{}, {}, {}, {}] }])
  })

  test('is for whoever may read the fleet: a key of a tenant, or one of other rights, is refused', async () => {
    const body = { reason: 'totals', sql: 'select 1 as one' }
    const { key: ofTenant } = await fleet.tenantry.keys.create('acme', { name: 'ours', permissions: ['*'] })
    expect((await ask(body, ofTenant)).status).toBe(403)
    const { key: other } = await fleet.tenantry.keys.create(null, { name: 'stats', permissions: ['stats:read'] })
    expect((await ask(body, other)).status).toBe(403)
    const { key: reader } = await fleet.tenantry.keys.create(null, { name: 'fleet', permissions: ['fleet:read'] })
    expect((await ask(body, reader)).status).toBe(200)
    expect((await ask(body, 'wrong')).status).toBe(401)
  })

  test('ends its cursors when the answer is not read on', async () => {
    const response = await ask({ reason: 'totals', sql: 'select generate_series(1, 12500000) as n' })
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await until(async () => {
      const { rows } = await fleet.superuser.query(
        `select from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
      )
      return rows.length === 0
    })
  })

  describe('as a target of the command line', () => {
    let server: HttpServer

    beforeAll(async () => {
      server = await serve(fleet.tenantry, { port: 0 })
    })

    afterAll(async () => {
      await server.drain()
    })

    const target = () => httpTarget({ url: server.url, key }).fleet

    test('gives rows, counts and errors as the library does', async () => {
      const rows = target().query('totals', 'select id, total from invoice', { merge: { order: ['-id'], limit: 1 } })
      expect(await all(rows)).toEqual([{ tenant: 'south', id: '31', total: '1.005' }])
      expect(rows.tenants).toEqual({ answered: 4, failed: [] })
      await expect(all(target().query('', 'select 1'))).rejects.toMatchObject({ code: 'REASON_REQUIRED' })
      const failing = target().query('totals', 'select 1/0 from invoice')
      await expect(all(failing)).rejects.toMatchObject({ code: 'FLEET_INCOMPLETE' })
      expect(failing.tenants.failed).toHaveLength(4)
    })
  })
})
