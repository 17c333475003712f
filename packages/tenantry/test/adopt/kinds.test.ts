// Kinds of databases that adoption takes along, and those that it refuses by name.
import { afterEach, describe, expect, test } from 'vitest'
import { makePlan } from '../../src/features/adopt/plan-make.ts'
import { contentOf, entry, faultsOf, planFor, shapeOf, shopPlan, shopTables, useInstance } from './fixture.ts'

const shop = useInstance()

afterEach(async () => {
  const { tenantry } = shop()
  await tenantry.adopt.revert().catch(() => undefined)
})

const make = (schema: string, ddl: string) =>
  shop().admin.transaction((tx) => tx.query(`create schema ${schema}; set local search_path = ${schema}; ${ddl}`))

const rows = async (text: string) => (await shop().admin.query(text)).rows

describe('a partitioned table', () => {
  const ddl = `
    create table account (id int primary key, name text);
    create table event (account_id int not null references account on delete cascade, at date not null, id bigint generated always as identity, text text,
      primary key (at, account_id, id)) partition by range (at);
    create table event_rest partition of event default;
    create table event_2025 partition of event for values from ('2025-01-01') to ('2026-01-01');
    create table event_2026 partition of event for values from ('2026-01-01') to ('2027-01-01') partition by list (account_id);
    create table event_2026_one partition of event_2026 for values in (1);
    create table event_2026_rest partition of event_2026 default;
    create table log (account_id int, text text) partition by hash (account_id);
    create table log_0 partition of log for values with (modulus 2, remainder 0);
    create table log_1 partition of log for values with (modulus 2, remainder 1);
    alter table log add foreign key (account_id) references account;
    insert into account select n, 'Account ' || n from generate_series(1, 3) n;
    insert into event (account_id, at, text) select 1 + n % 3, date '2025-06-01' + n, 'e' || n from generate_series(1, 400) n;
    insert into log select 1 + n % 3, 'l' || n from generate_series(1, 90) n;`
  const tables = ['account', 'event', 'log']

  test('goes along partition by partition, is written all along, and comes back as it was', async () => {
    const { admin, tenantry } = shop()
    await make('parts', ddl)
    const plan = await makePlan(admin, { root: { table: 'parts.account' }, schema: 'parts' })
    const shape = await shapeOf(admin, 'parts')
    await tenantry.adopt.apply(plan, { to: 'backfill', batchSize: 50 })
    // Moves rows from partition to partition.
    await admin.query(`update parts.event set at = at + 150 where id % 5 = 0 and at < '2026-01-01'`)
    await admin.query(
      `insert into parts.event_2025 (account_id, at, id, text) overriding system value values (2, '2025-03-03', 9001, 'direct')`,
    )
    const before = await contentOf(admin, 'parts', tables)
    const status = await tenantry.adopt.apply(plan)
    expect(status.tables.map(({ same }) => same)).toEqual([true, true, true])
    expect(await contentOf(admin, 'parts', tables)).toEqual(before)
    expect(await faultsOf(tenantry)).toEqual([])
    expect(
      await rows(
        'select count(*)::int as n from parts.event e join parts.account a on a.id = e.account_id where a.tenant_id <> e.tenant_id',
      ),
    ).toEqual([{ n: 0 }])
    await tenantry.adopt.revert()
    expect(await contentOf(admin, 'parts', tables)).toEqual(before)
    expect(await shapeOf(admin, 'parts')).toEqual(shape)
  })
})

