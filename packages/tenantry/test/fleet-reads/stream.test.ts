// How rows come: as fast as they are read, with cursors that end when nobody reads on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../harness/wait.ts'
import { all, type FleetFixture, openFleet } from './fixture.ts'

describe('the rows of a fleet read', () => {
  let fleet: FleetFixture

  beforeAll(async () => {
    fleet = await openFleet()
  })

  afterAll(async () => {
    await fleet.close()
  })

  const open = async (state: string) => {
    const { rows } = await fleet.superuser.query(
      `select from pg_stat_activity where datname = current_database() and application_name = 'tenantry' and state = $1 and pid <> pg_backend_pid()`,
      [state],
    )
    return rows.length
  }

  test('come while the tenants are still being read, and end all cursors at a break', async () => {
    let read = 0
    // Fifty million rows: only what is read is ever made, or this would not end in time.
    for await (const row of fleet.tenantry.fleet.query('a test', 'select generate_series(1, 12500000) as n')) {
      if (read === 1000) expect(await open('idle in transaction')).toBeGreaterThan(0)
      if (read++ > 5000) break
      expect(row['n']).toBeTypeOf('number')
    }
    expect(await open('idle in transaction')).toBe(0)
    expect(await open('active')).toBe(0)
  })

  test('are held back by whoever reads them: no more than two batches a tenant wait', async () => {
    const before = process.memoryUsage().heapUsed
    const rows = fleet.tenantry.fleet.query(
      'a test',
      `select repeat('x', 10000) as text from generate_series(1, 100000)`,
    )
    const iterator = rows[Symbol.asyncIterator]()
    await iterator.next()
    await until(async () => (await open('idle in transaction')) === 4)
    // Four gigabytes in the database; 4 tenants × 2 batches × 250 rows × 10 kB here.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(80e6)
    await iterator.return?.()
  })

  test('are refused where more would have to be held to sort them than there is room for; a limit mends it', async () => {
    const sql = `select n, repeat('x', 1000000) as text from generate_series(1, 20) n`
    const sorted = (limit?: number) => {
      const merge = { order: ['n', 'tenant'], ...(limit !== undefined && { limit }) }
      return all(fleet.tenantry.fleet.query('a test', sql, { merge }))
    }
    await expect(sorted()).rejects.toMatchObject({
      ...{ code: 'INVALID_INPUT', field: 'merge.limit' },
      message: 'There are more rows to sort than are held at once (64 MB).',
    })
    expect([await open('active'), await open('idle in transaction')]).toEqual([0, 0])
    expect((await sorted(2)).map(({ tenant, n }) => [tenant, n])).toEqual([
      ['acme', 1],
      ['globex', 1],
    ])
  })

  test('keep no more than the limit of a sorted answer', async () => {
    const sql = 'select n, md5(n::text) as text from generate_series(1, 50000) n'
    const rows = await all(fleet.tenantry.fleet.query('a test', sql, { merge: { order: ['-n', 'tenant'], limit: 4 } }))
    expect(rows.map(({ tenant, n }) => [tenant, n])).toEqual([
      ['acme', 50000],
      ['globex', 50000],
      ['north', 50000],
      ['south', 50000],
    ])
  })

  test('stop at once when the signal is aborted, also in the middle of a statement', async () => {
    const stop = new AbortController()
    const rows = fleet.tenantry.fleet.query('a test', 'select pg_sleep(60)', { signal: stop.signal })
    const reading = all(rows)
    await until(async () => (await open('active')) > 0)
    stop.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
    await until(async () => (await open('active')) === 0)
    const never = fleet.tenantry.fleet.query('a test', 'select 1', { signal: stop.signal })
    await expect(all(never)).rejects.toThrow('enough')
  })

  test('leave an error of the reader as it is, and give every connection back', async () => {
    const reading = async () => {
      for await (const row of fleet.tenantry.fleet.query('a test', 'select generate_series(1, 100000)'))
        throw new Error(String(row['tenant']))
    }
    await expect(reading()).rejects.toThrow(/^(acme|globex|north|south)$/)
    expect(await open('idle in transaction')).toBe(0)
  })

  test('can be read from inside a tenant, and do not change in which one the reader is', async () => {
    await fleet.tenantry.run('acme', async () => {
      const tenants = new Set<unknown>()
      for await (const { tenant } of fleet.tenantry.fleet.query('a test', 'select 1 as one')) {
        tenants.add(tenant)
        expect(fleet.tenantry.current()?.slug).toBe('acme')
      }
      expect(tenants.size).toBe(4)
    })
  })

  test('are not passed off as whole where a tenant has failed: the others come, then the error', async () => {
    const read: unknown[] = []
    const rows = fleet.tenantry.fleet.query('a test', "select 1 / (product <> 'north')::int from invoice", {
      filter: { isolation: 'schema' },
    })
    const reading = async () => {
      for await (const { tenant } of rows) read.push(tenant)
    }
    const { id } = await fleet.tenantry.tenants.get('north')
    await expect(reading()).rejects.toMatchObject({
      code: 'FLEET_INCOMPLETE',
      message: expect.stringContaining(id) as string,
    })
    expect(rows.tenants).toMatchObject({ answered: 1, failed: [{ tenantId: id }] })
    expect(read).toEqual(['south', 'south'])
  })
})
