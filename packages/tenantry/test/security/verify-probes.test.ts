// The live probes without the catalogue's checks: each guard is taken away for real, and the probes alone have to notice
// and name what is open. Untouched they are green, and nothing of what they write is left.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runProbes } from '../../src/features/verify/probes/run-probes.ts'
import type { VerifyCheck } from '../../src/features/verify/check.ts'
import { hardenSetConfig } from '../../src/control/hardening.ts'
import { startEngine, type TestEngine } from '../harness/engine.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'

let engine: TestEngine
let superuser: CentralDatabase
let app: string
let login: string

const SHARED = `
  create type mood as enum ('calm', 'wild');
  create domain short_text as varchar(12) check (value <> '');
  create table country (code char(2) primary key);
  insert into country values ('de');
  create table customer (id bigint generated always as identity primary key, name text not null, country char(2) not null
    references country, mood mood not null, slug short_text not null unique);
  create table invoice (id uuid primary key default gen_random_uuid(), customer_id bigint not null references customer,
    amount numeric(5, 2) not null check (amount > 0), state text not null check (state in ('open', 'paid')));
  create table nightly (tenant_id uuid not null, day date not null, note text) partition by range (day);
  create table nightly_all partition of nightly for values from (minvalue) to (maxvalue);`

beforeAll(async () => {
  engine = await startEngine()
  superuser = openCentralDatabase({ url: engine.database.superUrl })
  ;[app, login] = [engine.instance.roles.app, engine.instance.roles.login]
  await engine.central.query(SHARED)
  await engine.central.query(`grant select on country to ${app}`)
  for (const table of ['customer', 'invoice', 'nightly']) await engine.protect(table)
  await engine.central.query('create view open_invoice as select * from invoice where state = $$open$$')
  await engine.central.query(
    `alter view open_invoice set (security_invoker = true); grant select on open_invoice to ${app}`,
  )
  const ddl = 'create table own (id integer primary key, text text not null); create view seen as select * from own;'
  await engine.addTenant('north', ddl)
  await engine.addTenant('south', ddl)
})

afterAll(async () => {
  await superuser.close()
  await engine.close()
})

function probe(more: { readOnly?: boolean; sampleSchemas?: number } = {}): Promise<readonly VerifyCheck[]> {
  const { central, loginUrl, instance } = engine
  const connection = { connectionString: loginUrl }
  return runProbes({ central, connection, instance, sharedSchemas: ['public'], ...more })
}

const failures = (checks: readonly VerifyCheck[]) => checks.filter(({ ok }) => !ok)

test('an untouched database is green, every table attacked in both directions, and nothing is left behind', async () => {
  const checks = await probe()
  expect(failures(checks)).toEqual([])
  expect(checks.filter(({ name }) => name === 'probe: rows').map(({ subject }) => subject)).toEqual([
    'public.customer',
    'public.invoice',
    'public.nightly',
    'public.nightly_all',
    'tenant_north.own',
    'tenant_south.own',
  ])
})

test('what the probes write is rolled back, and no tenant is registered for them', async () => {
  const counted = async () => {
    const { rows } = await engine.central.query(
      `select (select count(*) from customer)::int + (select count(*) from invoice)::int
        + (select count(*) from tenant_north.own)::int as rows, (select count(*) from tenantry.tenant)::int as tenants`,
    )
    return rows[0]
  }
  expect(await counted()).toEqual({ rows: 0, tenants: 2 })
  await probe()
  expect(await counted()).toEqual({ rows: 0, tenants: 2 })
})

test('on a hardened server they are as green', async () => {
  const adminUser = decodeURIComponent(new URL(engine.database.adminUrl).username)
  await superuser.transaction((tx) => hardenSetConfig(tx, [login, adminUser]))
  try {
    expect(failures(await probe())).toEqual([])
  } finally {
    await superuser.query('grant execute on function set_config(text, text, boolean) to public')
  }
})

