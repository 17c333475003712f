// Gateways that set unsigned claims: what PostgREST and Hasura send is replayed on connections of their own logins, in
// both directions; and nothing that they may do is open to the application's login.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Instance } from '../../src/control/instance.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { runCli } from '../support/cli.ts'
import {
  type Connection,
  createInitialisedDatabase,
  type InstanceDatabase,
  type TestRole,
} from '../support/instance-database.ts'

let database: InstanceDatabase & { readonly instance: Instance }
let tenantry: Tenantry
let app: Connection
let postgrest: Connection
let hasura: Connection
let authenticator: TestRole
const ids = { acme: '', globex: '', paused: '' }
const role = (gateway: string) => `tn_${database.instance.id}_${gateway}`

beforeAll(async () => {
  database = await createInitialisedDatabase()
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  for (const slug of ['acme', 'globex', 'paused'] as const) {
    ids[slug] = (await tenantry.tenants.create({ name: slug, slug })).id
  }
  await database.admin.query(
    'create table invoices (id serial primary key, note text); create table secrets (id serial primary key)',
  )
  for (const table of ['invoices', 'secrets']) await tenantry.protect(table)
  for (const slug of ['acme', 'globex', 'paused']) {
    await tenantry.scope(slug).query('insert into invoices (note) values ($1)', [`of ${slug}`])
    await tenantry.scope(slug).query('insert into secrets default values')
  }
  await tenantry.tenants.suspend('paused')
  await tenantry.externalAccess.allow('postgrest', 'invoices', { claim: 'app_metadata.tenant_id' })
  await tenantry.externalAccess.allow('hasura', 'invoices')
  await database.admin.query(`
    create schema api;
    create view api.invoices with (security_invoker = true) as select * from public.invoices;
    alter view api.invoices alter column tenant_id set default tenantry.external_tenant_id('postgrest');
    grant usage on schema api to "${role('postgrest')}";
    grant select, insert, update, delete on api.invoices to "${role('postgrest')}"`)
  authenticator = await database.createRole('noinherit')
  const engine = await database.createRole('inherit')
  await database.superuser.query(
    `grant "${role('postgrest')}" to "${authenticator.name}"; grant "${role('hasura')}" to "${engine.name}"`,
  )
  postgrest = await database.connect(authenticator.name, authenticator.password)
  hasura = await database.connect(engine.name, engine.password)
  app = await database.connect(database.instance.roles.login, database.instance.loginPassword)
})

afterAll(async () => {
  await tenantry.close()
  await database.drop()
})

const stateOf = (work: Promise<unknown>) =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )

