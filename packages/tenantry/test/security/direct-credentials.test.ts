// What a tenant can do with a login of its own, where it chooses every statement: nothing to another tenant, nothing to
// the control plane, nothing to itself. The last tests take the fallback's guards away and see the rows come into view.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { signContext } from '../../src/engine/context/context-token.ts'
import { readInstance } from '../../src/control/instance.ts'
import type { DirectCredential } from '../../src/index.ts'
import { type CredentialFixture, failure, openCredentialFixture } from '../support/credential-fixture.ts'
import type { Connection } from '../support/instance-database.ts'

let fixture: CredentialFixture
let row: DirectCredential
let schema: DirectCredential
let app: string
let other: string

beforeAll(async () => {
  fixture = await openCredentialFixture()
  const { tenantry, database } = fixture
  for (const slug of ['north', 'south']) {
    await tenantry.tenants.create({ name: slug, slug, isolation: 'schema' })
    await fixture.migrate(slug, 'create table own (text text); create view seen as select * from own')
    await tenantry.scope(slug).query('insert into own values ($1)', [slug])
    await tenantry.scope(slug).query('insert into invoices (text) values ($1)', [slug])
  }
  row = await tenantry.credentials.create('acme', { username: 'acme_direct' })
  schema = await tenantry.credentials.create('north', { username: 'north_direct' })
  await tenantry.credentials.create('globex', { username: 'globex_direct' })
  app = (await readInstance(database.admin)).roles.app
  other = (await tenantry.tenants.get('globex')).id
})

afterAll(() => fixture.close())

const logins = [['a row tenant', () => row, 'acme'] as const, ['a schema tenant', () => schema, 'north'] as const]

