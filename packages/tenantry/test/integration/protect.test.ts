// Bringing shared tables into the policy form: which tables are taken, which refused, and what tenants can do then.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
let admin: CentralDatabase
let superuser: CentralDatabase
let tenantry: Tenantry
let app: string
const ids: Record<string, string> = {}

beforeAll(async () => {
  database = await createTestDatabase()
  admin = openCentralDatabase({ url: database.adminUrl })
  superuser = openCentralDatabase({ url: database.superUrl })
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  for (const slug of ['acme', 'globex']) ids[slug] = (await tenantry.tenants.create({ name: slug, slug })).id
  const { rows } = await admin.query<{ id: string }>('select id from tenantry.instance')
  app = `tn_${rows[0]?.id ?? ''}_app`
})

afterAll(async () => {
  await tenantry.close()
  await admin.close()
  await superuser.close()
  await database.drop()
})

const send = (slug: string, text: string, values?: unknown[]) => tenantry.scope(slug).query(text, values)
const rowsOf = async (slug: string, text: string) => (await send(slug, text)).rows

/** Everything the catalogue says of a table that protection could change. */
const shapeOf = async (table: string) => {
  const { rows } = await superuser.query(
    `select c.relacl::text, c.relrowsecurity, c.relforcerowsecurity,
       (select json_agg(json_build_array(attname, atttypid, attnotnull) order by attnum) from pg_attribute
         where attrelid = c.oid and attnum > 0) as columns,
       (select json_agg(polname order by polname) from pg_policy where polrelid = c.oid) as policies,
       (select json_agg(pg_get_constraintdef(oid) order by conname) from pg_constraint where conrelid = c.oid) as constraints
     from pg_class c where c.oid = $1::regclass`,
    [table],
  )
  return rows
}

async function expectUntouched(table: string, work: () => Promise<unknown>): Promise<void> {
  const before = await shapeOf(table)
  await work()
  expect(await shapeOf(table)).toEqual(before)
}

const refused = (table: string, code: string, options = {}) =>
  expectUntouched(table, () => expect(tenantry.protect(table, options)).rejects.toMatchObject({ code }))

describe('an empty table', () => {
  test('is protected, and then each tenant sees and changes its own rows', async () => {
    await admin.query('create table empty (id int primary key, text text)')
    expect(await tenantry.protect('empty')).toMatchObject({ table: '"public"."empty"', changed: true })
    await send('acme', "insert into empty (id, text) values (1, 'acme')")
    await send('globex', "insert into empty (id, text) values (2, 'globex')")
    expect(await rowsOf('acme', 'select id from empty')).toEqual([{ id: 1 }])
    expect(await send('acme', "update empty set text = 'x'")).toMatchObject({ rowCount: 1 })
    expect(await send('acme', 'delete from empty where id = 2')).toMatchObject({ rowCount: 0 })
    expect((await superuser.query('select tenant_id, id from empty order by id')).rows).toEqual([
      { tenant_id: ids.acme, id: 1 },
      { tenant_id: ids.globex, id: 2 },
    ])
  })

  test('a second time is left as it is, without a statement', async () => {
    await expectUntouched('empty', async () => {
      expect(await tenantry.protect('empty')).toEqual({ table: '"public"."empty"', changed: false, statements: [] })
    })
  })

  test('stays in the hands of the admin, whose UPDATE and DELETE touch every row', async () => {
    expect(await admin.query("update empty set text = text || '!'")).toMatchObject({ rowCount: 2 })
    expect((await admin.query('select count(*)::int as n from empty')).rows).toEqual([{ n: 2 }])
    // Over rows that the owner could not see, this would pass.
    await admin.query('create table nothing (id int primary key)')
    await expect(admin.query('alter table empty add foreign key (id) references nothing')).rejects.toMatchObject({
      code: '23503',
    })
  })

  test('in a dry run is planned and not changed', async () => {
    await admin.query('create table dry (id int primary key)')
    await expectUntouched('dry', async () => {
      const { changed, statements } = await tenantry.protect('dry', { dryRun: true })
      expect(changed).toBe(true)
      expect(statements.join('\n')).toContain('create policy')
    })
    const planned = (await tenantry.protect('dry', { dryRun: true })).statements
    expect((await tenantry.protect('dry')).statements).toEqual(planned)
  })
})