async function transaction(client: Connection, statements: readonly (readonly [string, unknown[]?])[]) {
  try {
    let rows: unknown[] = []
    for (const [text, values] of statements) rows = (await client.query<Record<string, unknown>>(text, values)).rows
    await client.query('commit')
    return rows
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** One select of transaction-local settings, in PostgREST's order, role before claims. */
const SETTINGS = `select set_config('search_path', $1, true), set_config('role', $2, true),
  set_config('request.jwt.claims', $3, true), set_config('request.method', $4, true),
  set_config('request.path', $5, true), set_config('request.headers', $6, true), set_config('request.cookies', $7, true)`

/** A request as PostgREST sends it: claims with the role put in. */
function request(claims: object | string, text: string, values: unknown[] = []) {
  const isRead = text.startsWith('select')
  const json =
    typeof claims === 'string' ? claims : JSON.stringify({ exp: 1900000000, ...claims, role: role('postgrest') })
  const settings = [
    '"api", "public"',
    role('postgrest'),
    json,
    isRead ? 'GET' : 'POST',
    '/invoices',
    '{"host":"localhost"}',
    '{}',
  ]
  const source = `with pgrst_source as (${text}) select pg_catalog.count(_postgrest_t)::int as page_total,
    coalesce(json_agg(_postgrest_t), '[]') as body from (select * from pgrst_source) _postgrest_t`
  return transaction(postgrest, [
    [`begin isolation level read committed read ${isRead ? 'only' : 'write'}`],
    [SETTINGS, settings],
    [source, values],
  ])
}

const claimsOf = (slug: keyof typeof ids) => ({ sub: 'user-1', app_metadata: { tenant_id: ids[slug] } })
const READ = 'select "api"."invoices"."note" from "api"."invoices"'

describe.each(['acme', 'globex'] as const)('PostgREST for %s', (slug) => {
  const other = slug === 'acme' ? 'globex' : 'acme'

  it('reads its rows and no other', async () => {
    expect(await request(claimsOf(slug), READ)).toEqual([{ page_total: 1, body: [{ note: `of ${slug}` }] }])
  })

  it('writes its rows and no other', async () => {
    const insert = 'insert into "api"."invoices" ("note") values ($1) returning "tenant_id"'
    expect(await request(claimsOf(slug), insert, ['new'])).toMatchObject([{ body: [{ tenant_id: ids[slug] }] }])
    const foreign = 'insert into "api"."invoices" ("note", "tenant_id") values ($1, $2) returning 1'
    expect(await stateOf(request(claimsOf(slug), foreign, ['new', ids[other]]))).toBe('42501')
    const moved = 'update "api"."invoices" set "tenant_id" = $1 returning 1'
    expect(await stateOf(request(claimsOf(slug), moved, [ids[other]]))).toBe('42501')
    const all = 'delete from "api"."invoices" where "note" = $1 or "tenant_id" = $2 returning "note"'
    expect(await request(claimsOf(slug), all, ['new', ids[other]])).toMatchObject([{ body: [{ note: 'new' }] }])
    const left = await tenantry.scope(other).query('select note from invoices')
    expect(left.rows).toEqual([{ note: `of ${other}` }])
  })
})

describe('claims', () => {
  it.each([
    ['TN001', 'no claims', ''],
    ['TN001', 'the claims of an anonymous request', { role: 'anon' }],
    ['TN001', 'a claim that is null', { app_metadata: { tenant_id: null } }],
    ['TN001', 'a claim at another place', { tenant_id: randomUUID() }],
    ['TN001', 'claims that are a list', '[1]'],
    ['TN002', 'a slug', { app_metadata: { tenant_id: 'acme' } }],
    ['TN002', 'an object', { app_metadata: { tenant_id: { a: 1 } } }],
    ['TN002', 'an id with something behind it', { app_metadata: { tenant_id: `${randomUUID()}\n` } }],
    ['TN004', 'a tenant that does not exist', { app_metadata: { tenant_id: randomUUID() } }],
    ['22P02', 'no JSON', 'tenant_id=acme'],
  ])('raise %s where there is %s', async (state, _what, claims) => {
    expect(await stateOf(request(claims, READ))).toBe(state)
  })

  it('of a suspended tenant are refused, and accepted again once it is active', async () => {
    expect(await stateOf(request(claimsOf('paused'), READ))).toBe('TN004')
    await tenantry.tenants.activate('paused')
    expect(await request(claimsOf('paused'), READ)).toMatchObject([{ page_total: 1 }])
    await tenantry.tenants.suspend('paused')
    expect(await stateOf(request(claimsOf('paused'), READ))).toBe('TN004')
  })

  it('do not outlive their transaction on the connection', async () => {
    await request(claimsOf('acme'), READ)
    const bare = transaction(postgrest, [
      ['begin'],
      [`set local role "${role('postgrest')}"`],
      ['select * from invoices'],
    ])
    expect(await stateOf(bare)).toBe('TN001')
  })

  it('are read once in a statement, and the index of the tenant serves', async () => {
    const plan = JSON.stringify(
      await transaction(postgrest, [
        ['begin'],
        [SETTINGS, ['public', role('postgrest'), JSON.stringify(claimsOf('acme')), 'GET', '/', '{}', '{}']],
        ['set local enable_seqscan = off'],
        ['explain (format json) select * from invoices'],
      ]),
    )
    expect(plan).toMatch(/"Index Cond":"\(tenant_id = \(?(\(?InitPlan|\$0)/)
  })
})

describe('Hasura', () => {
  // Mutations only: Hasura sets the session variables in a transaction, and sends queries without one.
  const mutation = (variables: object | undefined, text: string, values: unknown[] = []) =>
    transaction(hasura, [
      ['begin isolation level repeatable read read write'],
      [`SET LOCAL "hasura.tracecontext" = '{"trace_id":"1","span_id":"2"}'`],
      ...(variables === undefined ? [] : [[`SET LOCAL "hasura.user" = '${JSON.stringify(variables)}'`] as const]),
      [text, values],
    ])
  const session = (slug: keyof typeof ids) => ({ 'x-hasura-role': 'user', 'x-hasura-tenant-id': ids[slug] })
  const insert = `WITH "invoices__mutation_result_alias" AS (INSERT INTO "public"."invoices" ("note", "tenant_id")
    VALUES (($1)::text, ($2)::uuid) RETURNING *) SELECT "note", "tenant_id" FROM "invoices__mutation_result_alias"`

  it.each([
    ['acme', 'globex'],
    ['globex', 'acme'],
  ] as const)('changes the rows of %s, and none of %s', async (slug, other) => {
    const made = { note: 'hasura', tenant_id: ids[slug] }
    expect(await mutation(session(slug), insert, ['hasura', ids[slug]])).toEqual([made])
    expect(await stateOf(mutation(session(slug), insert, ['hasura', ids[other]]))).toBe('42501')
    const remove = `DELETE FROM "public"."invoices" WHERE "note" = $1 OR "tenant_id" = $2 RETURNING "note", "tenant_id"`
    expect(await mutation(session(slug), remove, ['hasura', ids[other]])).toEqual([made])
  })

  it('is refused for a suspended tenant, without session variables, and for queries, which it sends without them', async () => {
    expect(await stateOf(mutation(session('paused'), 'select * from invoices'))).toBe('TN004')
    expect(await stateOf(mutation({ 'x-hasura-role': 'user' }, 'select * from invoices'))).toBe('TN001')
    expect(await stateOf(mutation(undefined, 'select * from invoices'))).toBe('TN001')
    expect(await stateOf(hasura.query('select * from "public"."invoices"'))).toBe('TN001')
  })

  it('does not believe the claims of PostgREST, nor a context', async () => {
    const forged = [`SET LOCAL "request.jwt.claims" = '${JSON.stringify(claimsOf('acme'))}'`] as const
    const { token } = await tenantry.token('acme')
    const context = [`select set_config('tenantry.context', $1, true)`, [token]] as const
    const read = ['select * from invoices'] as const
    expect(await stateOf(transaction(hasura, [['begin'], forged, [context[0], [...context[1]]], read]))).toBe('TN001')
  })
})

describe('the signed path', () => {
  it('is not weakened: the login and app cannot become a gateway, and believe no claims', async () => {
    for (const gateway of ['postgrest', 'hasura']) {
      expect(await stateOf(app.query(`set role "${role(gateway)}"`))).toBe('42501')
      const asApp = transaction(app, [
        ['begin'],
        [`set local role "${database.instance.roles.app}"`],
        [`set local "hasura.user" = '${JSON.stringify({ 'x-hasura-tenant-id': ids.acme })}'`],
        [`set local "request.jwt.claims" = '${JSON.stringify(claimsOf('acme'))}'`],
        ['select * from invoices'],
      ])
      expect(await stateOf(asApp)).toBe('TN001')
    }
    const call = transaction(app, [
      ['begin'],
      [`set local role "${database.instance.roles.app}"`],
      [`select tenantry.external_tenant_id('hasura')`],
    ])
    expect(await stateOf(call)).toBe('42501')
  })

  it('is out of reach for a gateway: no other role, no key, no other table, no TRUNCATE', async () => {
    const forbidden = [
      `set role "${database.instance.roles.app}"`,
      `set role "${database.instance.roles.central}"`,
      'select * from tenantry.signing_key',
      'select * from tenantry.external_access',
      'select tenantry.current_tenant_id()',
      'select * from secrets',
      'truncate invoices',
      'alter table invoices disable row level security',
    ]
    for (const text of forbidden) expect([text, await stateOf(hasura.query(text))]).toEqual([text, '42501'])
  })

  it('is protected as before: protecting the table again finds nothing to do', async () => {
    expect(await tenantry.protect('invoices')).toMatchObject({ changed: false })
    expect((await tenantry.scope('acme').query('select note from invoices')).rows).toEqual([{ note: 'of acme' }])
  })
})

describe('external access', () => {
  it('is listed, audited, and the same when it is allowed again', async () => {
    const again = await tenantry.externalAccess.allow('hasura', 'public.invoices')
    expect(again).toEqual({
      gateway: 'hasura',
      role: role('hasura'),
      claim: ['x-hasura-tenant-id'],
      table: '"public"."invoices"',
    })
    expect((await tenantry.externalAccess.list()).map(({ gateway }) => gateway)).toEqual(['hasura', 'postgrest'])
    const { rows } = await database.admin.query<{ n: number }>(
      `select count(*)::int as n from tenantry.audit_entry where action = 'external_access.allowed'`,
    )
    expect(rows).toEqual([{ n: 2 }])
  })

  it('is refused for tables that are not protected, and for a second reading of the claims', async () => {
    await database.admin.query('create table plain (id int)')
    await expect(tenantry.externalAccess.allow('hasura', 'plain')).rejects.toMatchObject({ code: 'TABLE_UNSUPPORTED' })
    await expect(tenantry.externalAccess.allow('hasura', 'nowhere')).rejects.toMatchObject({ code: 'TABLE_NOT_FOUND' })
    const other = tenantry.externalAccess.allow('hasura', 'secrets', { claim: 'x-other' })
    await expect(other).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'claim' })
    for (const claim of ['', 'a..b', [], Array<string>(9).fill('a')]) {
      await expect(tenantry.externalAccess.allow('hasura', 'invoices', { claim })).rejects.toMatchObject({
        field: 'claim',
      })
    }
  })

  it('mends a policy of its name that somebody changed', async () => {
    await database.admin.query('alter policy tenantry_hasura on invoices using (true)')
    await tenantry.externalAccess.allow('hasura', 'invoices')
    expect(await stateOf(hasura.query('select * from invoices'))).toBe('TN001')
  })

  it('does not take over a role that was there', async () => {
    await database.superuser.query(`comment on role "${role('hasura')}" is 'ours'`)
    await expect(tenantry.externalAccess.allow('hasura', 'invoices')).rejects.toMatchObject({ code: 'ROLE_CONFLICT' })
    const mark = `Tenantry instance ${database.instance.id}, database ${database.name}`
    await database.superuser.query(
      `comment on role "${role('hasura')}" is '${mark}'; alter role "${role('hasura')}" bypassrls`,
    )
    await expect(tenantry.externalAccess.allow('hasura', 'invoices')).rejects.toMatchObject({ code: 'ROLE_CONFLICT' })
    await database.superuser.query(`alter role "${role('hasura')}" nobypassrls`)
  })

  it('is taken back, with the role where nothing else depends on it', async () => {
    const env = { DATABASE_ADMIN_URL: database.adminUrl }
    expect((await runCli(['external', 'list'], { env })).stdout).toContain(role('hasura'))
    expect(await runCli(['external', 'revoke', 'hasura', 'invoices', '--json'], { env })).toMatchObject({
      ...{ code: 0, stdout: '{"roleKept":false}\n' },
    })
    expect(await stateOf(hasura.query('select * from invoices'))).toBe('42501')
    // The view that was granted to it by hand keeps the other one.
    expect(await tenantry.externalAccess.revoke('postgrest', 'invoices')).toEqual({ roleKept: true })
    expect(await stateOf(request(claimsOf('acme'), READ))).toBe('42501')
    expect(await tenantry.externalAccess.list()).toEqual([])
    const { rows } = await database.admin.query(
      `select polname from pg_policy where polrelid = 'invoices'::regclass order by 1`,
    )
    expect(rows).toEqual([{ polname: 'tenantry_central' }, { polname: 'tenantry_tenant' }])
    const allowed = await runCli(['external', 'allow', 'postgrest', 'invoices', '--claim', 'tenant'], { env })
    expect(allowed.stdout).toContain(`member of ${role('postgrest')}`)
    expect(await request({ tenant: ids.acme }, READ)).toMatchObject([{ page_total: 1 }])
  })

  it('is explained where the command line is wrong', async () => {
    const env = { DATABASE_ADMIN_URL: database.adminUrl }
    for (const argv of [
      ['external', 'open'],
      ['external', 'allow', 'graphile', 'a'],
      ['external', 'allow', 'hasura'],
    ]) {
      expect(await runCli(argv, { env })).toMatchObject({ code: 2 })
    }
  })
})
