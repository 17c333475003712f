// The single-tenant application goes on writing, by its own login, through every stage.
import { afterEach, describe, expect, test } from 'vitest'
import type { AdoptPlan, AdoptStage } from '../../src/features/adopt/plan.ts'
import { contentOf, shopNames, shopPlan, shopTables, useInstance } from './fixture.ts'

const shop = useInstance()
let named = 0

async function makeShop(given: Partial<AdoptPlan> = {}) {
  const { admin } = shop()
  named += 1
  const schema = `live_${named}`
  await admin.transaction((tx) => tx.query(shopTables(schema)))
  return { schema, plan: await shopPlan(admin, schema, given) }
}

afterEach(async () => {
  await shop().tenantry.adopt.revert()
})

const value = async (text: string) => {
  const { rows } = await shop().admin.query<{ value: unknown }>(`select (${text}) as value`)
  return rows[0]?.value
}

/** What the application of before does between two stages: every kind of write. */
async function work(schema: string, round: number): Promise<void> {
  const { admin } = shop()
  await admin.transaction(async (tx) => {
    await tx.query(`set local search_path = ${schema}`)
    await tx.query(`with c as (insert into customer (name) values ('New ${round}') returning id),
      i as (insert into invoice (customer_id, total) select id, ${round} from c returning id)
      select from c, i`)
    await tx.query(`insert into line (invoice_id, number, text) select max(id), 1, 'late' from invoice`)
    await tx.query(`insert into remark select invoice_id, number, '{}' from line where text = 'late'
      and not exists (select from remark where line_invoice = invoice_id)`)
    await tx.query(`update invoice set total = total + 1 where id % 7 = ${round % 7}`)
    await tx.query(`delete from line where invoice_id % 11 = ${round % 11} and number = 2`)
    // Moves an invoice, and with it its lines and their remarks, to another customer.
    await tx.query(`update invoice set customer_id = 1 + customer_id % 5 where id = ${20 + round} and replaces is null`)
  })
}

const stages: readonly AdoptStage[] = ['tenants', 'columns', 'backfill', 'required', 'keys', 'observe', 'pilot']

describe('while the application goes on writing', () => {
  test('no row is missed, none is lost, and every row has the tenant of its customer', async () => {
    const { tenantry, admin } = shop()
    const { schema, plan } = await makeShop()
    for (const [round, to] of stages.entries()) {
      await tenantry.adopt.apply(plan, { to, batchSize: 20 })
      await work(schema, round)
    }
    const before = await contentOf(admin, schema, shopNames)
    const { tables } = await tenantry.adopt.apply(plan)
    expect(tables.map(({ same }) => same)).toEqual(tables.map(() => true))
    expect(await contentOf(admin, schema, shopNames)).toEqual(before)
    const mapped = `join tenantry.adopt_tenant m on m.root_key = i.customer_id::text and m.registered_at is not null`
    expect(
      await value(
        `select count(*)::int from ${schema}.invoice i left ${mapped} where m.tenant_id is distinct from i.tenant_id`,
      ),
    ).toBe(0)
    expect(
      await value(
        `select count(*)::int from ${schema}.line l join ${schema}.invoice i on i.id = l.invoice_id where l.tenant_id <> i.tenant_id`,
      ),
    ).toBe(0)
    expect(
      await value(
        `select count(*)::int from ${schema}.remark r join ${schema}.line l on (l.invoice_id, l.number) = (r.line_invoice, r.line_number) where l.tenant_id <> r.tenant_id`,
      ),
    ).toBe(0)
    expect(await value(`select count(*)::int from ${schema}.customer where tenant_id is null`)).toBe(0)
    expect(await value(`select count(*)::int from tenantry.tenant where slug like 'new-%'`)).toBe(stages.length)
  })

  test('a row that is written in the midst of the backfill has its tenant at once', async () => {
    const { tenantry, admin } = shop()
    const { schema, plan } = await makeShop()
    let writes = 0
    await tenantry.adopt.apply(plan, {
      to: 'backfill',
      batchSize: 10,
      throttle: 0.1,
      onProgress: ({ stage }) => {
        if (stage === 'backfill' && writes++ < 30)
          void admin.query(`insert into ${schema}.invoice (customer_id, total) values (1, 1)`)
      },
    })
    expect(writes).toBeGreaterThan(30)
    expect(await value(`select count(*)::int from ${schema}.invoice where tenant_id is null`)).toBe(0)
  })

  test('a change behind the back of what is noted is a mismatch that names the table', async () => {
    const { tenantry, database } = shop()
    const { schema, plan } = await makeShop()
    await tenantry.adopt.apply(plan, { to: 'columns' })
    await database.superuser.transaction(async (tx) => {
      await tx.query('set local session_replication_role = replica')
      await tx.query(`update ${schema}.invoice set total = total + 1 where id = 7`)
    })
    await expect(tenantry.adopt.apply(plan, { to: 'backfill' })).rejects.toMatchObject({
      code: 'ADOPT_MISMATCH',
      message: expect.stringContaining(`${schema}.invoice`) as string,
    })
  })

  test('a truncated table is compared with what was written since', async () => {
    const { tenantry, admin } = shop()
    const { schema, plan } = await makeShop()
    await tenantry.adopt.apply(plan, { to: 'columns' })
    await admin.query(`truncate ${schema}.remark`)
    await admin.query(`insert into ${schema}.remark select invoice_id, number, '{}' from ${schema}.line limit 3`)
    const { tables } = await tenantry.adopt.apply(plan, { to: 'backfill' })
    expect(tables.find(({ table }) => table === `${schema}.remark`)).toMatchObject({ rowsNow: 3, same: true })
  })
})

describe('while it is observed', () => {
  test('the application of now reaches all rows, and whose they are not is counted by table', async () => {
    const { tenantry } = shop()
    const { schema, plan } = await makeShop({ pilot: ['customer-2'] })
    await tenantry.adopt.apply(plan, { to: 'observe' })
    const count = async (slug: string) => {
      const { rows } = await tenantry.scope(slug).query(`select count(*)::int as count from ${schema}.invoice`)
      return (rows[0] as { count: number }).count
    }
    expect(await count('customer-1')).toBe(200)
    await tenantry
      .scope('customer-1')
      .query(`select count(*) from ${schema}.line where tenant_id = (select id from tenantry.tenant)`)
    const { observed, observingUntil } = await tenantry.adopt.status()
    expect(observed).toMatchObject([{ table: `${schema}.invoice`, count: 1 }])
    // A day, and no longer.
    const hours = (Date.parse(observingUntil ?? '') - Date.now()) / 3_600_000
    expect(Math.round(hours)).toBe(24)
    const { statements } = (await tenantry.adopt.statements(plan)).find(({ stage }) => stage === 'observe') ?? {}
    expect(statements?.at(-1)).toContain('Slow for the application')
    await tenantry.adopt.apply(plan, { to: 'pilot' })
    // The pilot sees its own 40 rows alone; others see all but those.
    expect(await count('customer-2')).toBe(40)
    expect(await count('customer-1')).toBe(160)
    expect(await value(`select count(*)::int from ${schema}.invoice`)).toBe(200)
  })

  test('nothing is noted when the time is over', async () => {
    const { tenantry } = shop()
    const { schema, plan } = await makeShop()
    await tenantry.adopt.apply(plan, { to: 'observe', observeMs: 0 })
    await tenantry.scope('customer-1').query(`select count(*) from ${schema}.invoice`)
    expect(await tenantry.adopt.status()).toMatchObject({ observed: [], observingUntil: null })
  })
})
