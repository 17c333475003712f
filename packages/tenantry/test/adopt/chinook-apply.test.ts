// Chinook adopted with its customers, and with its support agents, as tenants: every row is in one tenant or global on
// purpose, and what was sold to whom adds up as before.
import { afterEach, describe, expect, test } from 'vitest'
import { makePlan } from '../../src/features/adopt/plan-make.ts'
import type { AdoptPlan } from '../../src/features/adopt/plan.ts'
import { skipUnless } from '../harness/skip.ts'
import { chinookTables, findChinook, readChinook } from '../support/chinook.ts'
import { contentOf, faultsOf, shapeOf, useInstance } from './fixture.ts'

const shop = useInstance()
const path = findChinook()

async function load(): Promise<void> {
  const { admin } = shop()
  const { ddl, inserts } = readChinook(path ?? '')
  await admin.query('drop schema if exists public cascade; create schema public')
  await admin.query(ddl)
  for (const insert of inserts) await admin.query(insert)
}

afterEach(async () => {
  await shop().tenantry.adopt.revert()
})

/** What is left open is of all tenants: artists, tracks and the like. */
const decided = async (table: string): Promise<AdoptPlan> => {
  const { admin } = shop()
  const first = await makePlan(admin, { root: { table } })
  const answers = first.questions.map(({ table: asked }) => ({
    table: asked,
    decision: 'global' as const,
    via: null,
    orphans: null,
  }))
  return makePlan(admin, { root: { table }, answers })
}

describe('Chinook', () => {
  const roots = [
    { root: 'customer', tenants: 59, of: 'customer_id' },
    {
      root: 'employee',
      tenants: 8,
      of: '(select support_rep_id from customer c where c.customer_id = invoice.customer_id)',
    },
  ]
  test.for(roots)('by $root', async ({ root, tenants, of }, context) => {
    skipUnless(context, path !== undefined, 'the Chinook file is absent')
    const { admin, tenantry } = shop()
    await load()
    const shape = await shapeOf(admin, 'public')
    const before = await contentOf(admin, 'public', chinookTables)
    const plan = await decided(root)
    const status = await tenantry.adopt.apply(plan, { batchSize: 500 })
    expect(status.tables.every(({ same }) => same === true)).toBe(true)
    expect(await contentOf(admin, 'public', chinookTables)).toEqual(before)
    expect(await faultsOf(tenantry)).toEqual([])
    const sums = await admin.query(
      `select ${of} as key, tenant_id, sum(total)::text as total from invoice group by 1, 2 order by 1`,
    )
    const original = await admin.query(
      `select ${of} as key, sum(total)::text as total from invoice group by 1 order by 1`,
    )
    expect(sums.rows.map(({ key, total }) => ({ key, total }))).toEqual(original.rows)
    expect(new Set(sums.rows.map(({ tenant_id: id }) => id)).size).toBe(original.rows.length)
    for (const { tenant_id: id, total } of sums.rows) {
      const own = await tenantry.scope({ id: String(id) }).query('select sum(total)::text as total from invoice')
      expect(own.rows).toEqual([{ total }])
    }
    const registered = await admin.query('select count(*)::int as n from tenantry.tenant')
    expect(registered.rows).toEqual([{ n: tenants }])
    await tenantry.adopt.revert()
    expect(await shapeOf(admin, 'public')).toEqual(shape)
    expect(await contentOf(admin, 'public', chinookTables)).toEqual(before)
  })
})
