// verify beside what else there is: whatever the product sets up itself, on request, must not look like a hole to it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
let tenantry: Tenantry

beforeAll(async () => {
  database = await createTestDatabase()
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  await tenantry.asCentral('tables', (central) =>
    central.query(`create table invoice (id uuid primary key default gen_random_uuid(), note text);
      create table country (code text primary key)`),
  )
  await tenantry.protect('invoice')
  for (const isolation of ['row', 'schema'] as const) {
    await tenantry.tenants.create({ name: isolation, slug: `a-${isolation}`, isolation })
  }
})

afterAll(async () => {
  await tenantry.close()
  await database.drop()
})

const instanceId = () =>
  tenantry.asCentral('the instance', async (central) => {
    const { rows } = await central.query<{ id: string }>('select id from tenantry.instance')
    return rows[0]?.id
  })
const failures = async () => {
  const { checks } = await tenantry.verify()
  return checks.filter(({ ok, severity }) => !ok && severity !== 'warning').map(({ name, subject }) => [name, subject])
}

test('finds nothing in gateways that were let at a table', async () => {
  for (const gateway of ['postgrest', 'hasura'] as const) await tenantry.externalAccess.allow(gateway, 'invoice')
  expect(await failures()).toEqual([])
})

test.each([
  'to public using (true)',
  'to %I using (true)',
  'to %I using (tenant_id = tenantry.external_tenant_id($$postgrest$$))',
])('finds a policy that only goes by the name of a gateway’s: %s', async (rest) => {
  const role = `tn_${(await instanceId()) ?? ''}_postgrest`
  await tenantry.asCentral('a forged policy', (central) =>
    central.query(
      `drop policy tenantry_postgrest on invoice; create policy tenantry_postgrest on invoice ${rest.replace('%I', role)}`,
    ),
  )
  expect(await failures()).toContainEqual(['gateway policy has the generated form', 'public.invoice for postgrest'])
  await expect(tenantry.verify({ fix: true })).resolves.toMatchObject({ ok: true })
})

test('finds nothing in direct credentials, a global table and a load', async () => {
  for (const tenant of ['a-row', 'a-schema']) await tenantry.credentials.create(tenant)
  await tenantry.markGlobal('country', 'ISO codes, the same for all')
  await tenantry.scope('a-row').copyFrom('invoice', ['a note\n'], { columns: ['note'] })
  expect(await failures()).toEqual([])
})
