// Fleet reads on the command line, on the database itself.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { runCli } from '../support/cli.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'

let database: TestDatabase
let tenantry: Tenantry

beforeAll(async () => {
  database = await createTestDatabase()
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  for (const slug of ['acme', 'globex']) await tenantry.tenants.create({ name: slug, slug })
})

afterAll(async () => {
  await tenantry.close()
  await database.drop()
})

const cli = (...args: string[]) => runCli(['fleet', ...args], { env: { DATABASE_ADMIN_URL: database.adminUrl } })

test('prints a line a row with its tenant, merged where that is asked for', async () => {
  const { code, stdout, stderr } = await cli('query', 'select 1 as one', '--reason', 'a look')
  expect(code).toBe(0)
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object)
  expect(rows).toEqual(expect.arrayContaining([expect.objectContaining({ tenant: 'acme', one: 1 })]))
  expect(rows).toHaveLength(2)
  expect(stderr).toContain('2 tenants answered.')
  const summed = await cli('query', 'select 1 as one', '--reason', 'a look', '--sum', 'one')
  expect(JSON.parse(summed.stdout)).toEqual({ one: '2' })
})

test('wants a reason and a statement that only reads', async () => {
  expect((await cli('query', 'select 1')).stderr).toContain('REASON_REQUIRED')
  expect((await cli('query', '--reason', 'a look')).code).toBe(2)
  expect((await cli('query', 'create table t ()', '--reason', 'a look')).code).not.toBe(0)
})
