import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { TenantryError } from '../../src/kernel/errors.ts'
import { admit } from '../../src/tenants/admission.ts'
import {
  type CachedRegistry,
  type CachedRegistryOptions,
  createCachedRegistry,
} from '../../src/tenants/cached-registry.ts'
import { forEachTenant } from '../../src/tenants/for-each.ts'
import type { Tenants } from '../../src/tenants/tenants.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'
import { until } from '../harness/wait.ts'

let fixture: TenantsFixture
let tenants: Tenants
const opened: CachedRegistry[] = []

beforeAll(async () => {
  fixture = await openTenantsFixture()
  tenants = fixture.tenants()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((registry) => registry.close()))
})
afterAll(() => fixture.close())

const open = (options: Partial<CachedRegistryOptions> = {}): CachedRegistry => {
  const registry = createCachedRegistry({
    database: fixture.admin,
    channel: fixture.instance.channel,
    clock: systemClock,
    ...options,
  })
  opened.push(registry)
  return registry
}

/** The real database, with its queries counted and a fault or a pause before and after each of them. */
const observed = (hooks: { before?: () => Promise<void>; after?: () => Promise<void> } = {}) => {
  let queries = 0
  const database: CentralDatabase = {
    query: async (text, values) => {
      queries += 1
      await hooks.before?.()
      const result = await fixture.admin.query(text, values)
      await hooks.after?.()
      return result as never
    },
    transaction: (run) => fixture.admin.transaction(run),
    session: (run) => fixture.admin.session(run),
    listen: (channel, onNotify, onReconnect) => fixture.admin.listen(channel, onNotify, onReconnect),
    close: async () => {},
  }
  return { database, count: () => queries }
}

describe('the cached registry', () => {
  test('answers by id and slug from memory after one query', async () => {
    const { id } = await tenants.create({ name: 'Memory', slug: 'memory', plan: 'pro' })
    const { database, count } = observed()
    const registry = open({ database })
    expect(registry.peek('memory')).toBeUndefined()
    const tenant = await registry.lookup('memory')
    expect(tenant).toEqual({
      id,
      slug: 'memory',
      status: 'active',
      isolation: 'row',
      schemaName: 'tenant_memory',
      provisioned: true,
      migrationVersion: 0,
      mode: 'normal',
      modeOperators: [],
      plan: 'pro',
    })
    for (const ref of ['memory', id, id.toUpperCase(), { id }, { slug: 'memory' }])
      expect(registry.peek(ref)).toBe(tenant)
    expect(count()).toBe(1)
    expect(Object.isFrozen(tenant)).toBe(true)
  })

  test('asks once for all who wait, and once for different tenants asked for together', async () => {
    for (const slug of ['many-a', 'many-b', 'many-c']) await tenants.create({ name: slug, slug })
    const { database, count } = observed()
    const registry = open({ database })
    const refs = Array.from({ length: 300 }, (_, index) => `many-${'abcx'[index % 4] ?? ''}`)
    const results = await Promise.allSettled(refs.map((ref) => registry.lookup(ref)))
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(225)
    expect(count()).toBe(1)
  })

  test('asks for a herd that is too many for one query in several, and for each of them once', async () => {
    await tenants.create({ name: 'Last', slug: 'herd-2499' })
    const { database, count } = observed()
    const registry = open({ database })
    const herd = Array.from({ length: 2_500 }, (_, index) => registry.lookup(`herd-${index}`))
    const results = await Promise.allSettled(herd)
    expect(results.map(({ status }) => status).indexOf('fulfilled')).toBe(2_499)
    expect(count()).toBe(3)
  })

  test('remembers what is unknown for a while, and bounds how much of it', async () => {
    let now = 0
    const { database, count } = observed()
    const registry = open({ database, clock: { now: () => now }, maxNegative: 10 })
    const ask = (ref: string) => registry.lookup(ref).catch((error: unknown) => error)
    expect(await ask('unknown')).toMatchObject({ code: 'TENANT_NOT_FOUND' })
    await ask('unknown')
    expect(count()).toBe(1)
    now += 5_000
    await ask('unknown')
    expect(count()).toBe(2)
    for (let index = 0; index < 10; index += 1) await ask(`flood-${index}`)
    await ask('unknown')
    expect(count()).toBe(13)
  })

  test('forgets the tenant unused for longest when it is full', async () => {
    for (const slug of ['full-a', 'full-b', 'full-c']) await tenants.create({ name: slug, slug })
    const registry = open({ maxEntries: 2 })
    await registry.lookup('full-a')
    await registry.lookup('full-b')
    registry.peek('full-a')
    await registry.lookup('full-c')
    expect(registry.peek('full-a')).toBeDefined()
    expect(registry.peek('full-b')).toBeUndefined()
  })

  test('hears of every change that another process makes', async () => {
    const other = openCentralDatabase({ url: fixture.url, max: 1 })
    try {
      const registry = open()
      await registry.start()
      await expect(registry.lookup('heard')).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
      const elsewhere = fixture.tenants({ database: other })
      await elsewhere.create({ name: 'Heard', slug: 'heard' })
      await until(() => registry.lookup('heard').catch(() => undefined), { timeoutMs: 10_000 })
      expect(admit(await registry.lookup('heard'))).toMatchObject({ status: 'active' })
      await elsewhere.suspend('heard')
      await until(async () => (await registry.lookup('heard')).status === 'suspended', { timeoutMs: 10_000 })
      const tenant = await registry.lookup('heard')
      expect(() => admit(tenant)).toThrow(expect.objectContaining({ code: 'TENANT_SUSPENDED' }) as Error)
    } finally {
      await other.close()
    }
  })

  test('does not remember what became stale while it was read', async () => {
    const { id } = await tenants.create({ name: 'Stale', slug: 'stale' })
    let race: (() => Promise<void>) | undefined = async () => {
      race = undefined
      await tenants.suspend('stale')
      registry.invalidate(id)
    }
    const { database } = observed({ after: async () => race?.() })
    const registry: CachedRegistry = open({ database })
    expect(await registry.lookup('stale')).toMatchObject({ status: 'suspended' })
    expect(registry.peek('stale')).toMatchObject({ status: 'suspended' })
  })

  test('does not give who asks after a change the answer of a query from before it', async () => {
    const { id } = await tenants.create({ name: 'Later', slug: 'later' })
    let release = () => {}
    let held: Promise<void> | undefined = new Promise((resolve) => {
      release = resolve
    })
    const { database, count } = observed({ after: async () => held })
    const registry = open({ database })
    const early = registry.lookup('later')
    await until(() => count() === 1)
    await tenants.suspend('later')
    registry.invalidate(id)
    held = undefined
    expect(await registry.lookup('later')).toMatchObject({ status: 'suspended' })
    release()
    await early
    expect(registry.peek('later')).toMatchObject({ status: 'suspended' })
  })

  test('serves entries until their time is up while the database is away, then passes its error on', async () => {
    await tenants.create({ name: 'Away', slug: 'away' })
    let now = 0
    let down = false
    const { database } = observed({
      before: async () => {
        if (down) throw new Error('down')
      },
    })
    const registry = open({ database, clock: { now: () => now } })
    await registry.lookup('away')
    down = true
    now += 29_999
    expect(await registry.lookup('away')).toMatchObject({ slug: 'away' })
    now += 1
    await expect(registry.lookup('away')).rejects.toThrow('down')
    down = false
    expect(await registry.lookup('away')).toMatchObject({ slug: 'away' })
  })

  test('forgets everything when its connection was lost, because changes in between went unheard', async () => {
    await tenants.create({ name: 'Lost', slug: 'lost' })
    const registry = open()
    await registry.start()
    await registry.lookup('lost')
    await fixture.admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen%'`)
    await until(() => registry.peek('lost') === undefined)
    expect(await registry.lookup('lost')).toMatchObject({ slug: 'lost' })
  })

  test.each(['NOT A SLUG', '', 'a\0'])('refuses %j without a query', async (ref) => {
    const { database, count } = observed()
    await expect(open({ database }).lookup(ref)).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
    expect(count()).toBe(0)
  })
})

