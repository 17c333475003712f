// Real data, loaded through tenants' scopes, answers every question as a plain database does: for a row tenant whose
// tables a second tenant shares, and for a schema tenant that has the same keys.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '../../src/engine/sql/pg.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { skipUnless } from '../harness/skip.ts'
import { chinookCounts, chinookQuestions, chinookTables, findChinook, readChinook } from '../support/chinook.ts'

const path = findChinook()
const chinook = path === undefined ? undefined : readChinook(path)
const migrations = mkdtempSync(join(tmpdir(), 'tenantry-chinook-'))

let plain: TestDatabase
let database: TestDatabase
let plainClient: InstanceType<typeof Client>
let tenantry: Tenantry

beforeAll(async () => {
  if (chinook === undefined) return
  plain = await createTestDatabase()
  plainClient = new Client({ connectionString: plain.adminUrl })
  await plainClient.connect()
  await plainClient.query(`begin; ${[chinook.ddl, ...chinook.inserts, 'commit'].join(';\n')}`)
  // The DDL as the file has it, for the tables that row tenants share and for those of each schema tenant.
  for (const folder of ['shared', 'tenant']) {
    mkdirSync(join(migrations, folder))
    writeFileSync(join(migrations, folder, '0001_chinook.sql'), `${chinook.ddl};\n`)
  }
  database = await createTestDatabase()
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations })
  // Children first: a foreign key takes the tenant in as soon as both of its ends are protected.
  for (const table of chinookTables.toReversed()) await tenantry.protect(table)
  await tenantry.tenants.create({ name: 'The shop', slug: 'shop' })
  await tenantry.tenants.create({ name: 'A shop in the same tables', slug: 'neighbour' })
  await tenantry.tenants.create({ name: 'A shop of its own', slug: 'boutique', isolation: 'schema' })
})

afterAll(async () => {
  rmSync(migrations, { recursive: true, force: true })
  if (chinook === undefined) return
  await tenantry.close()
  await plainClient.end()
  await database.drop()
  await plain.drop()
})

/** Loads the whole file through the tenant's scope: its own INSERTs, in one transaction. */
async function load(slug: string): Promise<void> {
  await tenantry.scope(slug).transaction(async (tx) => {
    for (const insert of chinook?.inserts ?? []) await tx.query(insert)
  })
}

/** Rows of every table that no other tenant's may mix with; their keys lie beside those of the file. */
async function loadNeighbour(): Promise<void> {
  await tenantry.scope('neighbour').transaction(async (tx) => {
    for (const insert of neighbourRows) await tx.query(insert)
  })
}

const neighbourRows = [
  `insert into artist values (900001, 'Iron Maiden')`,
  `insert into album values (900001, 'Another album', 900001)`,
  `insert into genre values (900001, 'Rock')`,
  `insert into media_type values (900001, 'Shellac')`,
  `insert into track values (900001, 'Another track', 900001, 900001, 900001, null, 99999999, 1, 1000)`,
  `insert into playlist values (900001, 'Music')`,
  'insert into playlist_track values (900001, 900001)',
  `insert into employee (employee_id, last_name, first_name) values (900001, 'Peacock', 'Jane')`,
  `insert into customer (customer_id, first_name, last_name, email, support_rep_id)
   values (900001, 'Frank', 'Harris', 'f@example.com', 900001)`,
  `insert into invoice (invoice_id, customer_id, invoice_date, billing_country, total)
   values (900001, 900001, '2026-01-01', 'USA', 1000)`,
  'insert into invoice_line values (900001, 900001, 900001, 1000, 1)',
]

async function plainRows(text: string): Promise<object[]> {
  return (await plainClient.query<object>(text)).rows
}

async function scopedRows(slug: string, text: string): Promise<object[]> {
  return (await tenantry.scope(slug).query<object>(text)).rows
}

const REASON = 'the Chinook file is not here; name it with TENANTRY_CHINOOK'

describe('Chinook', () => {
  it('loads into a row tenant, a second one in the same tables and a schema tenant', async (context) => {
    skipUnless(context, chinook !== undefined, REASON)
    await load('shop')
    await loadNeighbour()
    await load('boutique')
    await tenantry.asCentral('as autovacuum would', (central) => central.query('analyze'))
    const { rows } = await tenantry.asCentral('count the rows of all', (central) =>
      central.query<Record<string, string>>(chinookCounts),
    )
    const [own] = (await plainRows(chinookCounts)) as Record<string, string>[]
    const withNeighbour = Object.entries(own ?? {}).map(([table, count]) => [table, String(Number(count) + 1)])
    expect(rows).toEqual([Object.fromEntries(withNeighbour)])
  })

  it.for(['shop', 'boutique'])(
    'has the row counts of the plain database in each table of %s',
    async (slug, context) => {
      skipUnless(context, chinook !== undefined, REASON)
      const counts = await plainRows(chinookCounts)
      expect(Object.keys(counts[0] ?? {})).toHaveLength(11)
      expect(await scopedRows(slug, chinookCounts)).toEqual(counts)
    },
  )

  it('shows the neighbour one row in each table', async (context) => {
    skipUnless(context, chinook !== undefined, REASON)
    expect(await scopedRows('neighbour', chinookCounts)).toEqual([
      Object.fromEntries(chinookTables.map((table) => [table, '1'])),
    ])
  })

  const cases = Object.entries(chinookQuestions).flatMap(([name, text]) =>
    ['shop', 'boutique'].map((slug) => ({ name, slug, text })),
  )
  it.for(cases)('answers as the plain database: $name, in $slug', async ({ slug, text }, context) => {
    skipUnless(context, chinook !== undefined, REASON)
    const answer = await plainRows(text)
    expect(answer.length).toBeGreaterThan(4)
    expect(await scopedRows(slug, text)).toEqual(answer)
  })

  it('has put the tenant into every foreign key, so that none reaches the other tenant', async (context) => {
    skipUnless(context, chinook !== undefined, REASON)
    const { rows } = await tenantry.asCentral('read the keys', (central) =>
      central.query<{ keys: string; tenants: string }>(
        `select count(*) as keys, count(*) filter (where pg_get_constraintdef(oid) like '%(tenant_id, %(tenant_id, %') as tenants
           from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`,
      ),
    )
    expect(rows).toEqual([{ keys: '11', tenants: '11' }])
    const album = tenantry.scope('neighbour').query("insert into album values (900002, 'Stolen', 1)")
    await expect(album).rejects.toMatchObject({ code: '23503' })
  })
})
