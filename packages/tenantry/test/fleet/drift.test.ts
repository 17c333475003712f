import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DriftReport } from '../../src/features/migrations/fleet.ts'
import { fileOf, first, type FleetFixture, openFleetFixture, second } from './fixture.ts'

let fixture: FleetFixture

beforeAll(async () => {
  fixture = await openFleetFixture()
})
afterAll(() => fixture.close())
beforeEach(async () => {
  await fixture.clear()
  await fixture.add(4)
})

const scriptOf = ({ drifted }: DriftReport, slug: string): string =>
  (drifted.find((tenant) => tenant.slug === slug)?.differences ?? []).flatMap(({ mend }) => mend ?? []).join(';')

describe('drift', () => {
  test('of tenants that are as their migrations made them is none', async () => {
    expect(await fixture.fleet([first]).drift()).toEqual({ target: first.name, checked: 4, drifted: [], pending: 0 })
  })

  test('names the tenant and what differs, and the printed statements mend it', async () => {
    await fixture.rows(`drop policy tenantry_guard on tenant_t_2.invoice; create index by_hand on tenant_t_2.invoice (total);
      alter table tenant_t_3.customer alter column name drop not null`)
    const report = await fixture.fleet([first]).drift()
    expect(report.drifted.map(({ slug }) => slug)).toEqual(['t-2', 't-3'])
    expect(report.drifted[0]?.differences.map(({ kind, name, change }) => `${change} ${kind} ${name}`)).toEqual([
      'extra index by_hand',
      'missing policy invoice.tenantry_guard',
    ])
    for (const { slug, schemaName } of report.drifted) {
      await fixture.rows(`begin; set local search_path = ${schemaName}; ${scriptOf(report, slug)}; commit`)
    }
    expect((await fixture.fleet([first]).drift()).drifted).toEqual([])
    expect(await fixture.unlikeReference()).toEqual([])
  })

  test('sees a guard that was given another tenant’s id, and gives the tenant’s own back', async () => {
    const [other] = await fixture.rows(`select id from tenantry.tenant where slug = 't-1'`)
    await fixture.rows(`alter policy tenantry_guard on tenant_t_4.customer
      using ((select tenantry.current_tenant_id()) = '${String(other?.id)}'::uuid)`)
    const report = await fixture.fleet([first]).drift()
    expect(report.drifted.map(({ slug }) => slug)).toEqual(['t-4'])
    await fixture.rows(`begin; set local search_path = tenant_t_4; ${scriptOf(report, 't-4')}; commit`)
    expect(await fixture.unlikeReference()).toEqual([])
  })

  test('compares tenants that are behind with what their own files make', async () => {
    await fixture.fleet([first, second]).up({ tenants: ['t-1'] })
    await fixture.rows(
      `alter table tenant_t_2.customer add column by_hand text; alter table tenant_t_1.customer add column by_hand text`,
    )
    const report = await fixture.fleet([first, second]).drift()
    expect(report).toMatchObject({ target: second.name, checked: 4, pending: 3 })
    expect(report.drifted.map(({ slug, differences }) => [slug, differences.map(({ name }) => name)])).toEqual([
      ['t-1', ['customer', 'customer.by_hand']],
      ['t-2', ['customer', 'customer.by_hand']],
    ])
  })

  test('of a failed migration says why: the tenant that was changed by hand', async () => {
    await fixture.rows('alter table tenant_t_3.invoice alter column total set default 0')
    const run = await fixture.fleet([first, second]).up({ maxFailureRatio: 1 })
    expect(run.failures.map(({ slug, code }) => [slug, code])).toEqual([['t-3', 'MIGRATION_UNPROVEN']])
    const report = await fixture.fleet([first, second]).drift()
    expect(report.drifted.map(({ slug }) => slug)).toEqual(['t-3'])
    expect(scriptOf(report, 't-3')).toBe('alter table invoice alter column total drop default')
    await fixture.rows(`begin; set local search_path = tenant_t_3; ${scriptOf(report, 't-3')}; commit`)
    expect(await fixture.fleet([first, second]).retry()).toMatchObject({ state: 'complete', done: 1, failures: [] })
  })

  test('is looked for in the chosen tenants alone', async () => {
    await fixture.rows('drop table tenant_t_1.invoice; drop table tenant_t_2.invoice')
    const report = await fixture.fleet([first]).drift({ tenants: ['t-2', 't-3'] })
    expect(report).toMatchObject({ checked: 2 })
    expect(report.drifted.map(({ slug }) => slug)).toEqual(['t-2'])
    await expect(fixture.fleet([first]).drift({ tenants: ['nobody'] })).rejects.toMatchObject({
      code: 'TENANT_NOT_FOUND',
    })
  })

  test('says of a schema that is gone that it is, and of changed files that they are', async () => {
    await fixture.rows('drop schema tenant_t_1 cascade')
    expect((await fixture.fleet([first]).drift()).drifted).toMatchObject([
      { slug: 't-1', differences: [{ kind: 'schema', change: 'missing', mend: null }] },
    ])
    const changed = fileOf(first.name, `${first.text};`)
    await expect(fixture.fleet([changed]).drift()).rejects.toMatchObject({ code: 'MIGRATION_CHANGED' })
  })

  test('changes nothing: no schema, ledger, state or run is another one after it', async () => {
    const seen = () =>
      fixture.rows(`select (select count(*) from pg_namespace) as schemas, (select count(*) from pg_class) as relations,
        (select count(*) from tenantry.migration) as ledger, (select json_agg(r) from tenantry.migration_reference r) as reference,
        (select json_agg(s order by tenant_id) from tenantry.migration_state s) as state, (select count(*) from tenantry.migration_run) as runs`)
    await fixture.rows(
      'delete from tenantry.migration_reference; drop schema tenantry_reference cascade; drop view if exists x',
    )
    const before = await seen()
    expect(await fixture.fleet([first, second]).drift()).toMatchObject({ checked: 4, drifted: [] })
    expect(await seen()).toEqual(before)
  })
})
