// The list of tables that all tenants share on purpose, from the library and the command line.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { runCli } from '../support/cli.ts'

let database: TestDatabase
let admin: CentralDatabase
let tenantry: Tenantry

beforeAll(async () => {
  database = await createTestDatabase()
  admin = openCentralDatabase({ url: database.adminUrl })
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  await tenantry.start()
  await admin.query('create table country (code text); create table "Odd name" (x int); create table invoice (x int)')
})

afterAll(async () => {
  await tenantry.close()
  await admin.close()
  await database.drop()
})

const run = (...argv: string[]) => runCli(argv, { env: { DATABASE_ADMIN_URL: database.adminUrl } })

const listed = async () =>
  (await admin.query('select schema_name, table_name, reason from tenantry.global_table order by table_name')).rows

describe('markGlobal', () => {
  it('lists a table with its reason, once, and writes an audit entry', async () => {
    expect(await tenantry.markGlobal('country', ' the same for everyone ')).toEqual({
      table: '"public"."country"',
      changed: true,
    })
    expect(await tenantry.markGlobal('public.country', 'the same for everyone')).toMatchObject({ changed: false })
    expect(await listed()).toEqual([{ schema_name: 'public', table_name: 'country', reason: 'the same for everyone' }])
    const { rows } = await admin.query(
      "select action, reason, detail from tenantry.audit_entry where action like 'table.%'",
    )
    expect(rows).toEqual([
      { action: 'table.marked_global', reason: 'the same for everyone', detail: { table: '"public"."country"' } },
    ])
  })

  it('takes a new reason, and takes the table off again', async () => {
    expect(await tenantry.markGlobal('country', 'ISO 3166')).toMatchObject({ changed: true })
    expect(await tenantry.unmarkGlobal('country')).toMatchObject({ changed: true })
    expect(await tenantry.unmarkGlobal('country')).toMatchObject({ changed: false })
    expect(await listed()).toEqual([])
  })

  it('takes a table off that is no longer there', async () => {
    await admin.query('create table passing (x int)')
    await tenantry.markGlobal('passing', 'for a while')
    await admin.query('drop table passing')
    expect(await tenantry.unmarkGlobal('passing')).toEqual({ table: '"public"."passing"', changed: true })
    await expect(tenantry.unmarkGlobal('passing')).rejects.toMatchObject({ code: 'TABLE_NOT_FOUND' })
    await expect(tenantry.unmarkGlobal('"unbalanced')).rejects.toMatchObject({ code: 'TABLE_NOT_FOUND' })
  })

  it.each([
    ['nowhere', 'a reason', 'TABLE_NOT_FOUND'],
    ['"unbalanced', 'a reason', 'TABLE_NOT_FOUND'],
    ['country', '  ', 'REASON_REQUIRED'],
  ])('refuses the table %s with the reason "%s"', async (table, reason, code) => {
    await expect(tenantry.markGlobal(table, reason)).rejects.toMatchObject({ code })
  })

  it('refuses a protected table, and protecting a listed one takes it off', async () => {
    await tenantry.markGlobal('invoice', 'by mistake')
    await tenantry.protect('invoice')
    expect(await listed()).toEqual([])
    await expect(tenantry.markGlobal('invoice', 'by mistake')).rejects.toMatchObject({ code: 'TABLE_UNSUPPORTED' })
  })

  it('is out of reach of the application', async () => {
    await tenantry.tenants.create({ name: 'Acme', slug: 'acme' })
    const insert =
      "insert into tenantry.global_table (schema_name, table_name, reason) values ('public', 'invoice', 'x')"
    await expect(tenantry.scope('acme').query(insert)).rejects.toMatchObject({ code: '42501' })
  })
})

describe('tenantry protect --global', () => {
  it('lists a table and takes it off, each of which may be repeated', async () => {
    const global = ['protect', '"Odd name"', '--global', 'a reason']
    expect(await run(...global)).toMatchObject({ code: 0, stdout: '✓ "public"."Odd name" is now listed as global.\n' })
    expect((await run(...global)).stdout).toBe('"public"."Odd name" was listed as global already.\n')
    expect(await listed()).toMatchObject([{ table_name: 'Odd name', reason: 'a reason' }])
    const { stdout } = await run('protect', '"Odd name"', '--not-global', '--json')
    expect(JSON.parse(stdout)).toEqual({ table: '"public"."Odd name"', changed: true })
    expect(await listed()).toEqual([])
  })

  it.each([
    ['--not-global', '--dry-run'],
    ['--not-global', '--tenant', 'acme'],
    ['--not-global', '--global', 'a reason'],
  ])('stands alone: %s %s', async (...flags) => {
    expect(await run('protect', 'country', ...flags)).toMatchObject({ code: 2 })
  })

  it('wants a reason that says something', async () => {
    expect((await run('protect', 'country', '--global', ' ')).stderr).toContain('REASON_REQUIRED')
  })
})
