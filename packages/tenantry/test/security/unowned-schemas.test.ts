// The reference and the schemas that are ready for a tenant belong to nobody yet: no tenant reads or writes in them, and
// verify knows what they are.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { until } from '../harness/wait.ts'

let database: TestDatabase
let admin: CentralDatabase
let tenantry: Tenantry
let folder: string

beforeAll(async () => {
  database = await createTestDatabase()
  admin = openCentralDatabase({ url: database.adminUrl })
  folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-unowned-'))
  await mkdir(path.join(folder, 'tenant'))
  // Rows of migrations are in every schema, so that there is something to be read.
  await writeFile(
    path.join(folder, 'tenant', '0001_plans.sql'),
    `create table plan (tenant_id uuid, name text); insert into plan values (null, 'free');
     create view plan_name as select name from plan;
     create function plan_count() returns bigint language sql stable as 'select count(*) from plan'`,
  )
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: folder, warmSchemas: 2 })
  for (const slug of ['north', 'south']) await tenantry.tenants.create({ name: slug, slug, isolation: 'schema' })
  await tenantry.tenants.create({ name: 'acme', slug: 'acme' })
  await until(async () => (await warm()).length === 2)
})

afterAll(async () => {
  await tenantry.close()
  await admin.close()
  await rm(folder, { recursive: true, force: true })
  await database.drop()
})

const warm = async () =>
  (
    await admin.query<{ name: string }>(
      `select schema_name as name from tenantry.warm_schema where state = 'ready' order by 1`,
    )
  ).rows.map(({ name }) => name)
const unowned = async () => ['tenantry_reference', ...(await warm())]

describe.each(['north', 'acme'])('what is injected into a statement of %s', (slug) => {
  test('reads no row of a schema that belongs to nobody', async () => {
    for (const schema of await unowned()) {
      expect((await admin.query(`select from ${schema}.plan`)).rowCount).toBe(1)
      for (const relation of ['plan', 'plan_name']) {
        const { rows } = await tenantry.scope(slug).query(`select name from ${schema}.${relation}`)
        expect(rows).toEqual([])
      }
      const xml = `select query_to_xml('select name from ${schema}.plan', true, false, '')::text as found`
      const { rows } = await tenantry.scope(slug).query<{ found: string }>(xml)
      expect(rows[0]?.found).not.toContain('free')
    }
  })

  test('writes no row there', async () => {
    for (const schema of await unowned()) {
      const insert = tenantry.scope(slug).query(`insert into ${schema}.plan (name) values ('mine')`)
      await expect(insert).rejects.toMatchObject({ code: '42501' })
      expect((await tenantry.scope(slug).query(`update ${schema}.plan set name = 'mine'`)).rowCount).toBe(0)
      await expect(tenantry.scope(slug).query(`create table ${schema}.mine (id integer)`)).rejects.toMatchObject({
        code: '42501',
      })
    }
  })

  test('does not get at it by re-pointing the path', async () => {
    for (const schema of await unowned()) {
      const text = `select set_config('search_path', '${schema}', true), (select count(*)::integer from ${schema}.plan) as found`
      const { rows } = await tenantry.scope(slug).query<{ found: number }>(text)
      expect(rows[0]?.found).toBe(0)
    }
  })
})

test('nobody can enter under an id that is only reserved', async () => {
  const { rows } = await admin.query<{ id: string }>('select tenant_id as id from tenantry.warm_schema')
  for (const { id } of rows) {
    await expect(tenantry.run({ id }, () => tenantry.pool.query('select 1'))).rejects.toMatchObject({
      code: 'TENANT_NOT_FOUND',
    })
    await expect(tenantry.token({ id })).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
  }
})

test('verify finds nothing wrong with them, and finds a guard that was taken off', async () => {
  expect((await tenantry.verify()).checks.filter(({ ok }) => !ok)).toEqual([])
  for (const schema of await unowned()) {
    await admin.query(`drop policy tenantry_guard on ${schema}.plan`)
    const failed = (await tenantry.verify()).checks.filter(({ ok }) => !ok)
    expect(failed.map(({ subject }) => subject)).toContain(`${schema}.plan`)
    const { rows } = await admin.query<{ id: string }>(
      `select coalesce((select tenant_id from tenantry.warm_schema where schema_name = $1), '00000000-0000-0000-0000-000000000000') as id`,
      [schema],
    )
    const roles = `(select 'tn_' || id || '_app' from tenantry.instance), (select 'tn_' || id || '_central' from tenantry.instance)`
    await admin.query(`drop policy tenantry_central on ${schema}.plan`)
    await admin.query(`select tenantry.guard_schema('${rows[0]?.id}', '${schema}', ${roles})`)
  }
  expect((await tenantry.verify()).ok).toBe(true)
})

test.each(['tenantry_reference', 'tenantry_warm_0123abcd', 'tenantry_mine'])(
  'no tenant can call its schema %s',
  async (schemaName) => {
    const input = { name: 'x', slug: 'x-1', schemaName, isolation: 'schema' as const }
    await expect(tenantry.tenants.create(input)).rejects.toMatchObject({ field: 'schemaName' })
  },
)
