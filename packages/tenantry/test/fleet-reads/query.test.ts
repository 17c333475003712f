import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FleetMerge } from '../../src/features/fleet/fleet.ts'
import { all, type FleetFixture, openFleet } from './fixture.ts'

describe('a statement over the fleet', () => {
  let fleet: FleetFixture

  beforeAll(async () => {
    fleet = await openFleet()
  })

  afterAll(async () => {
    await fleet.close()
  })

  const query = (sql: string, merge?: FleetMerge) =>
    all(fleet.tenantry.fleet.query('a test', sql, merge === undefined ? {} : { merge }))

  test('is answered by row and schema tenants alike, each row with its tenant', async () => {
    const rows = fleet.tenantry.fleet.query('a test', 'select id, product from invoice order by id')
    const read = await all(rows)
    expect(read.toSorted((a, b) => Number(a['id']) - Number(b['id']))).toEqual([
      { tenant: 'acme', id: '0', product: 'pencil' },
      { tenant: 'acme', id: '1', product: 'acme' },
      { tenant: 'globex', id: '10', product: 'pencil' },
      { tenant: 'globex', id: '11', product: 'globex' },
      { tenant: 'north', id: '20', product: 'pencil' },
      { tenant: 'north', id: '21', product: 'north' },
      { tenant: 'south', id: '30', product: 'pencil' },
      { tenant: 'south', id: '31', product: 'south' },
    ])
    expect(rows.tenants).toEqual({ answered: 4, failed: [] })
  })

  test('takes values, and the tenants that a filter names', async () => {
    const select = (filter: object) =>
      all(
        fleet.tenantry.fleet.query('a test', 'select id from invoice where product = $1;', {
          ...{ values: ['pencil'], filter, merge: { order: ['id'] } },
        }),
      )
    expect((await select({ plan: 'pro' })).map((row) => row['tenant'])).toEqual(['acme', 'globex'])
    expect((await select({ isolation: 'schema' })).map((row) => row['tenant'])).toEqual(['north', 'south'])
    expect(await select({ plan: 'none' })).toEqual([])
  })

  test('gives values the types that a query of pg gives them', async () => {
    const [row] = await query(
      "select 1 as whole, true as yes, '2026-01-02'::timestamptz as at, array[1,2] as list, null as no",
    )
    expect(row).toEqual({
      tenant: expect.any(String) as string,
      whole: 1,
      yes: true,
      at: new Date('2026-01-02T00:00:00Z'),
      list: [1, 2],
      no: null,
    })
  })

  test('adds up integers and numerics exactly, over rows that are equal in all other columns', async () => {
    const sql = 'select product, total, pieces from invoice'
    const rows = await query(sql, { sum: ['total', 'pieces'], order: ['product'] })
    expect(rows).toEqual([
      { product: 'acme', total: '1.005', pieces: null },
      { product: 'globex', total: '1.005', pieces: null },
      { product: 'north', total: '1.005', pieces: null },
      { product: 'pencil', total: '0.40', pieces: '36028797018963972' },
      { product: 'south', total: '1.005', pieces: null },
    ])
    expect(await query('select sum(total) as total from invoice', { sum: ['total'] })).toEqual([{ total: '4.420' }])
    expect(await query('select 0.5::float8 as share', { sum: ['share'] })).toEqual([{ share: 2 }])
  })

  test('groups numbers that differ in their scale alone together', async () => {
    const sql = "select case when product = 'acme' then 1.50 else 1.5 end as price, 1 as count from invoice"
    expect(await query(sql, { sum: ['count'] })).toEqual([{ price: '1.5', count: '8' }])
  })

  test('sorts by several columns, descending ones with nulls first, and keeps the first rows', async () => {
    const sql = 'select id, pieces, total from invoice'
    const ids = async (merge: FleetMerge) => (await query(sql, merge)).map((row) => Number(row['id']))
    expect(await ids({ order: ['id'] })).toEqual([0, 1, 10, 11, 20, 21, 30, 31])
    expect(await ids({ order: ['-pieces', '-id'], limit: 5 })).toEqual([31, 21, 11, 1, 30])
    expect(await ids({ order: ['pieces', 'tenant'], limit: 3 })).toEqual([0, 10, 20])
    expect(await ids({ order: ['-tenant', 'total'], limit: 3 })).toEqual([30, 31, 20])
    expect(await ids({ limit: 3 })).toHaveLength(3)
  })

  test.for<[FleetMerge, string, string]>([
    [{ order: ['nothing'] }, 'nothing', 'merge.order'],
    [{ order: ['-nothing'], sum: ['total'] }, 'nothing', 'merge.order'],
    [{ sum: ['nothing'] }, 'nothing', 'merge.sum'],
    [{ sum: ['product'] }, 'product', 'merge.sum'],
    [{ sum: ['total'], order: ['tenant'] }, 'tenant', 'merge.order'],
    [{ limit: 0 }, 'limit', 'merge.limit'],
    [{ order: [''] }, 'order', 'merge.order'],
  ])('refuses %j, naming the column', async ([merge, name, field]) => {
    const rows = query('select product, total from invoice', merge)
    await expect(rows).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(`"${name}"`) as string,
      field,
    })
  })

  test('refuses a column by the name that the slug goes by, and one whose type has no order', async () => {
    await expect(query('select 1 as tenant')).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'sql' })
    await expect(query("select '{}'::jsonb as body", { order: ['body'] })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })

  test.for([
    ['', 'INVALID_INPUT'],
    ['delete from invoice', 'STATEMENT_REFUSED'],
    ['commit', 'STATEMENT_REFUSED'],
    ['do $$ begin end $$', 'STATEMENT_REFUSED'],
    ['selec 1', 'STATEMENT_REFUSED'],
    ['select 1 form invoice', 'STATEMENT_REFUSED'],
    ['select 1; select 2', 'MULTIPLE_STATEMENTS'],
    ['select 1; commit; delete from invoice', 'MULTIPLE_STATEMENTS'],
    ['with gone as (delete from invoice returning *) select * from gone', 'STATEMENT_REFUSED'],
    ['select * into copied from invoice', 'STATEMENT_REFUSED'],
  ])('refuses %j', async ([sql = '', code = '']) => {
    await expect(query(sql)).rejects.toMatchObject({ code })
  })

  test('needs a reason, and reads its rows once', async () => {
    await expect(all(fleet.tenantry.fleet.query(' ', 'select 1'))).rejects.toMatchObject({ code: 'REASON_REQUIRED' })
    const rows = fleet.tenantry.fleet.query('a test', 'select 1 as one')
    expect(await all(rows)).toHaveLength(4)
    await expect(all(rows)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  test('is on record with its reason before anything is read, without the literals', async () => {
    const sql = "select id from invoice where product <> 'secret' and id > 41 -- about Mallory"
    const rows = fleet.tenantry.fleet.query('quarterly totals', sql, { actor: 'ops', filter: { plan: 'pro' } })
    const iterator = rows[Symbol.asyncIterator]()
    await iterator.next()
    const { rows: entries } = await fleet.admin.query(
      "select actor, reason, tenant_id, detail from tenantry.audit_entry where action = 'fleet.query' order by at desc, id desc limit 1",
    )
    expect(entries).toEqual([
      {
        ...{ actor: 'ops', reason: 'quarterly totals', tenant_id: null },
        detail: {
          statement: 'select id from invoice where product <> ? and id > ?',
          filter: { plan: 'pro' },
          merge: {},
        },
      },
    ])
    await iterator.return?.()
  })
})
