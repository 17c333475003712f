// protect and the scoped shell: two row tenants in one table, each of which sees its own rows and nothing else.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packageComposition } from '../../src/surfaces/cli/composition.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { type CliCall, runCli } from '../support/cli.ts'

let database: TestDatabase
let env: Record<string, string>

const run = (argv: readonly string[], call: CliCall = {}) => runCli(argv, { env, ...call })

beforeAll(async () => {
  database = await createTestDatabase()
  env = { DATABASE_ADMIN_URL: database.adminUrl }
  const tenantry = await packageComposition.createTenantry({ adminUrl: database.adminUrl })
  for (const slug of ['north', 'south']) await tenantry.tenants.create({ name: slug, slug })
  await tenantry.close()
  const admin = openCentralDatabase({ url: database.adminUrl })
  await admin.query('create table invoices (id int primary key, note text)')
  await admin.query(`create table receipts (id int primary key); insert into receipts values (1), (2)`)
  await admin.close()
})

afterAll(() => database.drop())

describe('tenantry protect', () => {
  it('shows its statements and runs none with --dry-run', async () => {
    const { code, stdout, stderr } = await run(['protect', 'invoices', '--dry-run'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/row level security;/i)
    expect(stderr).toBe('Nothing was run.\n')
    const denied = await run(['sql', 'north', 'select count(*) from invoices'])
    expect(denied.code).toBe(1)
    expect(denied.stderr).toMatch(/^✗ permission denied for table invoices\n.*42501.*\n.*DATABASE_ERROR\n$/)
  })

  it('protects a table once and finds it protected then', async () => {
    expect((await run(['protect', 'invoices'])).stdout).toContain('✓ Table protected: ')
    expect((await run(['protect', 'invoices'])).stdout).toContain('is protected already; nothing to do.')
  })

  it('wants to know whose the rows of a table are', async () => {
    const { code, stderr } = await run(['protect', 'receipts'])
    expect(code).toBe(4)
    expect(stderr).toContain('TABLE_NOT_EMPTY')
    expect(stderr).toContain('--tenant')
    expect((await run(['protect', 'receipts', '--tenant', 'south'])).code).toBe(0)
    expect((await run(['sql', 'south', 'select * from receipts', '--json'])).stdout).toContain('"rowCount":2')
    expect((await run(['sql', 'north', 'select * from receipts', '--json'])).stdout).toContain('"rowCount":0')
  })

  it('names a table that is not there', async () => {
    expect(await run(['protect', 'nowhere'])).toMatchObject({ code: 3 })
  })
})

describe('tenantry sql', () => {
  it('writes only with --write', async () => {
    const insert = `insert into invoices (id, note) values (1, 'of north')`
    const refused = await run(['sql', 'north', insert])
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('read-only')
    expect(await run(['sql', 'north', '--write', insert])).toMatchObject({ code: 0, stdout: 'INSERT 1\n' })
  })

  it('prints an aligned table of what the tenant sees, and of nothing else', async () => {
    const { stdout } = await run(['sql', 'north', 'select id, note from invoices'])
    expect(stdout).toBe('id note\n───────────\n 1 of north\n(1 row)\n')
    expect((await run(['sql', 'south', 'select id, note from invoices'])).stdout).toContain('(0 rows)')
  })

  it('reads statements from standard input and ends at the first that fails', async () => {
    const stdin = `select 'a;b' as x;\nselect nonsense;\nselect 'never' as y;`
    const { code, stdout, stderr } = await run(['sql', 'north'], { stdin })
    expect(code).not.toBe(0)
    expect(stdout).toContain('a;b')
    expect(stdout).not.toContain('never')
    expect(stderr).toContain('nonsense')
  })

  it('takes the statement alone where TENANTRY_TENANT names the tenant', async () => {
    const { stdout } = await run(['sql', 'select note from invoices'], { env: { ...env, TENANTRY_TENANT: 'north' } })
    expect(stdout).toContain('of north')
  })

  it('refuses an unknown and a suspended tenant', async () => {
    expect(await run(['sql', 'nobody', 'select 1'])).toMatchObject({ code: 3 })
    await run(['suspend', 'south'])
    expect(await run(['sql', 'south', 'select 1'])).toMatchObject({ code: 4 })
    await run(['activate', 'south'])
  })

  it('is a shell on a terminal, which goes on after an error', async () => {
    const { code, stdout, stderr } = await run(['sql', 'north'], {
      typing: [
        [/north=> /, 'select nonsense;\r'],
        [/north=> [^]*north=> /, 'select\r'],
        [/north-> /, `'it ' || 'goes on' as note;\r`],
        [/it goes on[^]*north=> /, '\\q\r'],
      ],
    })
    expect(code).toBe(0)
    expect(stderr).toContain('nonsense')
    expect(stdout).toContain('(1 row)')
  })

  it('ends at Ctrl-D with 0, and at Ctrl-C with nothing typed with 130', async () => {
    expect(await run(['sql', 'north'], { typing: [[/north=> /, '\u0004']] })).toMatchObject({ code: 0 })
    expect(await run(['sql', 'north'], { typing: [[/north=> /, '\u0003']] })).toMatchObject({ code: 130 })
  })

  it('throws a statement away at Ctrl-C and goes on', async () => {
    const { code, stdout } = await run(['sql', 'north'], {
      typing: [
        [/north=> /, 'select nonsense\r'],
        [/north-> /, '\u0003'],
        [/north-> [^]*north=> /, `select 'fresh' || ' start' as x;\r`],
        [/fresh start[^]*north=> /, '\\q\r'],
      ],
    })
    expect(code).toBe(0)
    expect(stdout).toContain('(1 row)')
  })
})