describe.each(logins)('the login of %s', (_what, credential, slug) => {
  let client: Connection

  beforeAll(async () => {
    client = await fixture.sessions.open(credential())
  })

  beforeEach(async () => {
    await client.query('reset all; reset role')
  })

  const texts = async (text: string) => (await client.query<{ text: string }>(text)).rows.map((each) => each.text)
  const stateOf = async (text: string) => {
    const error = await failure(client.query(text))
    return error instanceof Error && 'code' in error ? error.code : error
  }

  test('sees its own rows of a shared table, in a parallel plan too, and nobody else’s', async () => {
    expect(await texts('select text from invoices')).toEqual([slug])
    await client.query(`set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0`)
    await client
      .query('set debug_parallel_query = regress')
      .catch(() => client.query('set force_parallel_mode = regress'))
    expect(await texts('select text from invoices')).toEqual([slug])
    expect(await texts(`select text from invoices where tenant_id = '${other}'`)).toEqual([])
    expect(
      await texts(
        `select (xpath('//text/text()', x))[1]::text as text from query_to_xml('table invoices', true, false, '') x`,
      ),
    ).toEqual([slug])
  })

  test('reaches no table of another tenant’s schema, by qualified name, view or search path', async () => {
    expect(await texts('select text from tenant_south.own')).toEqual([])
    expect(await texts('select text from tenant_south.seen')).toEqual([])
    await client.query('set search_path = tenant_south')
    expect(await texts('select text from own')).toEqual([])
    expect(await stateOf("insert into tenant_south.own values ('foreign')")).toBe('42501')
    expect((await client.query('delete from tenant_south.own')).rowCount).toBe(0)
    expect((await client.query("update tenant_south.own set text = 'x'")).rowCount).toBe(0)
    expect(await stateOf('truncate tenant_south.own')).toBe('42501')
  })

  test('writes no row of another tenant', async () => {
    expect(await stateOf(`insert into invoices (text, tenant_id) values ('x', '${other}')`)).toBe('42501')
    expect(await stateOf(`update invoices set tenant_id = '${other}'`)).toBe('42501')
    expect((await client.query(`delete from invoices where tenant_id = '${other}'`)).rowCount).toBe(0)
  })

  test('gets TN002 with a context it made up, and its own tenant with none', async () => {
    const token = `${'0'.repeat(64)}.0001.${other}.9999999999..`
    for (const context of ['x', ' ', other, token, '0'.repeat(200)]) {
      await client.query(`select set_config('tenantry.context', $1, false)`, [context])
      expect(await stateOf('select text from invoices'), context).toBe('TN002')
      expect(['TN002', '22P02', '42501']).toContain(await stateOf("insert into invoices (text) values ('forged')"))
    }
    await client.query("set tenantry.context = ''")
    expect(await texts('select text from invoices')).toEqual([slug])
    const { rows } = await client.query('select tenantry.current_user_id() as u, tenantry.current_tenant_role() as r')
    expect(rows).toEqual([{ u: null, r: null }])
  })

  test('stays its tenant as app, which it may become before PostgreSQL 16 only', async () => {
    const became = await client.query(`set role "${app}"`).then(
      () => true,
      () => false,
    )
    expect(became).toBe((await serverVersion()) < 160_000)
    expect(await texts('select text from invoices')).toEqual([slug])
    expect(await texts('select text from tenant_south.own')).toEqual([])
  })

  test.each([
    'select * from tenantry.signing_key',
    'select * from tenantry.instance',
    'select * from tenantry.credential',
    'select * from tenantry.tenant',
    "insert into tenantry.credential (username, role_oid, tenant_id, name) values ('x', 1, gen_random_uuid(), 'x')",
    'update tenantry.credential set tenant_id = gen_random_uuid()',
    'select * from pg_authid',
    "select tenantry.guard_schema(gen_random_uuid(), 'tenant_south', 'public', 'public')",
    'create temp table t ()',
    'create table t ()',
    'create table public.t ()',
    'create table tenant_north.t ()',
    'create schema s',
    'create role r',
    'create function public.f() returns int language sql as $$ select 1 $$',
    'alter role globex_direct nologin',
    "alter role globex_direct password 'x'",
    'alter role acme_direct createrole',
    'alter role acme_direct bypassrls',
    "alter role acme_direct valid until 'infinity'",
    'alter role acme_direct connection limit -1',
    'alter role north_direct superuser',
    'set role globex_direct',
    'set session authorization globex_direct',
    'alter table invoices disable row level security',
    'create policy p on invoices using (true)',
    'drop policy tenantry_tenant on invoices',
    'alter table tenant_north.own no force row level security',
    'grant acme_direct to north_direct',
    'truncate invoices',
    "comment on role acme_direct is 'mine'",
  ])('may not: %s', async (text) => {
    expect(await stateOf(text)).toBe('42501')
  })

  test('may grant itself neither app nor central, nor end another session', async () => {
    for (const role of [app, app.replace(/_app$/, '_central'), app.replace(/_app$/, '_login')]) {
      for (const to of ['north_direct', 'acme_direct']) {
        expect(await stateOf(`grant "${role}" to ${to} with admin option`)).toBe('42501')
      }
    }
    expect(await stateOf(`set role "${app.replace(/_app$/, '_central')}"`)).toBe('42501')
    // A grant of what one holds without the option is a warning and no error.
    await client.query('grant select on invoices to public, globex_direct')
    const granted = await client.query(
      `select from pg_class c, aclexplode(c.relacl) a where c.oid = 'invoices'::regclass
          and a.grantee in (0, 'globex_direct'::regrole)`,
    )
    expect(granted.rows).toEqual([])
    const { rows } = await fixture.database.admin.query<{ pid: number }>('select pg_backend_pid() as pid')
    expect(await stateOf(`select pg_terminate_backend(${rows[0]?.pid ?? 0})`)).toBe('42501')
  })

  test('sees no statement of another session', async () => {
    const shown = await texts(
      `select query as text from pg_stat_activity where usename <> session_user and query <> '<insufficient privilege>' and query <> ''`,
    )
    expect(shown).toEqual([])
  })
})

async function serverVersion(): Promise<number> {
  const { rows } = await fixture.database.admin.query<{ v: number }>(
    "select current_setting('server_version_num')::int as v",
  )
  return rows[0]?.v ?? 0
}

test('the scoped login has no fallback, and can be given none', async () => {
  const { admin, connect } = fixture.database
  const { roles, loginPassword } = await readInstance(admin)
  const login = await connect(roles.login, loginPassword)
  await login.query(`set role "${roles.app}"`)
  await expect(login.query('select text from invoices')).rejects.toMatchObject({ code: 'TN001' })
  for (const name of Object.values(roles)) {
    const map = admin.query(
      `insert into tenantry.credential (username, role_oid, tenant_id, name) values ($1, $2::text::regrole, $3, 'x')`,
      [name, name, other],
    )
    await expect(map).rejects.toMatchObject({ code: '23514' })
  }
})

