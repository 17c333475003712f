// Rows on their way into the schemas of tenants: the process is killed, the application of before goes on writing.
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import pg from 'pg'
import { startChild } from '../harness/child-process.ts'
import { until } from '../harness/wait.ts'
import { CUSTOMERS, shopTables } from './fixture.ts'
import { ownRows, rowsByTenant, type SplitFixture, splitting } from './split-fixture.ts'

const TABLES = ['customer', 'invoice', 'line', 'remark'] as const
// TENANTRY_KILLS takes more of them.
const KILLS = Number(process.env['TENANTRY_KILLS'] ?? 3)

let shop: SplitFixture
const clients: pg.Client[] = []

beforeEach(async () => {
  shop = await splitting('shop.customer', shopTables('shop'))
})

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()))
  await shop.drop()
})

afterAll(() => {
  expect(clients).toEqual([])
})

/** A connection of the application of before. */
async function before(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: shop.adminUrl })
  clients.push(client)
  await client.connect()
  return client
}

async function expectAllMoved(): Promise<void> {
  for (const table of TABLES) expect(await ownRows(shop, table)).toEqual(await rowsByTenant(shop, `shop.${table}`))
}

const isSplit = (line: string): boolean => line.startsWith('split ')

describe('a split that is killed', () => {
  test('at random points is gone on with, and ends with the rows, keys and triggers of every tenant', async () => {
    const points: number[] = []
    const start = () =>
      startChild(new URL('adopt-child.ts', import.meta.url), { args: [shop.adminUrl, shop.file, shop.migrations] })
    for (let at = 0; at < KILLS; at++) {
      const child = start()
      const point = 1 + Math.floor(Math.random() * 40)
      points.push(point)
      await until(() => child.lines.filter(isSplit).length >= point, { timeoutMs: 30_000, what: `line ${point}` })
      await child.kill()
    }
    const last = start()
    await last.line(/^applied$/)
    await last.exited
    await expectAllMoved()
    const { rows } = await shop.database.query<{ keys: number; copied: number }>(
      `select count(*)::int as keys from pg_constraint k join tenantry.tenant t on t.schema_name = k.connamespace::regnamespace::text
        where k.contype = 'f' and k.convalidated`,
    )
    // Of customer, invoice (two), line and remark.
    expect(rows, `killed at ${points.join(', ')}`).toEqual([{ keys: 5 * CUSTOMERS }])
  }, 120_000)

  test('copies no table in a transaction larger than a batch', async () => {
    const done = new Map<string, number[]>()
    await shop.tenantry.adopt.apply(shop.plan, {
      batchSize: 10,
      onProgress: ({ stage, subject, done: rows }) => {
        if (stage === 'split' && subject.includes('shop.')) done.set(subject, [...(done.get(subject) ?? [0]), rows])
      },
    })
    const steps = [...done].flatMap(([subject, rows]) =>
      subject.endsWith('remark') ? [] : rows.slice(1).map((each, at) => each - (rows[at] ?? 0)),
    )
    expect(Math.max(...steps)).toBe(10)
  })
})

describe('while rows are moved', () => {
  test('a write is either moved along or refused, and none is lost', async () => {
    const writer = await before()
    const written: number[] = []
    const refused: string[] = []
    let stop = false
    const write = async () => {
      for (let at = 0; !stop; at++) {
        const customer = 1 + (at % CUSTOMERS)
        await writer
          .query<{ id: number }>(`insert into shop.invoice (customer_id, total) values ($1, $2) returning id::int`, [
            customer,
            at,
          ])
          .then(({ rows }) => written.push(...rows.map(({ id }) => id)))
          .catch((error: unknown) => refused.push(error instanceof pg.DatabaseError ? (error.code ?? '') : 'lost'))
      }
    }
    const writing = write()
    await shop.tenantry.adopt.apply(shop.plan, { batchSize: 10, throttle: 0.5 }).finally(() => (stop = true))
    await writing
    expect(new Set(refused)).toEqual(new Set(['55000']))
    await expectAllMoved()
    const { rows } = await shop.database.query<{ count: number }>(
      'select count(*)::int as count from shop.invoice where id = any ($1)',
      [written],
    )
    expect(rows[0]?.count).toBe(written.length)
    await expect(writer.query(`insert into shop.customer (name) values ('Late')`)).rejects.toMatchObject({
      code: '55000',
      message: 'tenantry: rows of shop.customer have moved into the schema of their tenant',
    })
    await expect(writer.query('truncate shop.remark')).rejects.toMatchObject({ code: '55000' })
  }, 60_000)

  test('a transaction under way is waited for, one with an older view of the database is refused, a new tenant is taken along', async () => {
    await shop.tenantry.adopt.apply(shop.plan, { to: 'keys' })
    const open = await before()
    const old = await before()
    await open.query('begin')
    await open.query('insert into shop.invoice (customer_id, total) values (1, 77)')
    await old.query('begin isolation level repeatable read')
    await old.query('select from shop.customer')
    let late: Promise<unknown> | undefined
    const applied = shop.tenantry.adopt.apply(shop.plan, {
      lockTimeoutMs: 50,
      onProgress: ({ stage, subject }) => {
        if (stage !== 'split' || subject !== 'customer-1') return
        late ??= (async () => {
          await expect(old.query('insert into shop.invoice (customer_id, total) values (1, 88)')).rejects.toMatchObject(
            { code: '40001' },
          )
          await old.query('rollback')
          await old.query(`insert into shop.customer (name) values ('New')`)
        })()
      },
    })
    await until(
      async () => {
        const { rows } = await shop.database.query(
          `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        )
        return rows.length > 0
      },
      { timeoutMs: 20_000, what: 'the move to wait for the writer' },
    )
    await open.query('commit')
    await applied
    await late
    expect(late).toBeDefined()
    await expectAllMoved()
    const { rows } = await shop.database.query(
      `select total::int from tenant_customer_1.invoice where total in (77, 88)`,
    )
    expect(rows).toEqual([{ total: 77 }])
    expect((await shop.tenantry.scope('new').query('select name from customer')).rows).toEqual([{ name: 'New' }])
  }, 60_000)

  test('a tenant that was moved may write, and its rows stay when the run goes on', async () => {
    const stopping = new AbortController()
    const run = shop.tenantry.adopt.apply(shop.plan, {
      signal: stopping.signal,
      onProgress: ({ stage, subject }) => {
        if (stage === 'split' && subject === 'customer-1') stopping.abort()
      },
    })
    await expect(run).rejects.toThrow()
    await shop.tenantry.scope('customer-1').query('insert into invoice (customer_id, total) values (1, 999)')
    await shop.tenantry.adopt.apply(shop.plan)
    const { rows } = await shop.tenantry.scope('customer-1').query('select total::int from invoice where total = 999')
    expect(rows).toEqual([{ total: 999 }])
  }, 60_000)
})
