// A single-tenant shop, written by an application of its own login, and plans for it that are written by hand.
import { afterAll, beforeAll } from 'vitest'
import type { AdoptPlan, AdoptTable, PathStep } from '../../src/features/adopt/plan.ts'
import { inspectCatalogue } from '../../src/features/adopt/inspect.ts'
import { readInstance } from '../../src/control/instance.ts'
import type { CentralDatabase, Sql } from '../../src/engine/sql/database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createInstanceDatabase, type InstanceDatabase } from '../support/instance-database.ts'

export interface Shop {
  readonly database: InstanceDatabase
  readonly admin: CentralDatabase
  readonly tenantry: Tenantry
  readonly app: string
}

/** An empty database with an instance, for one test file. */
export function useInstance(): () => Shop {
  let shop: Shop | undefined
  beforeAll(async () => {
    const database = await createInstanceDatabase()
    const tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
    await tenantry.start()
    const { roles } = await readInstance(database.admin)
    shop = { database, admin: database.admin, tenantry, app: roles.app }
  })
  afterAll(async () => {
    await shop?.tenantry.close()
    await shop?.database.drop()
  })
  return () => {
    if (shop === undefined) throw new Error('The instance has not been started.')
    return shop
  }
}

export const CUSTOMERS = 5

/** Customers with invoices, lines of these, and countries that all share. */
export const shopTables = (schema: string): string => `
  create schema ${schema}; set local search_path = ${schema};
  create table country (code text primary key, name text not null);
  create table customer (id int generated always as identity primary key, name text not null, country text references country);
  create table invoice (id bigserial primary key, customer_id int not null references customer on delete cascade, total numeric(10, 2) not null,
    at timestamptz not null default '2026-01-01', replaces bigint references invoice on delete set null);
  create table line (invoice_id bigint not null references invoice on delete cascade, number int not null, text text, price double precision,
    words tsvector generated always as (to_tsvector('simple', coalesce(text, ''))) stored, primary key (invoice_id, number));
  create index on line using gin (words);
  create table remark (line_invoice bigint, line_number int, body jsonb, foreign key (line_invoice, line_number) references line);
  create view turnover as select customer_id, sum(total) as total from invoice group by customer_id;
  insert into country values ('ch', 'Switzerland'), ('at', 'Austria');
  insert into customer (name, country) select 'Customer ' || n, 'ch' from generate_series(1, ${CUSTOMERS}) n;
  insert into invoice (customer_id, total) select 1 + n % ${CUSTOMERS}, n from generate_series(1, 200) n;
  update invoice set replaces = id - ${CUSTOMERS} where id > 190;
  insert into line (invoice_id, number, text, price) select i.id, n, 'line ' || n, n * 1.1 from invoice i, generate_series(1, 3) n;
  insert into remark select invoice_id, number, '{"a": 1}' from line where number = 1;`

const step = (column: string, table: string, reference: string): PathStep => ({
  columns: [column],
  table,
  references: [reference],
})

export const entry = (table: string, given: Partial<AdoptTable> = {}): AdoptTable => ({
  table,
  decision: 'tenant',
  path: [],
  column: null,
  keys: [],
  reason: '',
  orphans: null,
  rows: 0,
  partitioned: false,
  notes: [],
  ...given,
})

export async function planFor(sql: CentralDatabase, schema: string, given: Partial<AdoptPlan>): Promise<AdoptPlan> {
  const { rows } = await sql.query<{ name: string }>('select current_database()::text as name')
  return {
    format: 1,
    database: rows[0]?.name ?? '',
    fingerprint: (await inspectCatalogue(sql, schema)).fingerprint,
    schema,
    target: 'row',
    root: { kind: 'default', slug: 'default', name: 'Default' },
    tables: [],
    questions: [],
    pilot: [],
    createdAt: '2026-01-01T00:00:00.000Z',
    ...given,
  }
}

/** The shop with its customers as tenants. */
export function shopPlan(sql: CentralDatabase, schema: string, given: Partial<AdoptPlan> = {}): Promise<AdoptPlan> {
  const of = (table: string) => `${schema}.${table}`
  const toCustomer = step('customer_id', of('customer'), 'id')
  const toInvoice = step('invoice_id', of('invoice'), 'id')
  const toLine = { columns: ['line_invoice', 'line_number'], table: of('line'), references: ['invoice_id', 'number'] }
  return planFor(sql, schema, {
    root: { kind: 'table', table: of('customer'), key: 'id', slugFrom: ['name'], nameFrom: ['name'] },
    tables: [
      entry(of('remark'), { path: [toLine, toInvoice, toCustomer] }),
      entry(of('line'), { path: [toInvoice, toCustomer] }),
      entry(of('invoice'), { path: [toCustomer] }),
      entry(of('customer')),
      entry(of('country'), { decision: 'global', reason: 'The same for everyone' }),
    ],
    ...given,
  })
}

/** Everything the catalogue says of a schema that adoption could change, in PostgreSQL's words. */
export async function shapeOf(sql: Sql, schema: string): Promise<unknown> {
  const { rows } = await sql.query(SHAPE, [schema])
  return rows
}

const SHAPE = `
  select c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity,
    coalesce((select json_agg(o.option_name || '=' || o.option_value order by 1) from pg_options_to_table(c.reloptions) o), '[]') as options,
    (select json_agg(a.privilege_type || ' ' || a.grantee::regrole::text order by 1::text, a.privilege_type, a.grantee)
       from aclexplode(coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's'::"char" else 'r' end, c.relowner))) a) as rights,
    (select json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) order by a.attnum)
       from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select json_agg(k.conname || ' ' || pg_get_constraintdef(k.oid) || k.convalidated order by k.conname) from pg_constraint k where k.conrelid = c.oid) as constraints,
    (select json_agg(pg_get_indexdef(i.indexrelid) || i.indisvalid order by i.indexrelid::regclass::text) from pg_index i where i.indrelid = c.oid) as indexes,
    (select json_agg(pg_get_triggerdef(t.oid) order by t.tgname) from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal) as triggers,
    (select json_agg(p.polname || coalesce(pg_get_expr(p.polqual, p.polrelid), '') order by p.polname) from pg_policy p where p.polrelid = c.oid) as policies
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'S') order by c.relname`

/** Count and checksum of each table of a schema, over these columns alone, computed apart from the code under test. */
export async function contentOf(sql: Sql, schema: string, tables: readonly string[]): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for (const table of tables) {
    const { rows } = await sql.query(
      `select count(*) as rows, md5(coalesce(string_agg(t.text, '' order by t.text), '')) as sum
         from (select (to_jsonb(r) - 'tenant_id')::text as text from ${schema}.${table} r) t`,
    )
    found[table] = rows[0]
  }
  return found
}

export const shopNames = ['country', 'customer', 'invoice', 'line', 'remark'] as const

/** What `verify` finds wrong. */
export async function faultsOf(tenantry: Tenantry): Promise<readonly { readonly subject?: string | undefined }[]> {
  const { checks } = await tenantry.verify()
  return checks.filter(({ ok, severity }) => !ok && severity !== 'warning')
}
