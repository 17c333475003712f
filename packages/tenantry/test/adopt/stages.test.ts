// A plan applied stage by stage to a shop whose customers become tenants, and taken back again.
import { describe, expect, test } from 'vitest'
import { adoptStages } from '../../src/features/adopt/plan.ts'
import { contentOf, CUSTOMERS, faultsOf, shapeOf, shopNames, shopPlan, shopTables, useInstance } from './fixture.ts'

const shop = useInstance()

async function makeShop(schema: string) {
  const { admin } = shop()
  await admin.transaction((tx) => tx.query(shopTables(schema)))
  return shopPlan(admin, schema)
}

const count = async (text: string) => {
  const { rows } = await shop().admin.query<{ count: number }>(`select (${text})::int as count`)
  return rows[0]?.count
}

describe('all stages', () => {
  test('end with every row in its tenant, the rows as they were, and nothing left to find fault with', async () => {
    const { admin, tenantry } = shop()
    const plan = await makeShop('whole')
    const before = await contentOf(admin, 'whole', shopNames)
    const status = await tenantry.adopt.apply(plan)
    expect(status.stage).toBe('enforce')
    expect(status.stages.map(({ state }) => state)).toEqual(adoptStages.map(() => 'done'))
    expect(status.tables.every(({ same }) => same === true)).toBe(true)
    expect(await contentOf(admin, 'whole', shopNames)).toEqual(before)
    for (let customer = 1; customer <= CUSTOMERS; customer++) {
      const sums = await tenantry
        .scope(`customer-${customer}`)
        .query(
          'select count(*)::int as invoices, sum(total)::float8 as total, (select count(*)::int from whole.line) as lines from whole.invoice',
        )
      const { rows } = await admin.query(
        `select count(*)::int as invoices, sum(total)::float8 as total, count(*)::int * 3 as lines from whole.invoice where customer_id = $1`,
        [customer],
      )
      expect(sums.rows).toEqual(rows)
    }
    expect(await faultsOf(tenantry)).toEqual([])
  })

  test('can be applied again without doing anything', async () => {
    const { admin, tenantry } = shop()
    const before = await shapeOf(admin, 'whole')
    const { plan } = await tenantry.adopt.status()
    await tenantry.adopt.apply(plan)
    expect(await shapeOf(admin, 'whole')).toEqual(before)
  })

  test('are taken back exactly', async () => {
    const { admin, tenantry } = shop()
    await tenantry.adopt.revert()
    await admin.transaction((tx) => tx.query(shopTables('untouched')))
    const asText = async (schema: string) => JSON.stringify(await shapeOf(admin, schema)).replaceAll(`${schema}.`, '')
    expect(await asText('whole')).toBe(await asText('untouched'))
    expect(await contentOf(admin, 'whole', shopNames)).toEqual(await contentOf(admin, 'untouched', shopNames))
    expect(await count('select count(*) from tenantry.tenant')).toBe(0)
    expect(await tenantry.adopt.status()).toMatchObject({ stage: null })
  })
})
