// nself's guide from one tenant to many, followed by hand with our commands and by `adopt apply`: both end with the same
// catalogue and the same sums of each tenant. docs/adopt.md has the steps.
import { describe, expect, test } from 'vitest'
import { fingerprintsOf } from '../../src/engine/catalogue/fingerprints.ts'
import { makePlan } from '../../src/features/adopt/plan-make.ts'
import { faultsOf, shapeOf, useInstance } from './fixture.ts'

const shop = useInstance()
const NIL = '00000000-0000-0000-0000-000000000000'
const TABLES = ['users', 'products', 'orders', 'invoices'] as const

const application = (schema: string) => `
  create schema ${schema}; set local search_path = ${schema};
  create table legacy_organizations (id serial primary key, org_name text not null);
  create table users (id uuid primary key default gen_random_uuid(), email text not null);
  create table legacy_user_organizations (user_id uuid not null references users, org_id int not null references legacy_organizations, primary key (user_id));
  create table products (id bigserial primary key, created_by_user_id uuid not null references users, name text);
  create table orders (id bigint generated always as identity primary key, user_id uuid not null references users on delete cascade, product_id bigint references products on delete set null);
  create table invoices (id serial primary key, order_id bigint not null references orders, total numeric(10, 2) not null);
  insert into legacy_organizations (org_name) values ('Acme Corp'), ('Tech Co'), ('Startup Inc');
  insert into users (id, email) select md5('' || n)::uuid, 'user' || n || '@example.com' from generate_series(1, 30) n;
  insert into legacy_user_organizations select md5('' || n)::uuid, 1 + n % 3 from generate_series(1, 30) n;
  insert into products (created_by_user_id, name) select md5('' || 1 + n % 30)::uuid, 'product ' || n from generate_series(1, 60) n;
  insert into orders (user_id, product_id) select created_by_user_id, id from products;
  insert into invoices (order_id, total) select id, id * 1.5 from orders;`

const make = (schema: string) => shop().admin.transaction((tx) => tx.query(application(schema)))

async function fingerprints(...schemas: readonly string[]): Promise<readonly (string | undefined)[]> {
  const found = await fingerprintsOf(
    shop().admin,
    schemas.map((name) => ({ name, tenantId: NIL })),
  )
  return schemas.map((name) => found.get(name))
}

async function sameShape(one: string, other: string): Promise<void> {
  const asText = async (schema: string) =>
    JSON.stringify(await shapeOf(shop().admin, schema)).replaceAll(`${schema}.`, '')
  expect(JSON.parse(await asText(one))).toEqual(JSON.parse(await asText(other)))
  const [first, second] = await fingerprints(one, other)
  expect(first).toBeDefined()
  expect(first).toBe(second)
}

/** What a tenant sees of each table, and what its invoices come to. */
async function sums(slug: string, schema: string): Promise<unknown> {
  const counts = TABLES.map((table) => `(select count(*)::int from ${schema}.${table}) as ${table}`)
  const { rows } = await shop()
    .tenantry.scope(slug)
    .query(`select ${counts.join(', ')}, (select sum(total)::text from ${schema}.invoices) as total`)
  return rows
}

describe('the guide from one tenant to many', () => {
  test('with one default tenant', async () => {
    const { tenantry, admin } = shop()
    await make('hand_one')
    await make('adopted_one')
    // By hand: tenantry create "Default" --slug default, then tenantry protect <table> --tenant default.
    await tenantry.tenants.create({ name: 'Default', slug: 'default' })
    const all = [...TABLES, 'legacy_organizations', 'legacy_user_organizations']
    for (const table of all) await tenantry.protect(`hand_one.${table}`, { tenant: 'default' })
    const before = await sums('default', 'hand_one')
    await tenantry.adopt.apply(await makePlan(admin, { root: { default: 'default' }, schema: 'adopted_one' }))
    await sameShape('hand_one', 'adopted_one')
    expect(await sums('default', 'adopted_one')).toEqual(before)
    expect(before).toMatchObject([{ users: 30, products: 60, orders: 60, invoices: 60, total: '2745.00' }])
    expect(await faultsOf(tenantry)).toEqual([])
  })

  test('with the organizations of before as tenants', async () => {
    const { tenantry, admin } = shop()
    await make('hand_many')
    await make('adopted_many')
    // By hand: a tenant for each organization, the column, the backfill along the owners, then tenantry protect <table>.
    for (const [at, name] of ['Acme Corp', 'Tech Co', 'Startup Inc'].entries()) {
      const { id } = await tenantry.tenants.create({ name, slug: `hand-${at + 1}` })
      await admin.query('create table if not exists hand_mapping (org_id int, tenant_id uuid)')
      await admin.query('insert into hand_mapping values ($1, $2)', [at + 1, id])
    }
    const all = ['legacy_organizations', 'legacy_user_organizations', ...TABLES]
    for (const table of all) await admin.query(`alter table hand_many.${table} add column tenant_id uuid`)
    await admin.transaction((tx) =>
      tx.query(`set local search_path = hand_many, public;
        update legacy_organizations o set tenant_id = m.tenant_id from hand_mapping m where m.org_id = o.id;
        update legacy_user_organizations l set tenant_id = o.tenant_id from legacy_organizations o where o.id = l.org_id;
        update users u set tenant_id = l.tenant_id from legacy_user_organizations l where l.user_id = u.id;
        update products p set tenant_id = u.tenant_id from users u where u.id = p.created_by_user_id;
        update orders o set tenant_id = u.tenant_id from users u where u.id = o.user_id;
        update invoices i set tenant_id = o.tenant_id from orders o where o.id = i.order_id;
        drop table hand_mapping`),
    )
    for (const table of all) await tenantry.protect(`hand_many.${table}`)
    const root = { table: 'adopted_many.legacy_organizations', slugFrom: ['org_name'], nameFrom: ['org_name'] }
    const via = { columns: ['id'], table: 'adopted_many.legacy_user_organizations' }
    const answers = [{ table: 'adopted_many.users', decision: 'tenant' as const, via, orphans: null }]
    const plan = await makePlan(admin, { root, schema: 'adopted_many', answers })
    await tenantry.adopt.apply(plan)
    await sameShape('hand_many', 'adopted_many')
    for (const [at, slug] of ['acme-corp', 'tech-co', 'startup-inc'].entries()) {
      const own = await sums(slug, 'adopted_many')
      expect(own).toEqual(await sums(`hand-${at + 1}`, 'hand_many'))
      expect(own).toMatchObject([{ users: 10, products: 20, orders: 20, invoices: 20 }])
    }
    expect(await faultsOf(tenantry)).toEqual([])
  })
})
