import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FleetFixture, openFleet } from './fixture.ts'

describe('the statistics of the fleet', () => {
  let fleet: FleetFixture

  beforeAll(async () => {
    fleet = await openFleet()
    await fleet.admin.query('analyze tenant_north.invoice')
    await fleet.tenantry.members.add('acme', { userId: 'ann', role: 'owner' })
    await fleet.tenantry.keys.create('acme', { name: 'a key', permissions: ['tenants:read'] })
  })

  afterAll(async () => {
    await fleet.close()
  })

  test('are nothing before they are counted, and say when they were', async () => {
    expect(await fleet.tenantry.fleet.statistics()).toEqual({ refreshedAt: null, ageMs: null, items: [] })
    expect(await fleet.tenantry.fleet.refreshStatistics()).toBe(4)
    const { refreshedAt, items } = await fleet.tenantry.fleet.statistics()
    expect(refreshedAt).toMatch(/^\d{4}-/)
    expect(items.map(({ slug }) => slug)).toEqual(['acme', 'globex', 'north', 'south'])
    expect(items[0]).toMatchObject({ members: 1, activeMembers: 1, keys: 1, organizations: 0, rows: 2, plan: 'pro' })
    expect(items[1]).toMatchObject({ members: 0, keys: 0, rows: 2 })
    expect(items[2]).toMatchObject({ rows: 2, isolation: 'schema' })
    for (const { sizeBytes } of items) expect(sizeBytes).toBeGreaterThan(0)
    const pro = await fleet.tenantry.fleet.statistics({ filter: { plan: 'pro' } })
    expect(pro.items.map(({ slug }) => slug)).toEqual(['acme', 'globex'])
  })

  test('share a shared table out by rows, without counting partitions twice', async () => {
    await fleet.admin.query(`create table reading (at date not null) partition by range (at);
      create table reading_2026 partition of reading for values from ('2026-01-01') to ('2027-01-01')`)
    await fleet.tenantry.protect('reading')
    for (const slug of ['acme', 'acme', 'acme', 'globex']) {
      await fleet.tenantry.scope(slug).query("insert into reading (at) values ('2026-05-01')")
    }
    await fleet.tenantry.fleet.refreshStatistics()
    const { items } = await fleet.tenantry.fleet.statistics({ filter: { isolation: 'row' } })
    expect(items.map(({ rows }) => rows)).toEqual([5, 3])
  })

  test('are read by a tenant as its own row alone, and changed by none', async () => {
    await fleet.tenantry.fleet.refreshStatistics()
    for (const slug of ['acme', 'north']) {
      const { id } = await fleet.tenantry.tenants.get(slug)
      const scope = fleet.tenantry.scope(slug)
      const { rows } = await scope.query('select tenant_id from tenantry.tenant_stats')
      expect(rows).toEqual([{ tenant_id: id }])
      const { rows: sizes } = await scope.query<{ size: string }>('select tenantry.get_tenant_database_size() as size')
      expect(Number(sizes[0]?.size)).toBeGreaterThan(0)
      for (const sql of [
        'update tenantry.tenant_stats set members = 0',
        'select tenantry.refresh_statistics()',
        'select * from tenantry.shared_table_shares()',
      ]) {
        await expect(scope.query(sql)).rejects.toMatchObject({ code: '42501' })
      }
    }
  })
})