describe('a table with rows', () => {
  test('without a tenant is refused', async () => {
    await admin.query('create table filled (id int primary key); insert into filled values (1), (2)')
    await refused('filled', 'TABLE_NOT_EMPTY')
    await refused('filled', 'TABLE_NOT_EMPTY', { dryRun: true })
    await refused('filled', 'TENANT_NOT_FOUND', { tenant: 'nobody' })
  })

  test('with one is given to it', async () => {
    await tenantry.protect('filled', { tenant: 'acme' })
    expect(await rowsOf('acme', 'select id from filled order by id')).toEqual([{ id: 1 }, { id: 2 }])
    expect(await rowsOf('globex', 'select id from filled')).toEqual([])
    await send('globex', 'insert into filled (id) values (3)')
    expect(await rowsOf('globex', 'select id from filled')).toEqual([{ id: 3 }])
  })

  test('and a filled tenant column keeps its tenants; those that do not exist are refused', async () => {
    await admin.query('create table carried (id int primary key, tenant_id uuid)')
    await admin.query('insert into carried values (1, $1), (2, $2)', [ids.acme, ids.globex])
    await admin.query("insert into carried values (3, '00000000-0000-7000-8000-000000000000')")
    await refused('carried', 'TABLE_NOT_EMPTY')
    await refused('carried', 'TABLE_NOT_EMPTY', { tenant: 'acme' })
    await admin.query('update carried set tenant_id = null where id = 3')
    await refused('carried', 'TABLE_NOT_EMPTY')
    await tenantry.protect('carried', { tenant: 'globex' })
    expect(await rowsOf('acme', 'select id from carried')).toEqual([{ id: 1 }])
    expect(await rowsOf('globex', 'select id from carried order by id')).toEqual([{ id: 2 }, { id: 3 }])
  })

  test('whose tenant column is of another type is refused', async () => {
    await admin.query('create table mistyped (id int primary key, tenant_id text)')
    await refused('mistyped', 'TABLE_UNSUPPORTED')
  })
})

describe('what is no table of ours', () => {
  test('is refused by name', async () => {
    for (const name of ['no_such_table', 'a.b.c.d', '"', '']) {
      await expect(tenantry.protect(name)).rejects.toMatchObject({ code: 'TABLE_NOT_FOUND' })
    }
  })

  test('such as a view, a system table or a table of the control plane, is refused', async () => {
    await admin.query('create view looking as select 1 as id; create materialized view kept as select 1 as id')
    for (const name of [
      'looking',
      'kept',
      'pg_catalog.pg_class',
      'information_schema.sql_features',
      'tenantry.tenant',
    ]) {
      await refused(name, 'TABLE_UNSUPPORTED')
    }
  })

  test('such as a table of another owner, is refused until its owner is one of ours', async () => {
    await superuser.query(
      'create schema theirs; create table theirs.box (id int primary key); grant usage on schema theirs to public',
    )
    await refused('theirs.box', 'TABLE_NOT_OWNED')
  })

  test('with a policy of its own is refused, because policies are joined by OR', async () => {
    await admin.query('create table open (id int primary key); create policy everyone on open using (true)')
    await refused('open', 'TABLE_UNSUPPORTED')
  })

  test('or with such a policy on a partition is refused as well', async () => {
    await admin.query(`create table split (id int) partition by range (id);
      create table split_1 partition of split for values from (0) to (10);
      grant select on split_1 to public; create policy everyone on split_1 using (true)`)
    await refused('split', 'TABLE_UNSUPPORTED')
  })
})