describe('admission', () => {
  test.each([
    ['suspended', true, 'TENANT_SUSPENDED'],
    ['inactive', true, 'TENANT_INACTIVE'],
    ['deleted', true, 'TENANT_DELETED'],
    ['purged', true, 'TENANT_PURGED'],
    ['active', false, 'TENANT_NOT_PROVISIONED'],
  ] as const)('refuses a tenant that is %s, provisioned: %s', (status, provisioned, code) => {
    const tenant = {
      id: '',
      slug: 'acme',
      isolation: 'row',
      schemaName: '',
      migrationVersion: 0,
      plan: null,
      mode: 'normal',
      modeOperators: [],
    } as const
    expect(() => admit({ ...tenant, status, provisioned })).toThrow(expect.objectContaining({ code }) as Error)
  })
})

describe('running over the tenants', () => {
  test('visits each active, provisioned one once, and reports the failures without stopping', async () => {
    for (let index = 0; index < 12; index += 1) {
      await tenants.create({ name: 'Each', slug: `each-${index}`, plan: 'each', provision: index !== 11 })
    }
    await tenants.suspend('each-10')
    let running = 0
    let most = 0
    const visited: string[] = []
    const registry = open()
    const result = await forEachTenant({
      database: fixture.admin,
      filter: { plan: 'each' },
      concurrency: 3,
      lookup: (id) => registry.lookup(id),
      run: async (tenant) => {
        running += 1
        most = Math.max(most, running)
        visited.push(tenant.slug)
        if (tenant.slug === 'each-0') {
          await tenants.suspend('each-9')
          registry.invalidate((await tenants.get('each-9')).id)
        }
        await fixture.admin.query('select')
        running -= 1
        if (tenant.slug === 'each-1') throw new Error('one fails')
      },
    })
    expect(visited.toSorted()).toEqual(Array.from({ length: 9 }, (_, index) => `each-${index}`))
    expect(most).toBe(3)
    expect(result.succeeded).toHaveLength(8)
    const faults = result.failed.map(({ error }) => (error instanceof TenantryError ? error.code : String(error)))
    expect(faults.toSorted()).toEqual(['Error: one fails', 'TENANT_SUSPENDED'])
  })

  test.each([0, 1.5, Number.NaN])('refuses a concurrency of %d', async (concurrency) => {
    const registry = open()
    const run = forEachTenant({
      database: fixture.admin,
      concurrency,
      lookup: (id) => registry.lookup(id),
      run: async () => {},
    })
    await expect(run).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})