describe('one default tenant for all', () => {
  test('needs no backfill, and is taken back to what it was', async () => {
    const { admin, tenantry } = shop()
    await make(
      'sole',
      `create table note (id serial primary key, text text); create table loose (text text);
      insert into note (text) select 'n' || n from generate_series(1, 20) n; insert into loose values ('a'), ('b');`,
    )
    const shape = await shapeOf(admin, 'sole')
    const plan = await makePlan(admin, { root: { default: 'everyone' }, schema: 'sole' })
    await tenantry.adopt.apply(plan, { to: 'keys' })
    await admin.query(`insert into sole.note (text) values ('meanwhile')`)
    const { tables } = await tenantry.adopt.apply(plan)
    expect(tables.map(({ same, backfilled }) => [same, backfilled])).toEqual([
      [true, 0],
      [true, 0],
    ])
    expect(await faultsOf(tenantry)).toEqual([])
    expect((await tenantry.scope('everyone').query('select count(*)::int as n from sole.note')).rows).toEqual([
      { n: 21 },
    ])
    await tenantry.adopt.revert()
    expect(await shapeOf(admin, 'sole')).toEqual(shape)
  })
})

describe('a column that names the tenant', () => {
  test('makes a tenant of each of its values, also of those that come later', async () => {
    const { admin, tenantry } = shop()
    await make(
      'named',
      `create table "Order" (id int primary key, company_id text not null); create table item (order_id int references "Order", n int);
      insert into "Order" select n, 'co' || n % 3 from generate_series(1, 30) n; insert into item select n, 1 from generate_series(1, 30) n;`,
    )
    const plan = await makePlan(admin, { root: { column: 'company_id' }, schema: 'named' })
    await tenantry.adopt.apply(plan, { to: 'required' })
    await admin.query(`insert into named."Order" values (31, 'late'); insert into named.item values (31, 1)`)
    await tenantry.adopt.apply(plan)
    expect(await faultsOf(tenantry)).toEqual([])
    expect(await rows(`select count(distinct tenant_id)::int as tenants from named.item`)).toEqual([{ tenants: 4 }])
    expect(await rows(`select count(*)::int as tenants from tenantry.tenant`)).toEqual([{ tenants: 4 }])
  })
})

describe('a table of memberships on the way', () => {
  const ddl = `
    create table org (id int primary key, name text); create table person (id int primary key, email text);
    create table member (person_id int references person, org_id int references org);
    insert into org values (1, 'One'), (2, 'Two'); insert into person select n, 'p' || n from generate_series(1, 6) n;
    insert into member select n, 1 + n % 2 from generate_series(1, 6) n;`
  const plan = (schema: string) =>
    planFor(shop().admin, schema, {
      root: { kind: 'table', table: `${schema}.org`, key: 'id', slugFrom: ['name'], nameFrom: ['name'] },
      tables: [
        entry(`${schema}.org`),
        entry(`${schema}.member`, {
          decision: 'global',
          keys: ['person_id', 'org_id'].map((column) => ({
            ...{ name: `member_${column}_fkey`, columns: [column], table: `${schema}.person`, references: ['id'] },
            ...{ decision: 'dropped' as const, reason: '' },
          })),
        }),
        entry(`${schema}.person`, {
          path: [
            { columns: ['id'], table: `${schema}.member`, references: ['person_id'] },
            { columns: ['org_id'], table: `${schema}.org`, references: ['id'] },
          ],
        }),
      ],
    })

  test('leads to the tenant, also where the membership is written after the person', async () => {
    const { admin, tenantry } = shop()
    await make('clubs', ddl)
    await tenantry.adopt.apply(await plan('clubs'), { to: 'backfill' })
    await admin.query(`insert into clubs.person values (7, 'p7')`)
    await admin.query(`insert into clubs.member values (7, 2)`)
    expect(
      await rows(
        `select count(*)::int as n from clubs.person p join clubs.org o on o.tenant_id = p.tenant_id where p.id = 7 and o.id = 2`,
      ),
    ).toEqual([{ n: 1 }])
    await tenantry.adopt.apply(await plan('clubs').then(() => tenantry.adopt.status().then((status) => status.plan)))
    expect(await faultsOf(tenantry)).toEqual([])
  })

  test('that leads to two tenants is refused, with the table named and no value', async () => {
    const { admin, tenantry } = shop()
    await make('torn', `${ddl} insert into member values (1, 1);`)
    const wanted = await plan('torn')
    await expect(tenantry.adopt.apply(wanted)).rejects.toMatchObject({
      code: 'ADOPT_ORPHANS',
      message: 'Rows of torn.person belong to several tenants at once.',
    })
    await admin.query('delete from torn.member where person_id = 1 and org_id = 1')
    expect(await tenantry.adopt.apply(wanted, { to: 'backfill' })).toMatchObject({ stage: 'backfill' })
  })
})

