import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readInstance } from '../../src/control/instance.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import type { BackfillProgress, ColumnChange } from '../../src/features/changes/change.ts'
import { contractColumn, expandColumn, switchColumn, validateColumn } from '../../src/features/changes/column-steps.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'
import { startChild } from '../harness/child-process.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
let tenantry: Tenantry
let admin: CentralDatabase
let tenants: readonly Tenant[]

beforeAll(async () => {
  database = await createTestDatabase()
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  admin = openCentralDatabase({ url: database.adminUrl })
  const create = (slug: string) => tenantry.tenants.create({ name: slug, slug, isolation: 'row' })
  tenants = [await create('acme'), await create('globex')]
})
afterAll(async () => {
  await Promise.all([tenantry.close(), admin.close()])
  await database.drop()
})

const names = { name: 'total_in_cents', table: 'invoice', from: 'total' }
const shared: ColumnChange = {
  ...names,
  ...{ to: { name: 'total_cents', type: 'bigint', notNull: true }, forward: '(total * 100)::bigint' },
  back: 'total_cents / 100.0',
}

const fresh = async () => {
  await admin.query(`drop table if exists invoice; delete from tenantry.change;
    create table invoice (id bigint generated always as identity primary key, total numeric(12, 2) not null default 0, note text)`)
  await tenantry.protect('invoice')
  await admin.query(
    `insert into invoice (tenant_id, total) select t.id, n / 4.0 from tenantry.tenant t, generate_series(1, 3000) n where t.isolation = 'row'`,
  )
}

const counts = async () =>
  (
    await admin.query(`select count(*)::integer as rows, (count(*) filter (where total_cents is null))::integer as unfilled,
      (count(*) filter (where total_cents <> (total * 100)::bigint))::integer as differing from invoice`)
  ).rows[0]

/** An application of one version: writes and re-reads its own column, until told to end. */
class Version {
  readonly tenant: Tenant
  readonly column: 'total' | 'total_cents'
  readonly factor: number
  readonly #written = new Map<string, number>()
  readonly #running: Promise<void>
  #isEnding = false

  constructor(tenant: Tenant, column: 'total' | 'total_cents') {
    this.tenant = tenant
    this.column = column
    this.factor = column === 'total' ? 1 : 100
    this.#running = this.#work()
  }

