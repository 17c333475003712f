import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { fingerprintsOf } from '../../src/engine/catalogue/fingerprints.ts'
import { createMigrations } from '../../src/features/migrations/create-migrations.ts'
import type { MigrationFile } from '../../src/features/migrations/migration-files.ts'
import { ensureReference } from '../../src/features/migrations/reference.ts'
import { WarmPool } from '../../src/features/migrations/snapshots/warm-pool.ts'
import type { Logger } from '../../src/kernel/logger.ts'
import type { TenantsOptions } from '../../src/tenants/options.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'
import type { Tenants } from '../../src/tenants/tenants.ts'
import { startChild } from '../harness/child-process.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'
import { fileOf } from './fixture.ts'

let fixture: TenantsFixture
let logged: string[]
const pools: WarmPool[] = []
const logger: Logger = {
  ...{ debug: () => {}, info: () => {}, error: () => {} },
  warn: (message: string) => {
    logged.push(message)
  },
}

beforeAll(async () => {
  fixture = await openTenantsFixture()
})
afterAll(() => fixture.close())
// What they do in the background is not for the next test to find.
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
})
beforeEach(async () => {
  logged = []
  const { rows } = await fixture.admin.query<{ name: string }>(
    `select nspname::text as name from pg_namespace where nspname ~ '^(tenant_|tenantry_)'`,
  )
  for (const { name } of rows) await fixture.admin.query(`drop schema "${name}" cascade`)
  await fixture.admin.query(`delete from tenantry.tenant; delete from tenantry.migration_reference;
    delete from tenantry.snapshot; delete from tenantry.warm_schema; delete from tenantry.warm_lease; insert into tenantry.warm_lease default values`)
})

const first = fileOf(
  '0001_first.sql',
  `create type mood as enum ('good', 'bad');
   create table customer (id bigint generated always as identity primary key, name text not null unique, mood mood not null default 'good');
   create table invoice (id serial primary key, customer_id bigint references customer on delete cascade, total numeric(10, 2) check (total >= 0));
   create index on invoice (customer_id, total);
   create view invoice_total as select customer_id, sum(total) as total from invoice group by 1;
   create function double(n integer) returns integer language sql immutable as 'select 2 * n';
   insert into customer (name) values ('first'), ('second')`,
)
const second = fileOf('0002_second.sql', 'alter table invoice add column paid boolean not null default false')

interface Opened {
  readonly tenants: Tenants
  readonly pool: WarmPool
}

/** Tenants as a process with these files and this setting has them. */
const open = (files: readonly MigrationFile[], size?: number, options: Partial<TenantsOptions> = {}): Opened => {
  const { admin, instance } = fixture
  const pool = new WarmPool({ database: admin, roles: instance.roles, logger, files, size })
  pools.push(pool)
  const { participant } = createMigrations({ files: { shared: [], tenant: files }, roles: instance.roles })
  const participants = [participant, ...(options.participants ?? [])]
  return { pool, tenants: fixture.tenants({ ...options, schemas: pool, participants }) }
}
const create = (tenants: Tenants, slug: string) => tenants.create({ name: slug, slug, isolation: 'schema' })
const rows = async (text: string, values?: readonly unknown[]) => (await fixture.admin.query(text, values)).rows
const warmSchemas = () =>
  rows(`select nspname::text as name from pg_namespace where nspname like 'tenantry\\_warm\\_%' order by 1`)
const pooled = () => rows(`select schema_name as name from tenantry.warm_schema order by 1`)
const ledgerOf = async ({ id }: Tenant) =>
  (await rows('select name from tenantry.migration where tenant_id = $1 order by name', [id])).map(({ name }) => name)

/** The tenant's schema is the reference's by fingerprint, and the control plane says so. */
const expectProven = async (tenant: Tenant) => {
  const schema = { name: tenant.schemaName, tenantId: tenant.id }
  const [reference] = await rows('select chain, fingerprint from tenantry.migration_reference')
  expect((await fingerprintsOf(fixture.admin, [schema])).get(schema.name)).toBe(reference?.['fingerprint'])
  const states = await rows('select state, chain, fingerprint from tenantry.migration_state where tenant_id = $1', [
    tenant.id,
  ])
  expect(states).toEqual([{ state: 'proven', ...reference }])
}