test('a signed context goes before the login: it needs the key, or a token that was stolen while it holds', async () => {
  const client = await fixture.sessions.open(row)
  const { signingKey } = await readInstance(fixture.database.admin)
  const expiresAt = Math.floor(Date.now() / 1000) + 60
  const stolen = signContext(signingKey, { tenantId: other, expiresAt })
  await client.query("select set_config('tenantry.context', $1, false)", [stolen])
  expect((await client.query('select text from invoices')).rows).toEqual([{ text: 'globex' }])
  const over = signContext(signingKey, { tenantId: row.tenantId, expiresAt: 1_000_000_000 })
  await client.query("select set_config('tenantry.context', $1, false)", [over])
  await expect(client.query('select text from invoices')).rejects.toMatchObject({ code: 'TN003' })
})

describe('without one of its guards the fallback', () => {
  const verifier = (name: string) =>
    fixture.database.admin
      .query<{ text: string }>(`select pg_get_functiondef('tenantry.${name}()'::regprocedure) as text`)
      .then(({ rows }) => rows[0]?.text ?? '')

  /** Runs the work with a part of a function's text left out or replaced. */
  async function mutated<T>(name: string, [part, by]: readonly [RegExp, string], work: () => Promise<T>): Promise<T> {
    const original = await verifier(name)
    expect(original).toMatch(part)
    await fixture.database.admin.query(original.replace(part, by))
    try {
      return await work()
    } finally {
      await fixture.database.admin.query(original)
    }
  }

  const seen = async (client: Connection) =>
    (await client.query<{ text: string }>('select text from invoices')).rows.map(({ text }) => text)

  test('serves a suspended tenant’s open session, whose end has not come yet', async () => {
    const client = await fixture.sessions.open(row)
    const status = (to: string) =>
      fixture.database.admin.query('update tenantry.tenant set status = $1 where slug = $2', [to, 'acme'])
    await status('suspended')
    await expect(seen(client)).rejects.toMatchObject({ code: 'TN001' })
    expect(await mutated('direct_tenant_id', [/and t\.status[^;]*'active'/, ''], () => seen(client))).toEqual(['acme'])
    await status('active')
    expect(await seen(client)).toEqual(['acme'])
  })

  test('serves a revoked login’s open session', async () => {
    const client = await fixture.sessions.open(row)
    const revoke = (at: string) =>
      fixture.database.admin.query(`update tenantry.credential set revoked_at = ${at} where username = 'acme_direct'`)
    await revoke('now()')
    await expect(seen(client)).rejects.toMatchObject({ code: 'TN001' })
    expect(await mutated('direct_tenant_id', [/and c\.revoked_at is null/, ''], () => seen(client))).toEqual(['acme'])
    await revoke('null')
  })

  test('serves a stranger’s role of the same name', async () => {
    const { superuser, urlFor } = fixture.database
    await fixture.tenantry.credentials.create('acme', { username: 'namesake' })
    await superuser.query(`drop owned by namesake; drop role namesake`)
    await superuser.query(`create role namesake login password 'stranger'; grant "${app}" to namesake`)
    const client = await fixture.sessions.open({ connectionString: urlFor('namesake', 'stranger') })
    await expect(seen(client)).rejects.toMatchObject({ code: 'TN001' })
    const byName = [/and c\.role_oid[^;]*?::pg_catalog\.oid/, ''] as const
    expect(await mutated('direct_tenant_id', byName, () => seen(client))).toEqual(['acme'])
    await client.end()
    await superuser.query('drop owned by namesake; drop role namesake')
    await fixture.tenantry.credentials.drop('acme', { username: 'namesake' })
  })

  test('makes a forged context good', async () => {
    const client = await fixture.sessions.open(row)
    await client.query("set tenantry.context = 'forged'")
    await expect(seen(client)).rejects.toMatchObject({ code: 'TN002' })
    const always = [/pg_catalog\.octet_length\(token\) operator\(pg_catalog\.=\) 0/, 'true'] as const
    expect(await mutated('current_tenant_id', always, () => seen(client))).toEqual(['acme'])
  })
})