  async #work(): Promise<void> {
    for (let at = 1; !this.#isEnding; at += 1) {
      await tenantry.run(this.tenant.slug, async () => {
        const { pool } = tenantry
        const { rows } = await pool.query<{ id: string }>(
          `insert into invoice (${this.column}) values ($1) returning id`,
          [at * this.factor],
        )
        const id = rows[0]?.id ?? ''
        await pool.query(`update invoice set ${this.column} = ${this.column} + $2 where id = $1`, [id, this.factor])
        this.#written.set(id, at + 1)
      })
    }
  }

  /** How many rows it wrote, each of which says what it wrote, in the given column. */
  async end(column: string, factor: number): Promise<number> {
    this.#isEnding = true
    await this.#running
    const { rows } = await tenantry.run(this.tenant.slug, () =>
      tenantry.pool.query<{ id: string; value: string }>(
        `select id, ${column} as value from invoice where id = any ($1)`,
        [[...this.#written.keys()]],
      ),
    )
    for (const { id, value } of rows) expect(Number(value)).toBe((this.#written.get(id) ?? 0) * factor)
    expect(rows).toHaveLength(this.#written.size)
    return rows.length
  }

  get written(): number {
    return this.#written.size
  }
}

describe('a column of a shared table that another one replaces', () => {
  beforeEach(fresh)

  test('is written by the old and the new version throughout, and no write of either is lost', async () => {
    const [acme, globex] = tenants as [Tenant, Tenant]
    const old = [new Version(acme, 'total'), new Version(globex, 'total')]
    await tenantry.changes.expand(shared)
    const young = [new Version(acme, 'total_cents'), new Version(globex, 'total_cents')]
    const all = [...old, ...young]
    const wroteMore = async () => {
      const before = all.map((version) => version.written)
      await expect.poll(() => all.every((version, at) => version.written > (before[at] ?? 0) + 3)).toBe(true)
    }
    await wroteMore()
    expect(await tenantry.changes.backfill(shared.name, { batchMs: 5 })).toMatchObject({
      phase: 'backfilled',
      failures: [],
    })
    await wroteMore()
    expect(await tenantry.changes.validate(shared.name)).toMatchObject({ phase: 'validated' })
    await wroteMore()
    expect(await tenantry.changes.switch(shared.name)).toMatchObject({ phase: 'switched' })
    await wroteMore()
    expect(await counts()).toMatchObject({ unfilled: 0, differing: 0 })
    for (const version of old) expect(await version.end('total_cents', 100)).toBeGreaterThan(10)
    expect(await tenantry.changes.contract(shared.name)).toMatchObject({ phase: 'contracted' })
    for (const version of young) expect(await version.end('total_cents', 100)).toBeGreaterThan(10)
    const { rows } = await admin.query(`select attname, attnotnull from pg_attribute
      where attrelid = 'invoice'::regclass and attname in ('total', 'total_cents') order by 1`)
    expect(rows).toEqual([{ attname: 'total_cents', attnotnull: true }])
  })

  test('ends as it does at the first time when each verb is repeated', async () => {
    const contracted = async () => (await tenantry.tenants.events({ type: 'change.contracted' })).total
    const before = await contracted()
    for (let round = 0; round < 2; round += 1) await tenantry.changes.expand(shared)
    for (let round = 0; round < 2; round += 1) await tenantry.changes.backfill(shared.name)
    for (const verb of ['validate', 'switch', 'contract'] as const) {
      const first = await tenantry.changes[verb](shared.name)
      expect(await tenantry.changes[verb](shared.name)).toEqual(first)
    }
    expect(await contracted()).toBe(before + 1)
  })

  test('takes its verbs in their order only', async () => {
    await expect(tenantry.changes.backfill(shared.name)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await tenantry.changes.expand(shared)
    for (const verb of ['validate', 'switch', 'contract'] as const) {
      await expect(tenantry.changes[verb](shared.name)).rejects.toMatchObject({ code: 'CHANGE_OUT_OF_ORDER' })
    }
    await expect(tenantry.changes.expand({ ...shared, back: 'total_cents' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })

  test('is filled in batches whose place survives the process', async () => {
    await tenantry.changes.expand(shared)
    const stop = new AbortController()
    const seen: BackfillProgress[] = []
    const options = { batchMs: 0, signal: stop.signal }
    const onProgress = (progress: BackfillProgress) => {
      if (seen.push(progress) === 2) stop.abort()
    }
    expect(await tenantry.changes.backfill(shared.name, { ...options, onProgress })).toMatchObject({
      phase: 'expanded',
    })
    const child = startChild(new URL('changes-child.ts', import.meta.url), { args: [database.adminUrl, shared.name] })
    await child.line(/^filled/)
    await child.kill()
    const half = await tenantry.changes.status(shared.name)
    expect(half.filled).toBeGreaterThan(seen.at(-1)?.filled ?? 0)
    expect(half.filled).toBeLessThan(6000)
    expect(await tenantry.changes.backfill(shared.name)).toMatchObject({ phase: 'backfilled', filled: 6000 })
    expect(await counts()).toEqual({ rows: 6000, unfilled: 0, differing: 0 })
  })

  test('is begun again where the table was rewritten in between', async () => {
    await tenantry.changes.expand(shared)
    const stop = new AbortController()
    await tenantry.changes.backfill(shared.name, { batchMs: 0, signal: stop.signal, onProgress: () => stop.abort() })
    await admin.query('cluster invoice using invoice_pkey')
    expect(await tenantry.changes.backfill(shared.name)).toMatchObject({ phase: 'backfilled', filled: 6000 })
  })

  test('does not bind what is not proven', async () => {
    await tenantry.changes.expand(shared)
    await tenantry.changes.backfill(shared.name)
    const careless = async (text: string) =>
      admin.query(`alter table invoice disable trigger user; ${text}; alter table invoice enable trigger user`)
    await careless('update invoice set total_cents = null where id = 5')
    await expect(tenantry.changes.validate(shared.name)).rejects.toMatchObject({ code: 'CHANGE_UNPROVEN' })
    expect(await tenantry.changes.backfill(shared.name)).toMatchObject({ filled: 6001 })
    await tenantry.changes.validate(shared.name)
    await careless('update invoice set total_cents = 1 where id = 5')
    await expect(tenantry.changes.switch(shared.name)).rejects.toMatchObject({ code: 'CHANGE_UNPROVEN' })
    await careless('update invoice set total_cents = (total * 100)::bigint where id = 5')
    await tenantry.changes.switch(shared.name)
  })

  test('waits for a lock only so long, and says who did not get it', async () => {
    const holder = admin.transaction(async (tx) => {
      await tx.query('lock table invoice in access share mode')
      const attempt = tenantry.changes.expand(shared, { lockTimeoutMs: 20, lockRetries: 1 })
      await expect(attempt).rejects.toMatchObject({ code: 'LOCK_NOT_TAKEN', retryable: true })
    })
    await holder
    expect(await tenantry.changes.expand(shared)).toMatchObject({ phase: 'expanded' })
  })

  test('can carry a foreign key that holds the tenant together', async () => {
    await admin.query(
      `drop table if exists customer; create table customer (id bigint generated always as identity primary key, name text)`,
    )
    await tenantry.protect('customer')
    for (const { slug } of tenants) {
      await tenantry.run(slug, () => tenantry.pool.query(`insert into customer (name) values ('x') returning id`))
    }
    await admin.query(`update invoice i set note = c.id::text from customer c where c.tenant_id = i.tenant_id`)
    const change: ColumnChange = {
      ...{ name: 'customer_key', table: 'invoice', from: 'note', forward: 'note::bigint', back: 'customer_id::text' },
      to: {
        name: 'customer_id',
        type: 'bigint',
        references: { table: 'customer', column: 'id', tenantColumn: 'tenant_id' },
      },
    }
    await tenantry.changes.expand(change)
    await tenantry.changes.backfill(change.name)
    await admin.query(`update invoice set customer_id = 99999 where id = 7`)
    await expect(tenantry.changes.validate(change.name)).rejects.toMatchObject({
      code: 'CHANGE_UNPROVEN',
      sqlState: '23503',
    })
    await admin.query(
      `update invoice set customer_id = (select id from customer c where c.tenant_id = invoice.tenant_id) where id = 7`,
    )
    expect(await tenantry.changes.validate(change.name)).toMatchObject({ phase: 'validated' })
    await admin.query('drop table invoice, customer')
  })

  test('is filled in every partition', async () => {
    await admin.query(`drop table invoice; create table invoice (at date not null, total numeric(12, 2)) partition by range (at);
      create table invoice_2025 partition of invoice for values from ('2025-01-01') to ('2026-01-01');
      create table invoice_2026 partition of invoice for values from ('2026-01-01') to ('2027-01-01')`)
    await tenantry.protect('invoice')
    await admin.query(
      `insert into invoice (tenant_id, at, total) select t.id, '2025-12-01'::date + n, n from tenantry.tenant t, generate_series(1, 60) n`,
    )
    await tenantry.changes.expand(shared)
    expect(await tenantry.changes.backfill(shared.name)).toMatchObject({ targets: 2, done: 2, filled: 120 })
    for (const verb of ['validate', 'switch', 'contract'] as const) await tenantry.changes[verb](shared.name)
  })
})

describe('a column that each tenant has in a schema of its own', () => {
  const change: ColumnChange = { ...shared, name: 'own_total', set: 'tenant' }
  const inSchema = async (
    tenant: Tenant,
    work: (sql: CentralDatabase | Parameters<typeof expandColumn>[0]) => Promise<void>,
  ) =>
    admin.transaction(async (tx) => {
      await tx.query(`set local search_path = ${tenant.schemaName}, pg_temp`)
      await work(tx)
    })

  test('is changed by migrations, and filled for every tenant whose rows allow it', async () => {
    const { roles } = await readInstance(admin)
    const own = await Promise.all(
      ['north', 'south', 'west'].map((slug) => tenantry.tenants.create({ name: slug, slug, isolation: 'schema' })),
    )
    for (const tenant of own) {
      await inSchema(tenant, async (sql) => {
        await sql.query(
          `create table invoice (id integer, total numeric not null); insert into invoice select n, n from generate_series(1, 500) n`,
        )
        for (let round = 0; round < 2; round += 1) await expandColumn(sql, change)
        await sql.query('select tenantry.guard_schema($1, $2, $3, $4)', [
          tenant.id,
          tenant.schemaName,
          roles.app,
          roles.central,
        ])
      })
    }
    const [north, south] = own as [Tenant, Tenant, Tenant]
    await admin.query(`alter table ${south.schemaName}.invoice disable trigger user; update ${south.schemaName}.invoice set total = 1e17 where id = 3;
      alter table ${south.schemaName}.invoice enable trigger user`)
    const status = await tenantry.changes.backfill(change)
    expect(status).toMatchObject({ phase: 'expanded', targets: 3, done: 2, filled: 1000 })
    expect(status.failures).toEqual([{ tenantId: south.id, code: 'DATABASE_ERROR', sqlState: '22003' }])
    await expect(inSchema(south, (sql) => validateColumn(sql, change))).rejects.toMatchObject({
      code: 'CHANGE_UNPROVEN',
    })
    await admin.query(`delete from ${south.schemaName}.invoice where id = 3`)
    expect(await tenantry.changes.backfill(change.name)).toMatchObject({ phase: 'backfilled', done: 3, filled: 1499 })
    await tenantry.run(north.slug, () => tenantry.pool.query('insert into invoice (id, total) values (501, 501)'))
    for (const tenant of own) {
      for (const step of [validateColumn, switchColumn]) {
        for (let round = 0; round < 2; round += 1) await inSchema(tenant, (sql) => step(sql, change))
      }
    }
    await tenantry.run(north.slug, () =>
      tenantry.pool.query('insert into invoice (id, total_cents) values (502, 50200)'),
    )
    for (const tenant of own)
      for (let round = 0; round < 2; round += 1) await inSchema(tenant, (sql) => contractColumn(sql, change))
    const { rows } = await tenantry.run(north.slug, () =>
      tenantry.pool.query('select sum(total_cents)::float8 as sum from invoice'),
    )
    expect(rows).toEqual([{ sum: (502 * 503 * 100) / 2 }])
  })

  test('has its structure from migrations alone', async () => {
    await expect(tenantry.changes.expand(change)).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'set' })
    await expect(tenantry.changes.contract(change.name)).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'set' })
  })
})

test.each([
  ['name', { name: 'Total' }],
  ['forward', { forward: ' ' }],
  ['back', { back: 'total $tenantry_sync$' }],
  ['to', { to: { name: 'total', type: 'bigint' } }],
])('a change whose %s cannot be is refused by the field', async (field, part) => {
  await expect(tenantry.changes.expand({ ...shared, ...part })).rejects.toMatchObject({ code: 'INVALID_INPUT', field })
})

test('a type or an expression cannot carry a second statement', async () => {
  await fresh()
  const change = { ...shared, to: { name: 'extra', type: 'bigint; drop table invoice' } }
  await expect(tenantry.changes.expand(change)).rejects.toThrow()
  expect((await admin.query(`select to_regclass('invoice') is not null as there`)).rows).toEqual([{ there: true }])
})