describe('a new tenant', () => {
  test('is made from the snapshot, the same by fingerprint as one that replayed its files', async () => {
    const { tenants } = open([first, second])
    const tenant = await create(tenants, 'made')
    await expectProven(tenant)
    expect(await ledgerOf(tenant)).toEqual(['0001_first.sql', '0002_second.sql'])
    expect(await rows(`select name from ${tenant.schemaName}.customer order by 1`)).toEqual([
      { name: 'first' },
      { name: 'second' },
    ])
    expect(await rows(`insert into ${tenant.schemaName}.customer (name) values ('third') returning id`)).toEqual([
      { id: '3' },
    ])
    await fixture.admin.query('update tenantry.snapshot set is_faithful = false')
    const replayed = await create(open([first, second]).tenants, 'replayed')
    await expectProven(replayed)
    expect(logged).toEqual([])
  })

  test('has its migrations replayed where a snapshot makes something else, and the log says so once', async () => {
    const { tenants } = open([first])
    await create(tenants, 'before')
    await fixture.admin.query(
      `update tenantry.snapshot set script = script || 'alter table invoice alter column total drop default, alter column total set default 7;'`,
    )
    const other = open([first]).tenants
    for (const slug of ['one', 'two']) await expectProven(await create(other, slug))
    expect(logged).toEqual(['a tenant replays its migrations: its snapshot did not make the same schema'])
  })

  test('has its migrations replayed where no script makes its schema again, and the log says so once', async () => {
    const { tenants } = open([
      fileOf('0001_odd.sql', `create collation odd from "C"; create table a (name text collate odd)`),
    ])
    for (const slug of ['one', 'two']) await expectProven(await create(tenants, slug))
    expect(logged).toEqual(['new tenants replay their migrations: a snapshot does not make the same schema'])
  })

  test('gets what other participants make, in order and guarded', async () => {
    const seen: string[] = []
    const participants = ['a', 'b'].map((name) => ({
      name,
      provision: async (tx: { query: (text: string) => Promise<unknown> }, { schemaName }: Tenant) => {
        seen.push(name)
        await tx.query(`create table ${schemaName}.of_${name} as select * from ${schemaName}.customer`)
      },
    }))
    const tenant = await create(open([first], undefined, { participants }).tenants, 'more')
    expect(seen).toEqual(['a', 'b'])
    expect(
      await rows(
        `select relname::text as name from pg_class where relforcerowsecurity and relnamespace = '${tenant.schemaName}'::regnamespace order by 1`,
      ),
    ).toEqual(['customer', 'invoice', 'of_a', 'of_b'].map((name) => ({ name })))
  })

  test('of an older version of the application gets the newest schema', async () => {
    await ensureReference(fixture.admin, [first, second], fixture.instance.roles)
    const tenant = await create(open([first]).tenants, 'rolling')
    expect(await ledgerOf(tenant)).toEqual(['0001_first.sql', '0002_second.sql'])
    await expectProven(tenant)
  })

  test('of a newer version brings the reference along', async () => {
    await create(open([first]).tenants, 'older')
    const tenant = await create(open([first, second]).tenants, 'newer')
    await expectProven(tenant)
    expect(await ledgerOf(tenant)).toHaveLength(2)
  })

  test('leaves nothing where its files fail', async () => {
    const { tenants } = open([fileOf('0001_broken.sql', 'create table a (id nonsense)')])
    await expect(create(tenants, 'broken')).rejects.toMatchObject({ code: 'MIGRATION_FAILED' })
    expect(await tenants.find('broken')).toBeUndefined()
  })

  test('is built anew where a migration of another process came between its steps', async () => {
    const moved: unknown[] = []
    const { tenants } = open([first], undefined, {
      onStep: async (point) => {
        if (point !== 'create:0:after-commit' || moved.length > 0) return
        moved.push(await runChild('reference'))
      },
    })
    const tenant = await create(tenants, 'between')
    expect(await ledgerOf(tenant)).toEqual(['0001_first.sql', '0002_second.sql'])
    await expectProven(tenant)
  })

  test('holds a migration of another process up until it is there to be seen', async () => {
    let seen: Promise<string> | undefined
    const { tenants } = open([first], undefined, {
      onStep: async (point) => {
        if (point !== 'create:1:before-commit') return
        seen = runChild('reference')
        await expect
          .poll(
            () =>
              rows(
                `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and application_name = 'migrating'`,
              ),
            { timeout: 20_000 },
          )
          .toHaveLength(1)
      },
    })
    const { id } = await create(tenants, 'during')
    expect(await seen).toBe(`sees ${id}`)
  })
})