describe('names, sequences and grants', () => {
  test('mixed-case names in a schema of the user work', async () => {
    await admin.query(
      'create schema "App Data"; create table "App Data"."Ord""er" ("Key" int primary key, "Note" text)',
    )
    expect(await tenantry.protect('"App Data"."Ord""er"')).toMatchObject({ table: '"App Data"."Ord""er"' })
    await send('acme', 'insert into "App Data"."Ord""er" ("Key") values (1)')
    expect(await rowsOf('globex', 'select * from "App Data"."Ord""er"')).toEqual([])
    expect(await rowsOf('acme', 'select "Key" from "App Data"."Ord""er"')).toEqual([{ Key: 1 }])
  })

  test('serial and identity columns number the rows of tenants', async () => {
    await admin.query(`create table numbered (id serial primary key, n int generated always as identity,
      m int generated by default as identity, text text)`)
    await tenantry.protect('numbered')
    expect((await send('acme', "insert into numbered (text) values ('a') returning id, n, m")).rows).toEqual([
      { id: 1, n: 1, m: 1 },
    ])
  })

  test('rights of PUBLIC to truncate, refer or add triggers are taken away, on partitions too', async () => {
    await admin.query(`create table granted (id int primary key, day int) ; grant all on granted to public;
      create table parted (id int) partition by range (id);
      create table parted_1 partition of parted for values from (0) to (10);
      grant all on parted, parted_1 to public`)
    for (const table of ['granted', 'parted']) await tenantry.protect(table)
    for (const table of ['granted', 'parted', 'parted_1']) {
      await expect(send('acme', `truncate ${table}`)).rejects.toMatchObject({ code: '42501' })
      const { rows } = await superuser.query('select has_table_privilege($1, $2, $3) as may', [
        app,
        table,
        'TRUNCATE, REFERENCES, TRIGGER',
      ])
      expect(rows).toEqual([{ may: false }])
    }
  })

  test('partitions and children are protected when they are named directly', async () => {
    await admin.query(`create table day (id int, on_day int) partition by range (on_day);
      create table day_1 partition of day for values from (0) to (10);
      create table base (id int primary key); create table derived (extra int) inherits (base);
      grant select, insert on day_1, derived to public`)
    await tenantry.protect('day')
    await tenantry.protect('base')
    for (const slug of ['acme', 'globex'])
      await send(slug, 'insert into day (id, on_day) values ($1, 1)', [slug === 'acme' ? 1 : 2])
    await send('acme', 'insert into derived (id, extra) values (1, 1)')
    expect(await rowsOf('acme', 'select id from day_1')).toEqual([{ id: 1 }])
    expect(await rowsOf('globex', 'select id from day_1')).toEqual([{ id: 2 }])
    expect(await rowsOf('globex', 'select id from derived')).toEqual([])
    expect(await rowsOf('globex', 'select id from base')).toEqual([])
    await expect(
      send('globex', 'insert into day_1 (id, on_day, tenant_id) values (3, 1, $1)', [ids.acme]),
    ).rejects.toMatchObject({ code: '42501' })
  })

  test('a partition that was added later is protected by protecting the table again', async () => {
    await admin.query(
      'create table day_2 partition of day for values from (10) to (20); grant select on day_2 to public',
    )
    await send('acme', 'insert into day (id, on_day) values (4, 11)')
    expect(await tenantry.protect('day')).toMatchObject({ changed: true })
    expect(await rowsOf('globex', 'select id from day_2')).toEqual([])
    expect(await rowsOf('acme', 'select id from day_2')).toEqual([{ id: 4 }])
    expect(await tenantry.protect('day')).toMatchObject({ changed: false })
  })
})