describe('rows without a way to the root', () => {
  test('are counted and refused, and go to the tenant that the plan names in the end', async () => {
    const { admin, tenantry } = shop()
    await admin.transaction((tx) => tx.query(shopTables('lost')))
    await admin.query(`insert into lost.remark values (null, null, '{}'), (null, null, '{}')`)
    const plan = await shopPlan(admin, 'lost')
    await expect(tenantry.adopt.apply(plan)).rejects.toMatchObject({
      code: 'ADOPT_ORPHANS',
      message: '2 rows of lost.remark have no way to a tenant.',
    })
    const tables = plan.tables.map((table) => (table.table === 'lost.remark' ? { ...table, orphans: 'attic' } : table))
    await tenantry.adopt.apply({ ...plan, tables })
    expect(
      await rows(`select t.slug, count(*)::int as n from lost.remark r join tenantry.tenant t on t.id = r.tenant_id
      where r.line_invoice is null group by t.slug`),
    ).toEqual([{ slug: 'attic', n: 2 }])
    expect(await faultsOf(tenantry)).toEqual([])
  })

  test('and two ways to different tenants are refused with how many rows go both', async () => {
    const { admin, tenantry } = shop()
    await admin.transaction((tx) => tx.query(shopTables('crossed')))
    await admin.query('update crossed.invoice set replaces = id - 1 where id in (7, 8)')
    await expect(tenantry.adopt.apply(await shopPlan(admin, 'crossed'))).rejects.toMatchObject({
      code: 'ADOPT_ORPHANS',
      message: expect.stringContaining('2 rows of crossed.invoice (replaces)') as string,
    })
  })
})

