import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sql } from '../../src/engine/sql/database.ts'
import type { Participant } from '../../src/tenants/participant.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'
import type { Tenants } from '../../src/tenants/tenants.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'

const DAY_MS = 24 * 60 * 60 * 1000

let fixture: TenantsFixture
let tenants: Tenants
let clock: { now(): number; ms: number }

/** Two tables with rows in the schema of every tenant. */
const orders: Participant = {
  name: 'orders',
  provision: async (tx, { schemaName }) => {
    await tx.query(`create table ${schemaName}.orders (id integer primary key);
      create table ${schemaName}.lines (id integer primary key, order_id integer references ${schemaName}.orders);
      insert into ${schemaName}.orders values (1), (2); insert into ${schemaName}.lines values (1, 1)`)
  },
}

beforeAll(async () => {
  fixture = await openTenantsFixture()
  clock = { ms: Date.UTC(2031, 0, 1), now: () => clock.ms }
  tenants = fixture.tenants({ clock, participants: [orders], defaults: { ...defaults(), isolation: 'schema' } })
})
afterAll(() => fixture.close())

const defaults = () => ({ isolation: 'row', autoProvision: true, reservedSlugs: [], purgeAfterDays: 30 }) as const

const rows = async (text: string, values?: readonly unknown[]) => (await fixture.admin.query(text, values)).rows
const hasSchema = async (name: string) =>
  (await rows('select from pg_namespace where nspname = $1', [name])).length === 1
const eventsOf = async (slug: string) => (await tenants.events({ tenant: slug, limit: 100 })).items.map((e) => e.type)

describe('the verbs of the lifecycle', () => {
  test('take a tenant from one status to the next, each with one event and one audit entry', async () => {
    const { id, version } = await tenants.create({ name: 'Cycle', slug: 'cycle', plan: 'pro' }, { actor: 'cli' })
    expect(await tenants.suspend('cycle', { reason: 'unpaid', actor: 'cli' })).toMatchObject({
      status: 'suspended',
      suspendReason: 'unpaid',
      suspendedAt: new Date(clock.ms).toISOString(),
    })
    expect(await tenants.deactivate('cycle')).toMatchObject({ status: 'inactive', suspendReason: null })
    expect(await tenants.activate('cycle')).toMatchObject({ status: 'active', suspendedAt: null })
    expect(await tenants.delete('cycle')).toMatchObject({
      status: 'deleted',
      purgeAfter: new Date(clock.ms + 30 * DAY_MS).toISOString(),
    })
    expect(await tenants.restore('cycle')).toMatchObject({
      status: 'active',
      deletedAt: null,
      purgeAfter: null,
      version: version + 5,
    })
    const verbs = ['created', 'provisioned', 'suspended', 'deactivated', 'activated', 'deleted', 'restored']
    expect(await eventsOf('cycle')).toEqual(verbs.map((verb) => `tenant.${verb}`))
    const { items } = await tenants.events({ tenant: 'cycle', type: 'tenant.suspended' })
    expect(items[0]?.payload).toEqual({ slug: 'cycle', plan: 'pro', reason: 'unpaid' })
    expect(
      await rows('select actor, action, reason from tenantry.audit_entry where tenant_id = $1 order by seq limit 3', [
        id,
      ]),
    ).toEqual([
      { actor: 'cli', action: 'tenant.create', reason: null },
      { actor: 'cli', action: 'tenant.provision', reason: null },
      { actor: 'cli', action: 'tenant.suspend', reason: 'unpaid' },
    ])
  })

  test('repeated change nothing and make no event, a restore included', async () => {
    await tenants.create({ name: 'Repeat', slug: 'repeat' })
    for (const verb of ['suspend', 'activate', 'deactivate', 'delete', 'restore'] as const) {
      const once = await tenants[verb]('repeat')
      const events = await eventsOf('repeat')
      expect(await tenants[verb]('repeat')).toEqual(once)
      expect(await eventsOf('repeat')).toEqual(events)
    }
  })

  test('started from another status are a conflict that names verb and status', async () => {
    await tenants.create({ name: 'Conflict', slug: 'conflict' })
    const conflict = async (attempt: Promise<unknown>, message: RegExp) => {
      await expect(attempt).rejects.toMatchObject({
        code: 'TENANT_STATUS_CONFLICT',
        message: expect.stringMatching(message) as string,
      })
    }
    await conflict(tenants.restore('conflict'), /restore .*active/)
    await conflict(tenants.purge('conflict', { confirm: 'conflict' }), /purge .*active/)
    await tenants.deactivate('conflict')
    await conflict(tenants.suspend('conflict'), /suspend .*inactive/)
    await tenants.delete('conflict')
    await conflict(tenants.activate('conflict'), /activate .*deleted/)
    await conflict(tenants.provision('conflict'), /provision .*deleted/)
    await expect(tenants.update('conflict', { name: 'X' })).rejects.toMatchObject({ code: 'TENANT_DELETED' })
  })

  test.each(['suspend', 'activate', 'deactivate', 'delete', 'restore', 'provision'] as const)(
    '%s of an unknown tenant is not found',
    async (verb) => {
      await expect(tenants[verb]('nobody')).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
    },
  )

  test('racing suspends and activates leave a history that alternates', async () => {
    await tenants.create({ name: 'Race', slug: 'race' })
    const verbs = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0 ? ('suspend' as const) : ('activate' as const),
    )
    await Promise.all(verbs.map((verb) => tenants[verb]('race')))
    const history = (await eventsOf('race')).slice(2)
    for (const [index, type] of history.entries()) {
      expect(type).toBe(index % 2 === 0 ? 'tenant.suspended' : 'tenant.activated')
    }
    const { status } = await tenants.get('race')
    expect(status).toBe(history.length % 2 === 0 ? 'active' : 'suspended')
  })

  test('wait only so long for another operation on the tenant', async () => {
    const impatient = fixture.tenants({ lockTimeoutMs: 50 })
    const { id } = await tenants.create({ name: 'Busy', slug: 'busy' })
    await fixture.admin.transaction(async (tx) => {
      await tx.query('select from tenantry.tenant where id = $1 for update', [id])
      await expect(impatient.suspend('busy')).rejects.toMatchObject({ code: 'TENANT_BUSY', retryable: true })
    })
    expect(await impatient.suspend('busy')).toMatchObject({ status: 'suspended' })
  })
})