test('a view is unproven only where it runs with its owner’s rights and no row can be brought into it', async () => {
  await engine.central.query(
    `create view paid as select id from invoice where state = 'paid'; grant select on paid to ${app}`,
  )
  try {
    const found = failures(await probe())
    expect(found).toMatchObject([
      { name: 'probe: view', subject: 'public.paid', skipped: expect.any(String) as string },
    ])
    await engine.central.query('alter view paid set (security_invoker = true)')
    expect(failures(await probe())).toEqual([])
  } finally {
    await superuser.query('drop view paid')
  }
})

test('a trigger that puts the right tenant into every row is no breach', async () => {
  await engine.central.query(`create table stamped (id uuid primary key default gen_random_uuid());
    create function stamp() returns trigger language plpgsql as $$ begin
      new.tenant_id := tenantry.current_tenant_id(); return new; end $$`)
  await engine.protect('stamped')
  await engine.central.query(
    'create trigger stamp before insert or update on stamped for each row execute function stamp()',
  )
  try {
    expect(failures(await probe())).toEqual([])
  } finally {
    await superuser.query('drop table stamped; drop function stamp()')
  }
})

interface Mutation {
  readonly what: string
  /** Run as the superuser; `$app` and `$login` are the roles. */
  readonly away: string
  readonly back: string
  /** Name and subject that have to be among the failures. */
  readonly red: readonly [name: string, subject: string]
}

const tenantPolicy = (test: string) => `using (${test}) with check (tenant_id = (select tenantry.current_tenant_id()))`
const CURRENT = 'tenant_id = (select tenantry.current_tenant_id())'