describe('refused before anything is changed', () => {
  test('a plan of a database that changed since, or that changes under way', async () => {
    const { admin, tenantry } = shop()
    await admin.transaction((tx) => tx.query(shopTables('changed')))
    const plan = await shopPlan(admin, 'changed')
    await admin.query('alter table changed.line add column more int')
    await expect(tenantry.adopt.apply(plan)).rejects.toMatchObject({ code: 'PLAN_OUTDATED' })
    const fresh = await shopPlan(admin, 'changed')
    await tenantry.adopt.apply(fresh, { to: 'backfill' })
    await admin.query('alter table changed.line add column again int')
    await expect(tenantry.adopt.apply(fresh)).rejects.toMatchObject({ code: 'PLAN_OUTDATED' })
    await expect(tenantry.adopt.apply(await shopPlan(admin, 'changed'))).rejects.toMatchObject({
      code: 'PLAN_OUTDATED',
    })
  })

  test('open questions, unknown tables, strange names, and paths in a circle', async () => {
    const { admin, tenantry } = shop()
    await admin.transaction((tx) => tx.query(shopTables('open')))
    const plan = await shopPlan(admin, 'open')
    const refused = (tables: typeof plan.tables, code: string) =>
      expect(tenantry.adopt.apply({ ...plan, tables })).rejects.toMatchObject({ code })
    await refused([...plan.tables, entry('open.other', { decision: 'undecided' })], 'PLAN_UNDECIDED')
    await refused([...plan.tables, entry('open.other', { orphans: 'x1' })], 'PLAN_INVALID')
    await refused([...plan.tables, entry('"open"."line"', { orphans: 'x1' })], 'PLAN_INVALID')
    await refused([...plan.tables, entry('open.turnover; drop table open.line', { orphans: 'x1' })], 'PLAN_INVALID')
    const circle = { columns: ['replaces'], table: 'open.line', references: ['invoice_id'] }
    await refused(
      plan.tables.map((table) => (table.table === 'open.invoice' ? { ...table, path: [circle] } : table)),
      'PLAN_INVALID',
    )
    await expect(tenantry.adopt.apply({ ...plan, database: 'another' })).rejects.toMatchObject({
      code: 'PLAN_OUTDATED',
    })
  })

  test('a table with a trigger that fires on every update, unless the admin may keep it still', async () => {
    const { admin, tenantry, database } = shop()
    await make(
      'loud',
      `create table thing (id serial primary key, touched timestamptz default now());
      create function touch() returns trigger language plpgsql as 'begin new.touched = clock_timestamp(); return new; end';
      create trigger touch before update on thing for each row execute function touch();
      create table owner (id int primary key); alter table thing add owner_id int references owner;
      insert into owner values (1), (2); insert into thing (owner_id) select 1 + n % 2 from generate_series(1, 10) n;`,
    )
    const plan = await makePlan(admin, { root: { table: 'loud.owner' }, schema: 'loud' })
    const before = await contentOf(admin, 'loud', ['thing'])
    await expect(tenantry.adopt.apply(plan)).rejects.toMatchObject({
      code: 'TABLE_UNSUPPORTED',
      message: expect.stringContaining('The trigger touch of loud.thing') as string,
    })
    const owner = '(select quote_ident(pg_get_userbyid(datdba)) from pg_database where datname = current_database())'
    const grant = (verb: string) => database.superuser.query(`do $$ begin execute format('${verb}', ${owner}); end $$`)
    await grant('grant set on parameter session_replication_role to %s')
    try {
      await tenantry.adopt.apply(plan)
      expect(await contentOf(admin, 'loud', ['thing'])).toEqual(before)
      expect(await faultsOf(tenantry)).toEqual([])
    } finally {
      await tenantry.adopt.revert()
      await grant('revoke set on parameter session_replication_role from %s')
    }
  })

  test('a table that has the column already, or takes part in inheritance', async () => {
    const { admin, tenantry } = shop()
    await make('taken', 'create table note (id int, tenant_id int)')
    await expect(
      tenantry.adopt.apply(await planFor(admin, 'taken', { tables: [entry('taken.note')] })),
    ).rejects.toMatchObject({
      code: 'TABLE_UNSUPPORTED',
    })
    await make('heirs', 'create table note (id int); create table letter () inherits (note)')
    await expect(
      tenantry.adopt.apply(await planFor(admin, 'heirs', { tables: [entry('heirs.note')] })),
    ).rejects.toMatchObject({
      code: 'TABLE_UNSUPPORTED',
    })
  })
})

describe('statements', () => {
  test('are shown for review without changing anything', async () => {
    const { admin, tenantry } = shop()
    await admin.transaction((tx) => tx.query(shopTables('shown')))
    const plan = await shopPlan(admin, 'shown')
    const before = await shapeOf(admin, 'shown')
    const statements = await tenantry.adopt.statements(plan)
    expect(await shapeOf(admin, 'shown')).toEqual(before)
    const of = (wanted: string) => statements.find(({ stage }) => stage === wanted)?.statements ?? []
    expect(of('columns')).toContain('alter table shown.line add column tenant_id uuid')
    expect(
      of('backfill').some((text) =>
        text.startsWith('update shown.line r set tenant_id = h1."tenant_id" from shown.invoice h1'),
      ),
    ).toBe(true)
    expect(of('keys')).toContain(
      'create unique index concurrently "line_tenant_id_invoice_id_number_key" on shown.line ("tenant_id", "invoice_id", "number")',
    )
    expect(of('enforce').some((text) => text.includes('force row level security'))).toBe(true)
  })
})