describe('provisioning', () => {
  test('of ten parallel calls one provisions and the others find it done', async () => {
    await tenants.create({ name: 'Ten', slug: 'ten', provision: false })
    const results = await Promise.all(Array.from({ length: 10 }, () => tenants.provision('ten')))
    expect(results.map((result) => result.message).toSorted()).toEqual([
      ...Array.from({ length: 9 }, () => 'already provisioned'),
      'provisioned successfully',
    ])
    for (const result of results) expect(result).toMatchObject({ schemaName: 'tenant_ten', tableCount: 2 })
    expect(await eventsOf('ten')).toEqual(['tenant.created', 'tenant.provisioned'])
  })

  test('that fails is undone and can be repeated', async () => {
    let failing = true
    const fragile: Participant = {
      name: 'fragile',
      provision: async (tx) => {
        if (failing) await tx.query('select nothing')
      },
    }
    const fragileTenants = fixture.tenants({ participants: [orders, fragile] })
    await fragileTenants.create({ name: 'Fragile', slug: 'fragile', isolation: 'schema', provision: false })
    await expect(fragileTenants.provision('fragile')).rejects.toMatchObject({ code: 'PROVISION_FAILED' })
    expect(await hasSchema('tenant_fragile')).toBe(false)
    expect((await tenants.get('fragile')).provisionedAt).toBeNull()
    failing = false
    expect(await fragileTenants.provision('fragile')).toMatchObject({ message: 'provisioned successfully' })
  })
})

describe('a deleted tenant', () => {
  test('keeps its data under another name, and gets it back with its status and its guard', async () => {
    await tenants.create({ name: 'Kept', slug: 'kept-data' })
    await tenants.suspend('kept-data')
    await tenants.delete('kept-data')
    const archived = `archived_kept_data_${clock.ms / 1000}`
    expect(await hasSchema('tenant_kept_data')).toBe(false)
    expect(await rows(`select id from ${archived}.orders`)).toHaveLength(2)
    await expect(tenants.create({ name: 'Kept', slug: 'kept-data' })).rejects.toMatchObject({ code: 'SLUG_TAKEN' })
    expect(await tenants.restore('kept-data')).toMatchObject({ status: 'suspended' })
    expect(await rows('select id from tenant_kept_data.orders')).toHaveLength(2)
    expect(await hasSchema(archived)).toBe(false)
    expect(
      await rows(`select count(*)::integer as guards from pg_policy p join pg_class c on c.oid = p.polrelid
        where c.relnamespace = 'tenant_kept_data'::regnamespace and p.polname = 'tenantry_guard'`),
    ).toEqual([{ guards: 2 }])
  })

  test('whose schema name was taken meanwhile is not restored, and nothing changes', async () => {
    await tenants.create({ name: 'Squat', slug: 'squat' })
    const deleted = await tenants.delete('squat')
    await rows('create schema tenant_squat')
    await expect(tenants.restore('squat')).rejects.toMatchObject({ code: 'SCHEMA_EXISTS' })
    expect(await tenants.get('squat')).toEqual(deleted)
    await rows('drop schema tenant_squat')
    expect(await tenants.restore('squat')).toMatchObject({ status: 'active' })
  })

  test('that was never provisioned is deleted, restored and purged without a schema', async () => {
    await tenants.create({ name: 'Bare', slug: 'bare', provision: false })
    await tenants.delete('bare')
    expect(await tenants.restore('bare')).toMatchObject({ status: 'active', provisionedAt: null })
    await tenants.delete('bare')
    expect(await tenants.purge('bare', { confirm: 'bare' })).toMatchObject({ status: 'purged' })
  })
})