/** A process of its own that brings the reference to both files, and says which tenants it then finds behind. */
const runChild = async (what: string, ...args: readonly string[]): Promise<string> => {
  const child = startChild(new URL('snapshots-child.ts', import.meta.url), { args: [fixture.url, what, ...args] })
  const line = await child.line(/^sees/)
  await child.exited
  return line
}

const leaseOver = () => fixture.admin.query(`update tenantry.warm_lease set renewed_at = now() - interval '1 hour'`)

describe('warm schemas', () => {
  const filled = async (opened: Opened) => {
    opened.pool.refill()
    await opened.pool.settled()
    return opened
  }

  test('are handed out by a rename, with the id that their guards name', async () => {
    const { tenants, pool } = await filled(open([first], 2))
    const ready = await rows('select tenant_id as id, schema_name as name from tenantry.warm_schema order by 1')
    expect(ready).toHaveLength(2)
    const [{ oid } = {}] = await rows(`select $1::regnamespace::oid as oid`, [ready[0]?.['name']])
    const tenant = await create(tenants, 'warm')
    expect(tenant.id).toBe(ready[0]?.['id'])
    expect(await rows(`select $1::regnamespace::oid as oid`, [tenant.schemaName])).toEqual([{ oid }])
    await expectProven(tenant)
    expect(await ledgerOf(tenant)).toEqual(['0001_first.sql'])
    await pool.settled()
    expect(await pooled()).toHaveLength(2)
    expect(await warmSchemas()).toEqual(await pooled())
  })

  test('are handed out once each, however many ask', async () => {
    const { tenants } = await filled(open([first], 4))
    const other = open([first], 4).tenants
    const slugs = Array.from({ length: 10 }, (_, at) => `t-${at}`)
    const made = await Promise.all(slugs.map((slug, at) => create(at % 2 === 0 ? tenants : other, slug)))
    expect(new Set(made.map(({ id }) => id)).size).toBe(10)
    for (const tenant of made) await expectProven(tenant)
  })

  test('do not make one creation wait for another that has one in hand', async () => {
    const { tenants, pool } = await filled(open([first], 2))
    const other = open([first], 2).tenants
    let inBetween: Tenant | undefined
    const slow = open([first], 2, {
      onStep: async (point) => {
        if (point === 'create:begin:before-commit') inBetween = await create(other, 'quick')
      },
    }).tenants
    const outer = await create(slow, 'slow')
    expect(inBetween?.id).not.toBe(outer.id)
    await pool.settled()
    expect(await tenants.list()).toMatchObject({ total: 2 })
  })

  test('of an older reference are dropped and made anew, and never handed out', async () => {
    const { pool } = await filled(open([first], 2))
    await pool.close()
    const before = await pooled()
    const newer = open([first, second], 2)
    await newer.pool.prepare()
    const tenant = await create(newer.tenants, 'newer')
    expect(await ledgerOf(tenant)).toHaveLength(2)
    await expectProven(tenant)
    await newer.pool.settled()
    const after = await pooled()
    expect(after).toHaveLength(2)
    expect(after.filter(({ name }) => before.some((old) => old['name'] === name))).toEqual([])
    expect(await warmSchemas()).toEqual(after)
  })

  test('of an older reference are not handed out by a creation that reserved one before', async () => {
    const { tenants } = await filled(
      open([first], 1, {
        onStep: async (point) => {
          if (point === 'create:begin:after-commit')
            await ensureReference(fixture.admin, [first, second], fixture.instance.roles)
        },
      }),
    )
    const tenant = await create(tenants, 'overtaken')
    await expectProven(tenant)
    expect(await ledgerOf(tenant)).toHaveLength(2)
  })

  test('are dropped when the setting says none, and left alone where it says nothing', async () => {
    await filled(open([first], 3))
    await filled(open([first]))
    expect(await pooled()).toHaveLength(3)
    await filled(open([first], 0))
    expect(await warmSchemas()).toEqual([])
    expect(await pooled()).toEqual([])
  })

  test('are dropped down to a smaller number', async () => {
    await filled(open([first], 3))
    await filled(open([first], 1))
    expect(await warmSchemas()).toHaveLength(1)
  })

  test('are not made of what names its own schema', async () => {
    const pinned = fileOf(
      '0001_pinned.sql',
      `create table a (id integer); create function f() returns integer language sql set search_path from current as 'select 1'`,
    )
    const { tenants } = await filled(open([pinned], 2))
    expect(await warmSchemas()).toEqual([])
    await expectProven(await create(tenants, 'pinned'))
  })

  test('of a creation that was undone are dropped', async () => {
    const { pool } = await filled(open([first], 1))
    const failing = open([first], 1, {
      onStep: (point) => {
        if (point === 'create:0:before-commit') throw new Error('fault')
      },
    }).tenants
    await expect(create(failing, 'failing')).rejects.toMatchObject({ code: 'PROVISION_FAILED' })
    pool.refill()
    await pool.settled()
    expect(await pooled()).toHaveLength(1)
    expect(await warmSchemas()).toEqual(await pooled())
  })

  test.each([
    'create:begin:before-commit',
    'create:begin:after-commit',
    'create:0:before-commit',
    'create:0:after-commit',
    'create:1:before-commit',
  ])('survive a process that is killed at %s, and nothing is left over', async (point) => {
    const { pool, tenants } = await filled(open([first], 2))
    const child = startChild(new URL('snapshots-child.ts', import.meta.url), { args: [fixture.url, 'create', point] })
    await child.exited
    await tenants.resume()
    pool.refill()
    await pool.settled()
    const victim = await tenants.find('victim')
    expect(victim === undefined).toBe(point === 'create:begin:before-commit')
    if (victim !== undefined) await expectProven(victim)
    expect(await pooled()).toHaveLength(2)
    expect(await warmSchemas()).toEqual(await pooled())
  })

  test('are complete after the process that made them was killed at any time', async () => {
    await open([first]).pool.prepare()
    for (let round = 0; round < 4; round += 1) {
      const child = startChild(new URL('snapshots-child.ts', import.meta.url), { args: [fixture.url, 'fill', '40'] })
      await expect.poll(async () => (await pooled()).length > round * 3, { timeout: 20_000, interval: 5 }).toBe(true)
      await child.kill()
      await leaseOver()
    }
    // The server ends the transaction of a client that is gone when it next hears of it.
    await expect.poll(async () => (await warmSchemas()).length === (await pooled()).length).toBe(true)
    const wanted = (await pooled()).length
    await filled(open([first], wanted))
    expect(await pooled()).toHaveLength(wanted)
    const schemas = (await rows('select schema_name as name, tenant_id as "tenantId" from tenantry.warm_schema')) as {
      name: string
      tenantId: string
    }[]
    const [reference] = await rows('select fingerprint from tenantry.migration_reference')
    expect(new Set((await fingerprintsOf(fixture.admin, schemas)).values())).toEqual(
      new Set([reference?.['fingerprint']]),
    )
  })

  test('are made by one process at a time', async () => {
    await open([first]).pool.prepare()
    const many = Array.from({ length: 4 }, () => open([first], 6))
    await Promise.all(many.map(filled))
    expect(await pooled()).toHaveLength(6)
    expect(await warmSchemas()).toHaveLength(6)
  })

  test.each([-1, 1.5, 1001])('cannot be %s', async (warmSchemas) => {
    const { createTenantry } = await import('../../src/tenantry.ts')
    const tenantry = createTenantry({ adminUrl: fixture.url, migrations: '/nonexistent', warmSchemas })
    await expect(tenantry.start()).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID', field: 'warmSchemas' })
    await tenantry.close()
  })
})
