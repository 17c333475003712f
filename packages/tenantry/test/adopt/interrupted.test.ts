// Adoption that is killed, refused a lock, or run twice at once.
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { startChild } from '../harness/child-process.ts'
import { temporaryFolder } from '../harness/cluster.ts'
import { contentOf, faultsOf, shapeOf, shopNames, shopPlan, shopTables, useInstance } from './fixture.ts'

const shop = useInstance()

afterEach(async () => {
  await shop().tenantry.adopt.revert()
})

async function makeShop(schema: string) {
  const { admin } = shop()
  await admin.transaction((tx) => tx.query(shopTables(schema)))
  return shopPlan(admin, schema)
}

// Lines of progress at which the process is killed; each run goes on where the last one stopped.
const fatal = [
  /^tenants tenants 2$/,
  /^columns \S+invoice/,
  /^backfill \S+customer 5$/,
  /^backfill \S+invoice 60$/,
  /^backfill \S+line 305$/,
  /^required \S+line/,
  /^keys \S+invoice/,
  /^keys \S+line/,
  /^observe \S+invoice/,
  /^enforce \S+line/,
]

describe('a process that is killed', () => {
  test('ten times on its way leaves a database in which the next one goes on, to the same end', async () => {
    const { admin, tenantry, database } = shop()
    const plan = await makeShop('killed')
    const before = await contentOf(admin, 'killed', shopNames)
    const folder = await temporaryFolder()
    const file = path.join(folder, 'plan.json')
    await writeFile(file, JSON.stringify(plan))
    const start = () => startChild(new URL('adopt-child.ts', import.meta.url), { args: [database.adminUrl, file] })
    for (const pattern of fatal) {
      const child = start()
      await child.line(pattern)
      await child.kill()
    }
    const last = start()
    await last.line(/^applied$/)
    await last.exited
    await rm(folder, { recursive: true })
    expect(await contentOf(admin, 'killed', shopNames)).toEqual(before)
    expect(await faultsOf(tenantry)).toEqual([])
    expect((await tenantry.adopt.status()).tables.every(({ same }) => same === true)).toBe(true)
    const { rows } = await admin.query('select slug from tenantry.tenant order by slug')
    expect(rows).toEqual([1, 2, 3, 4, 5].map((n) => ({ slug: `customer-${n}` })))
  }, 120_000)
})

describe('an index whose building was interrupted', () => {
  test('is dropped and built again', async () => {
    const { admin, tenantry } = shop()
    const plan = await makeShop('invalid')
    await tenantry.adopt.apply(plan, { to: 'required' })
    // What a killed CREATE INDEX CONCURRENTLY leaves: an index of that name that is not valid.
    await shop().database.superuser.query(
      `create unique index invoice_tenant_id_id_key on invalid.invoice (tenant_id, id);
       update pg_index set indisvalid = false where indexrelid = 'invalid.invoice_tenant_id_id_key'::regclass`,
    )
    await tenantry.adopt.apply(plan, { to: 'keys' })
    const { rows } = await admin.query(
      `select i.indisvalid as valid from pg_index i where i.indexrelid = 'invalid.invoice_tenant_id_id_key'::regclass`,
    )
    expect(rows).toEqual([{ valid: true }])
  })
})

describe('a lock that another session holds', () => {
  test('ends the attempt with LOCK_NOT_TAKEN and nothing half done; later it goes on', async () => {
    const { admin, tenantry, database } = shop()
    const plan = await makeShop('locked')
    await tenantry.adopt.apply(plan, { to: 'tenants' })
    const before = await shapeOf(admin, 'locked')
    const holder = database.open(database.adminUrl)
    await holder.transaction(async (tx) => {
      await tx.query('lock table locked.customer in access share mode')
      const short = { to: 'columns', lockTimeoutMs: 20, lockWaitMs: 200 } as const
      await expect(tenantry.adopt.apply(plan, short)).rejects.toMatchObject({ code: 'LOCK_NOT_TAKEN' })
      expect(await shapeOf(admin, 'locked')).toEqual(before)
    })
    expect(await tenantry.adopt.apply(plan, { to: 'columns' })).toMatchObject({ stage: 'columns' })
  })
})

describe('two runs at once', () => {
  test('the second is refused while the first is at it', async () => {
    const { tenantry } = shop()
    const plan = await makeShop('twice')
    let second: Promise<unknown> | undefined
    await tenantry.adopt.apply(plan, {
      to: 'backfill',
      batchSize: 10,
      onProgress: ({ stage }) => {
        if (stage !== 'backfill') return
        second ??= expect(tenantry.adopt.apply(plan, { to: 'backfill', lockWaitMs: 0 })).rejects.toMatchObject({
          code: 'MIGRATION_RUNNING',
        })
      },
    })
    await second
    expect(second).toBeDefined()
  })
})

describe('a database that goes away in the midst', () => {
  test('is waited for, and the run goes on', async () => {
    const { tenantry, database, admin } = shop()
    const plan = await makeShop('away')
    let ended = 0
    await tenantry.adopt.apply(plan, {
      to: 'keys',
      batchSize: 20,
      onProgress: ({ stage, done }) => {
        if (ended > 3 || done % 2 === 0 || stage === 'tenants') return
        ended += 1
        void database.superuser.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tenantry adopt' and datname = current_database()`,
        )
      },
    })
    expect(ended).toBe(4)
    const { rows } = await admin.query('select count(*)::int as count from away.invoice where tenant_id is null')
    expect(rows).toEqual([{ count: 0 }])
  })
})