describe('purging', () => {
  test('drops the schema, leaves a tombstone without personal data, and frees the slug', async () => {
    const { id } = await tenants.create({
      name: 'Gone Ltd',
      slug: 'gone',
      ownerUserId: 'anna',
      settings: { iban: 'x' },
      metadata: { note: 'y' },
    })
    await tenants.delete('gone')
    const tombstone = await tenants.purge('gone', { confirm: 'gone' })
    expect(tombstone).toMatchObject({
      id,
      slug: `purged-${id.replaceAll('-', '')}`,
      name: 'purged',
      status: 'purged',
      ownerUserId: null,
      settings: {},
      metadata: {},
      purgedAt: new Date(clock.ms).toISOString(),
    })
    expect(await rows(`select from pg_namespace where nspname like '%\\_gone%'`)).toHaveLength(0)
    await expect(tenants.get('gone')).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
    await expect(tenants.get(id)).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
    expect(await tenants.purge(id, { confirm: '' })).toEqual(tombstone)
    expect((await tenants.events({ tenant: { id }, type: 'tenant.purged' })).items).toHaveLength(1)
    const again = await tenants.create({ name: 'Gone', slug: 'gone' })
    expect(again.id).not.toBe(id)
    expect(await rows('select id from tenant_gone.orders')).toHaveLength(2)
  })

  test.each([undefined, '', 'window-closed', 'Confirm', 'confirm '])('is not confirmed by %j', async (confirm) => {
    const ref = (await tenants.find('confirm')) ?? (await tenants.create({ name: 'Confirm', slug: 'confirm' }))
    await tenants.delete(ref.id)
    const options = { confirm } as { confirm: string }
    await expect(tenants.purge('confirm', options)).rejects.toMatchObject({ code: 'CONFIRMATION_REQUIRED' })
    expect((await tenants.get('confirm')).status).toBe('deleted')
  })

  test('drops a schema of more tables than one transaction may lock', async () => {
    const wide: Participant = {
      name: 'wide',
      provision: async (tx, { schemaName }) => {
        await tx.query(`do $$ begin for i in 1..250 loop
          execute format('create table ${schemaName}.t%s (id integer)', i); end loop; end $$`)
      },
    }
    const wideTenants = fixture.tenants({ participants: [wide] })
    const tenant = await wideTenants.create({ name: 'Wide', slug: 'wide', isolation: 'schema' })
    await wideTenants.delete('wide')
    await wideTenants.purge('wide', { confirm: 'wide' })
    expect(await rows(`select from pg_namespace where nspname like '%\\_wide%'`)).toHaveLength(0)
    expect(tenant.schemaName).toBe('tenant_wide')
  })

  test('of what is past its restore window happens by itself, and of nothing else', async () => {
    const due = await tenants.create({ name: 'Due', slug: 'due' })
    await tenants.delete('due')
    clock.ms += 29 * DAY_MS
    await tenants.create({ name: 'Not due', slug: 'not-due' })
    await tenants.delete('not-due')
    expect(await tenants.purgeDue()).not.toContain(due.id)
    clock.ms += DAY_MS
    expect(await tenants.purgeDue()).toContain(due.id)
    expect(await tenants.find('due')).toBeUndefined()
    expect(await tenants.get('not-due')).toMatchObject({ status: 'deleted' })
  })

  test('that finds something left says what, and goes on when it is gone', async () => {
    let left = ['bucket acme']
    const bucket: Participant = { name: 'bucket', leftovers: async () => left }
    const withBucket = fixture.tenants({ participants: [bucket] })
    await withBucket.create({ name: 'Left', slug: 'left' })
    await withBucket.delete('left')
    await expect(withBucket.purge('left', { confirm: 'left' })).rejects.toMatchObject({
      code: 'PURGE_INCOMPLETE',
      message: expect.stringContaining('bucket acme') as string,
    })
    await expect(withBucket.restore('left')).rejects.toMatchObject({ code: 'TENANT_BUSY' })
    left = []
    expect(await withBucket.purge('left', { confirm: 'left' })).toMatchObject({ status: 'purged' })
  })
})

