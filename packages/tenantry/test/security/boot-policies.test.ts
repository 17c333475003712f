// The check of the policies at start: an instance serves nobody over a table that is open.
import { afterAll, beforeAll, expect, test } from 'vitest'
import pg from 'pg'
import { readInstance } from '../../src/control/instance.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { refuseBrokenPolicies } from '../../src/features/verify/catalogue/boot-policies.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
let tenantry: Tenantry

const open = (checkPolicies?: boolean) =>
  createTenantry({
    ...{ adminUrl: database.adminUrl, migrations: '/nonexistent' },
    ...(checkPolicies === undefined ? {} : { checkPolicies }),
  })
const central = (sql: string) => tenantry.asCentral('a test', (scope) => scope.query(sql))

beforeAll(async () => {
  database = await createTestDatabase()
  tenantry = open()
  await central('create table invoice (id int primary key)')
  await tenantry.protect('invoice')
})

afterAll(async () => {
  await tenantry.close()
  await database.drop()
})

test.each([
  ['row-level security is enabled and forced', 'alter table invoice no force row level security'],
  ['row-level security is enabled and forced', 'alter table invoice disable row level security'],
  ['tenant policy has the generated form', 'alter policy tenantry_tenant on invoice using (true)'],
  ['central policy has the generated form', 'alter policy tenantry_central on invoice to public'],
  ["the control plane's policies have the generated form", 'alter policy tenantry_own on tenantry.member using (true)'],
  ['no other policy lets the application in', 'create policy mine on invoice using (id > 0)'],
])('start is refused where %s no longer holds: %s', async (name, sql) => {
  await central(sql)
  const refused = open()
  await expect(refused.start()).rejects.toMatchObject({
    code: 'VERIFY_FAILED',
    message: expect.stringContaining(`${name}: `) as string,
  })
  await refused.close()
  // To mend it, an instance may be started all the same.
  const mending = open(false)
  await mending.start()
  expect(await mending.verify({ fix: true, only: 'catalogue' })).toMatchObject({ ok: true })
  await mending.close()
  const again = open()
  await again.start()
  await again.close()
})

test('a start does not wait for ever for a table that another session alters', async () => {
  const holder = new pg.Client({ connectionString: database.adminUrl })
  await holder.connect()
  await holder.query('begin; lock table invoice in access exclusive mode')
  const admin = openCentralDatabase({ url: database.adminUrl })
  const { roles } = await readInstance(admin)
  const check = (waitMs: number) =>
    refuseBrokenPolicies(admin, { roles, loginUser: roles.login, sharedSchemas: ['public'] }, waitMs)
  await expect(check(50)).rejects.toMatchObject({ code: 'LOCK_NOT_TAKEN' })
  await holder.end()
  await check(10_000)
  await admin.close()
})