describe.each([
  ['parent first', ['parent', 'child']],
  ['child first', ['child', 'parent']],
] as const)('a foreign key between protected tables, %s', (name, order) => {
  const schema = name.replace(' ', '_')
  const table = (which: string) => `${schema}.${which}`

  test('carries the tenant and keeps its actions', async () => {
    await admin.query(`create schema ${schema};
      create table ${table('parent')} (id int primary key, up int references ${table('parent')} on delete cascade);
      create table ${table('child')} (id int primary key, owner int references ${table('parent')} on delete cascade,
        friend int references ${table('parent')} on delete set null on update cascade deferrable initially deferred)`)
    for (const which of order) await tenantry.protect(table(which))
    const { rows } = await superuser.query<{ text: string }>(
      `select pg_get_constraintdef(oid) as text from pg_constraint
        where contype = 'f' and conrelid = any (array[to_regclass($1), to_regclass($2)]) order by conname`,
      [table('child'), table('parent')],
    )
    const parent = table('parent')
    expect(rows.map(({ text }) => text)).toEqual([
      `FOREIGN KEY (tenant_id, friend) REFERENCES ${parent}(tenant_id, id) ON UPDATE CASCADE ON DELETE SET NULL (friend) DEFERRABLE INITIALLY DEFERRED`,
      `FOREIGN KEY (tenant_id, owner) REFERENCES ${parent}(tenant_id, id) ON DELETE CASCADE`,
      `FOREIGN KEY (tenant_id, up) REFERENCES ${parent}(tenant_id, id) ON DELETE CASCADE`,
    ])
    for (const which of order) expect(await tenantry.protect(table(which))).toMatchObject({ changed: false })
  })

  test('refuses a child whose parent is another tenant’s, and cascades inside the own tenant', async () => {
    await send('acme', `insert into ${table('parent')} (id) values (1), (2)`)
    await expect(send('globex', `insert into ${table('child')} (id, owner) values (1, 1)`)).rejects.toMatchObject({
      code: '23503',
    })
    await expect(send('globex', `insert into ${table('parent')} (id, up) values (9, 1)`)).rejects.toMatchObject({
      code: '23503',
    })
    await send('acme', `insert into ${table('child')} (id, owner, friend) values (1, 1, 2), (2, 2, 1)`)
    await send('acme', `delete from ${table('parent')} where id = 1`)
    expect(await rowsOf('acme', `select id, owner, friend, tenant_id from ${table('child')}`)).toEqual([
      { id: 2, owner: 2, friend: null, tenant_id: ids.acme },
    ])
  })

  test('is refused where rows already cross tenants, and nothing changes', async () => {
    await admin.query(`create table ${table('up')} (id int primary key, tenant_id uuid);
      create table ${table('down')} (id int primary key, tenant_id uuid, up int references ${table('up')})`)
    await admin.query(`insert into ${table('up')} values (1, $1)`, [ids.acme])
    await admin.query(`insert into ${table('down')} values (1, $1, 1)`, [ids.globex])
    const [first, last] = order[0] === 'parent' ? ['up', 'down'] : ['down', 'up']
    await tenantry.protect(table(first))
    await refused(table(last), 'TABLE_UNSUPPORTED')
  })
})

describe('views over a protected table', () => {
  test('show a tenant its own rows only, those over other views as well', async () => {
    await admin.query(`create table sale (id int primary key, note text);
      create view sale_note as select note from sale; create view sale_again as select note from sale_note;
      grant select on sale_note, sale_again to public`)
    await tenantry.protect('sale')
    await send('acme', "insert into sale (id, note) values (1, 'of acme')")
    await send('globex', "insert into sale (id, note) values (2, 'of globex')")
    for (const view of ['sale_note', 'sale_again']) {
      expect(await rowsOf('acme', `select note from ${view}`)).toEqual([{ note: 'of acme' }])
    }
    expect((await tenantry.protect('sale')).changed).toBe(false)
    // As a view is by default, to see that the test can fail.
    await admin.query('alter view sale_note set (security_invoker = false)')
    expect(await rowsOf('acme', 'select note from sale_note')).toHaveLength(2)
    expect((await tenantry.protect('sale')).statements).toEqual([
      'alter view public.sale_note set (security_invoker = true)',
    ])
  })

  test('that are stored and readable by tenants are refused', async () => {
    await admin.query(`create table stock (id int primary key);
      create materialized view stock_copy as select id from stock; grant select on stock_copy to public`)
    await refused('stock', 'TABLE_UNSUPPORTED')
    await admin.query('revoke select on stock_copy from public')
    expect((await tenantry.protect('stock')).changed).toBe(true)
  })
})