describe('purging a row tenant', () => {
  // The form that `protect` gives a shared table.
  const protect = async (sql: Sql, table: string) => {
    const { app, central } = fixture.instance.roles
    await sql.query(`alter table ${table} enable row level security, force row level security;
      create policy tenantry_tenant on ${table} to ${app} using (tenant_id = (select tenantry.current_tenant_id()));
      create policy tenantry_central on ${table} to ${central} using (true) with check (true)`)
  }
  const fill = async (table: string, tenant: Tenant, columns = '') => {
    await rows(`insert into ${table} select $1, i ${columns} from generate_series(1, 20) i`, [tenant.id])
  }
  const left = async (table: string) =>
    (await rows(`select distinct tenant_id from ${table}`)).map((row) => row['tenant_id'])

  test('deletes its rows, and nobody else’s, from tables that reference each other in chains and circles', async () => {
    await rows(`
      create table customer (tenant_id uuid, id integer, primary key (tenant_id, id));
      create table invoice (tenant_id uuid, id integer, customer integer, primary key (tenant_id, id),
        foreign key (tenant_id, customer) references customer);
      create table employee (tenant_id uuid, id integer, boss integer, primary key (tenant_id, id),
        foreign key (tenant_id, boss) references employee);
      create table hen (tenant_id uuid, id integer, egg integer, primary key (tenant_id, id));
      create table egg (tenant_id uuid, id integer, hen integer, primary key (tenant_id, id),
        foreign key (tenant_id, hen) references hen on delete restrict);
      alter table hen add foreign key (tenant_id, egg) references egg deferrable initially deferred;
      create table log (tenant_id uuid, id integer) partition by hash (tenant_id);
      create table log_0 partition of log for values with (modulus 2, remainder 0);
      create table log_1 partition of log for values with (modulus 2, remainder 1)`)
    const tables = ['customer', 'invoice', 'employee', 'hen', 'egg', 'log', 'log_0', 'log_1']
    for (const table of tables) await protect(fixture.admin, table)
    const [goes, stays] = await Promise.all([
      tenants.create({ name: 'Goes', slug: 'goes', isolation: 'row', provision: false }),
      tenants.create({ name: 'Stays', slug: 'stays', isolation: 'row', provision: false }),
    ])
    for (const tenant of [goes, stays]) {
      await fill('customer', tenant)
      await fill('invoice', tenant, ', i')
      await fill('employee', tenant, ', greatest(1, i - 1)')
      await fixture.admin.transaction(async (tx) => {
        await tx.query('insert into hen select $1, i, i from generate_series(1, 20) i', [tenant.id])
        await tx.query('insert into egg select $1, i, i from generate_series(1, 20) i', [tenant.id])
      })
      await fill('log', tenant)
    }
    await tenants.delete('goes')
    await tenants.purge('goes', { confirm: 'goes' })
    for (const table of ['customer', 'invoice', 'employee', 'hen', 'egg', 'log']) {
      expect(await left(table)).toEqual([stays.id])
    }
  })

  test('does not take a table for empty whose rows it cannot see', async () => {
    await rows('create table hidden (tenant_id uuid, id integer)')
    const tenant = await tenants.create({ name: 'Hidden', slug: 'hidden', isolation: 'row', provision: false })
    await fill('hidden', tenant)
    await protect(fixture.admin, 'hidden')
    await rows('drop policy tenantry_central on hidden')
    await tenants.delete('hidden')
    await expect(tenants.purge('hidden', { confirm: 'hidden' })).rejects.toMatchObject({
      code: 'PURGE_INCOMPLETE',
      message: expect.stringContaining('public.hidden') as string,
    })
    await rows(`create policy tenantry_central on hidden to ${fixture.instance.roles.central} using (true)`)
    expect(await tenants.purge('hidden', { confirm: 'hidden' })).toMatchObject({ status: 'purged' })
    expect(await left('hidden')).toEqual([])
  })
})