const mutations: readonly Mutation[] = [
  {
    what: 'row security',
    away: 'alter table customer disable row level security',
    back: 'alter table customer enable row level security',
    red: ['probe: read', 'public.customer'],
  },
  {
    what: 'the USING test of a shared table',
    away: `alter policy tenantry_tenant on invoice ${tenantPolicy('true')}`,
    back: `alter policy tenantry_tenant on invoice ${tenantPolicy(CURRENT)}`,
    red: ['probe: read', 'public.invoice'],
  },
  {
    what: 'the WITH CHECK test of a shared table',
    away: 'alter policy tenantry_tenant on invoice with check (true)',
    back: `alter policy tenantry_tenant on invoice with check (${CURRENT})`,
    red: ['probe: insert', 'public.invoice'],
  },
  {
    what: 'the test for updates alone',
    away: 'create policy edit on customer for update to $app using (true) with check (true)',
    back: 'drop policy edit on customer',
    red: ['probe: update', 'public.customer'],
  },
  {
    what: 'the check of updated rows alone',
    away: `create policy edit on customer for update to $app using (${CURRENT}) with check (true)`,
    back: 'drop policy edit on customer',
    red: ['probe: give a row away', 'public.customer'],
  },
  {
    what: 'the test for deletes alone',
    away: 'create policy clean on customer for delete to $app using (true)',
    back: 'drop policy clean on customer',
    red: ['probe: delete', 'public.customer'],
  },
  {
    what: 'both tests, for a key without a tenant',
    away: 'alter policy tenantry_tenant on customer using (true) with check (true)',
    back: `alter policy tenantry_tenant on customer using (${CURRENT}) with check (${CURRENT})`,
    red: ['probe: upsert', 'public.customer'],
  },
  {
    what: 'the policy, which leaves a table that nobody can use',
    away: 'alter policy tenantry_tenant on customer to postgres',
    back: 'alter policy tenantry_tenant on customer to $app',
    red: ['probe: rows', 'public.customer'],
  },
  {
    what: 'the denial of TRUNCATE',
    away: 'grant truncate on customer to $app',
    back: 'revoke truncate on customer from $app',
    red: ['probe: truncate', 'public.customer'],
  },
  {
    what: 'the denial of TRUNCATE in a schema',
    away: 'grant truncate on tenant_south.own to public',
    back: 'revoke truncate on tenant_south.own from public',
    red: ['probe: truncate', 'tenant_south.own'],
  },
  {
    what: 'the login’s lack of rights',
    away: 'grant select on customer to $login; alter policy tenantry_tenant on customer to $app, $login using (true)',
    back: `revoke select on customer from $login; alter policy tenantry_tenant on customer to $app using (${CURRENT})`,
    red: ['probe: as the login', 'public.customer'],
  },
  {
    what: 'the trust in signatures alone, by a policy on the claim',
    away: `alter policy tenantry_tenant on customer ${tenantPolicy('tenant_id = tenantry.claimed_tenant_id()')}`,
    back: `alter policy tenantry_tenant on customer ${tenantPolicy(CURRENT)}`,
    red: ['probe: with an unsigned context', 'public.customer'],
  },
  {
    what: 'the guard of a schema tenant’s table',
    away: 'alter policy tenantry_guard on tenant_south.own using (true)',
    back: "alter policy tenantry_guard on tenant_south.own using ((select tenantry.current_tenant_id()) = '$south'::uuid)",
    red: ['probe: read', 'tenant_south.own'],
  },
  {
    what: 'the guard’s check of new rows',
    away: 'alter policy tenantry_guard on tenant_south.own with check (true)',
    back: "alter policy tenantry_guard on tenant_south.own with check ((select tenantry.current_tenant_id()) = '$south'::uuid)",
    red: ['probe: insert by a schema tenant', 'tenant_south.own'],
  },
  {
    what: 'row security of a partition that is granted by name',
    away: 'alter table nightly_all disable row level security; grant select on nightly_all to $app',
    back: 'alter table nightly_all enable row level security; revoke select on nightly_all from $app',
    red: ['probe: read', 'public.nightly_all'],
  },
  {
    what: 'NOBYPASSRLS',
    away: 'alter role $app bypassrls',
    back: 'alter role $app nobypassrls',
    red: ['probe: row_security off', 'public.invoice'],
  },
  {
    what: 'the distance to a powerful role',
    away: 'grant $central to $app',
    back: 'revoke $central from $app',
    red: ['probe: set role', '$central'],
  },
  {
    what: 'security_invoker of a view',
    away: 'alter view open_invoice set (security_invoker = false)',
    back: 'alter view open_invoice set (security_invoker = true)',
    red: ['probe: view', 'public.open_invoice'],
  },
  {
    what: 'security_invoker of a view that only counts',
    away: 'create view counted as select count(*) from customer; grant select on counted to $app',
    back: 'drop view counted',
    red: ['probe: view', 'public.counted'],
  },
  {
    what: 'the absence of a copy of everything',
    away: `insert into customer (tenant_id, name, country, mood, slug) values ('$south', 'a', 'de', 'calm', 'z');
      create materialized view copied as select * from customer; grant select on copied to $app`,
    back: 'drop materialized view copied; delete from customer',
    red: ['probe: materialized view', 'public.copied'],
  },
  {
    what: 'the caller’s rights of a view in a schema',
    away: 'alter view tenant_south.seen set (security_invoker = false)',
    back: 'alter view tenant_south.seen set (security_invoker = true)',
    red: ['probe: view', 'tenant_south.seen'],
  },
  {
    what: 'the caller’s rights of a function',
    away: 'create function names() returns setof text stable language sql security definer as $$ select name from customer $$',
    back: 'drop function names()',
    red: ['probe: function', 'names()'],
  },
  {
    what: 'the caller’s rights of a function that asks for a tenant',
    away: `create function names_of(uuid) returns setof text stable language sql security definer
      as $$ select name from customer where tenant_id = $1 $$`,
    back: 'drop function names_of(uuid)',
    red: ['probe: function', 'names_of(uuid)'],
  },
  {
    what: 'the secrecy of the signing key',
    away: 'grant select on tenantry.signing_key to $app',
    back: 'revoke select on tenantry.signing_key from $app',
    red: ['probe: control plane', 'tenantry.signing_key'],
  },
  {
    what: 'the policy of the registry',
    away: 'alter table tenantry.tenant disable row level security',
    back: 'alter table tenantry.tenant enable row level security',
    red: ['probe: control plane', 'tenantry.tenant'],
  },
]

