// Whether a URL leads to PostgreSQL itself or to a pooler, and what the self-test refuses. Needs no PgBouncer.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { detectPooler } from '../../src/engine/sql/pooler.ts'
import { createTenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { urlOfLogin } from '../harness/pgbouncer.ts'
import { type CarelessPooler, startCarelessPooler } from '../support/careless-pooler.ts'

let database: TestDatabase
let careless: CarelessPooler
let loginUrl: string
beforeAll(async () => {
  database = await createTestDatabase()
  loginUrl = await urlOfLogin(database.adminUrl)
  careless = await startCarelessPooler(loginUrl)
})
afterAll(async () => {
  await careless.close()
  await database.drop()
})

it('takes PostgreSQL itself for what it is', async () => {
  expect(await detectPooler({ connectionString: loginUrl })).toBe(false)
})

it('notices that sessions are shared', async () => {
  expect(await detectPooler({ connectionString: careless.url })).toBe(true)
})

it.each(['auto', 'transaction', 'none'] as const)(
  'does not start over connections that share one session even inside transactions, with pooler: %s',
  async (pooler) => {
    const tenantry = createTenantry({ adminUrl: database.adminUrl, databaseUrl: careless.url, pooler })
    await expect(tenantry.start()).rejects.toMatchObject({ code: 'SELF_TEST_FAILED' })
    await tenantry.close()
  },
)