test.each(mutations)('without $what they are red and name it', async ({ away, back, red }) => {
  const south = [...engine.tenants.values()].find(({ slug }) => slug === 'south')?.id ?? ''
  const put = (text: string) =>
    text
      .replaceAll('$app', app)
      .replaceAll('$login', login)
      .replaceAll('$central', engine.instance.roles.central)
      .replaceAll('$south', south)
  await superuser.query(put(away))
  try {
    const found = failures(await probe()).map(({ name, subject }) => [name, subject])
    expect(found).toContainEqual(red.map(put))
  } finally {
    await superuser.query(put(back))
  }
  expect(failures(await probe())).toEqual([])
})

test('a verifier that checks no signature is named', async () => {
  const { rows } = await engine.central.query<{ text: string }>(
    "select pg_get_functiondef('tenantry.current_tenant_id()'::regprocedure) as text",
  )
  await superuser.query(`create or replace function tenantry.current_tenant_id() returns uuid language plpgsql stable
    parallel safe security definer set search_path = pg_catalog, pg_temp as $$ begin return tenantry.claimed_tenant_id(); end $$`)
  try {
    const red = failures(await probe())
    expect(red.map(({ name, subject }) => [name, subject])).toEqual(
      expect.arrayContaining([
        ['probe: unsigned context', 'tenantry.current_tenant_id()'],
        ['probe: swapped tenant', 'tenantry.current_tenant_id()'],
        ['probe: set_config', 'tenantry.current_tenant_id()'],
        ['probe: expired context', 'tenantry.current_tenant_id()'],
        ['probe: with an unsigned context', 'public.customer'],
      ]),
    )
  } finally {
    await superuser.query(rows[0]?.text ?? '')
  }
  expect(failures(await probe())).toEqual([])
})

test('a schema outside of the sample is read all the same', async () => {
  await engine.scopes.handle('south', {}).query("insert into own values (1, 'south')")
  const guard = (state: string) => superuser.query(`alter table tenant_south.own ${state} row level security`)
  await guard('disable')
  try {
    expect(failures(await probe({ sampleSchemas: 0 }))).toMatchObject([
      { name: 'probe: read', subject: 'tenant_south.own' },
    ])
  } finally {
    await guard('enable')
    await superuser.query('delete from tenant_south.own')
  }
})

test('read-only probes write nothing, and say of an empty table that nothing is proven', async () => {
  await engine.central.query(`insert into customer (tenant_id, name, country, mood, slug)
    values (gen_random_uuid(), 'somebody', 'de', 'calm', 's')`)
  const written = async () =>
    (await engine.central.query<{ n: string }>("select nextval(pg_get_serial_sequence('customer', 'id'))::text as n"))
      .rows[0]?.n
  const before = Number(await written())
  const checks = await probe({ readOnly: true })
  expect(Number(await written())).toBe(before + 1)
  expect(checks).toContainEqual(expect.objectContaining({ name: 'probe: rows', ok: true, subject: 'public.customer' }))
  expect(checks).toContainEqual(
    expect.objectContaining({
      ok: false,
      subject: 'public.invoice',
      skipped: expect.stringContaining('empty') as string,
    }),
  )
  await superuser.query('delete from customer')
})

test('a table that takes no made-up row is said to be unproven, with the reason, until it holds one', async () => {
  await engine.central.query(`create table odd (id uuid primary key, code text not null check (code ~ '^X[0-9]{9}$'))`)
  await engine.protect('odd')
  const found = async () => failures(await probe())
  try {
    expect(await found()).toMatchObject([
      { name: 'probe: rows', ok: false, subject: 'public.odd', skipped: expect.stringContaining('23514') as string },
    ])
    await engine.central.query(
      "insert into odd (tenant_id, id, code) values (gen_random_uuid(), gen_random_uuid(), 'X123456789')",
    )
    expect(await found()).toEqual([])
    await superuser.query('alter table odd disable row level security')
    expect(await found()).toContainEqual(expect.objectContaining({ name: 'probe: read', subject: 'public.odd' }))
  } finally {
    await superuser.query('drop table odd')
  }
})
