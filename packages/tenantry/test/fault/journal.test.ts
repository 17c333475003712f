import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Tenants } from '../../src/tenants/tenants.ts'
import { startChild } from '../harness/child-process.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'
import { ledgers } from './journal-participant.ts'

let fixture: TenantsFixture
let tenants: Tenants

beforeAll(async () => {
  fixture = await openTenantsFixture()
  tenants = fixture.tenants({ participants: [ledgers] })
  const { app, central } = fixture.instance.roles
  await fixture.admin.query(`create table public.shared_ledger (tenant_id uuid, id integer);
    alter table public.shared_ledger enable row level security, force row level security;
    create policy tenantry_tenant on public.shared_ledger to ${app} using (tenant_id = (select tenantry.current_tenant_id()));
    create policy tenantry_central on public.shared_ledger to ${central} using (true) with check (true)`)
})
afterAll(() => fixture.close())

const rows = async (text: string) => (await fixture.admin.query(text)).rows

/** Runs the verb in a process of its own, which kills itself at the point. */
const dieAt = async (verb: string, point: string) => {
  const child = startChild(new URL('journal-child.ts', import.meta.url), { args: [fixture.url, verb, point] })
  const signal = await new Promise((resolve) => {
    child.process.once('close', (_code, ended) => resolve(ended))
  })
  expect({ signal, lines: child.lines }).toEqual({ signal: 'SIGKILL', lines: [] })
}

/** Whatever happened, nothing is orphaned: the registry, the schemas and the shared rows tell the same story. */
const expectNothingOrphaned = async () => {
  expect(await rows(`select verb, step from tenantry.operation where state = 'running'`)).toEqual([])
  const owned = await rows(`select coalesce(archived_schema, schema_name) as name from tenantry.tenant
    where isolation = 'schema' and provisioned_at is not null and status <> 'purged' order by 1`)
  expect(
    await rows(`select nspname::text as name from pg_namespace where nspname ~ '^(tenant|archived)_' order by 1`),
  ).toEqual(owned)
  expect(
    await rows(`select tenant_id from public.shared_ledger l where not exists
      (select from tenantry.tenant t where t.id = l.tenant_id and t.provisioned_at is not null and t.status <> 'purged')`),
  ).toEqual([])
}

afterEach(async () => {
  await expectNothingOrphaned()
  const victim = await tenants.find('victim')
  if (victim === undefined) return
  await tenants.delete('victim')
  await tenants.purge('victim', { confirm: 'victim' })
  await expectNothingOrphaned()
})

const around = (...steps: readonly string[]) =>
  steps.flatMap((step) => [`${step}:before-commit`, `${step}:after-commit`])

describe('a process killed while creating a tenant', () => {
  const [first = '', ...later] = around('create:begin', 'create:0', 'create:1')

  test(`at ${first} leaves nothing`, async () => {
    await dieAt('create', first)
    expect(await tenants.resume()).toBe(0)
    expect(await tenants.find('victim')).toBeUndefined()
  })

  test.each(later)('at %s leaves a creation that the next start finishes', async (point) => {
    await dieAt('create', point)
    expect(await tenants.resume()).toBe(point === 'create:1:after-commit' ? 0 : 1)
    const { id, provisionedAt } = await tenants.get('victim')
    expect(provisionedAt).not.toBeNull()
    const { items } = await tenants.events({ tenant: { id } })
    expect(items.map((event) => event.type)).toEqual(['tenant.created', 'tenant.provisioned'])
    expect(await rows('select from tenant_victim.ledger')).toHaveLength(0)
    expect(await tenants.resume()).toBe(0)
  })

  test('and whose creation cannot be finished is undone by the next start, and the slug is free', async () => {
    await dieAt('create', 'create:begin:after-commit')
    await fixture.admin.query('create schema tenant_victim')
    expect(await tenants.resume()).toBe(1)
    expect(await tenants.find('victim')).toBeUndefined()
    await fixture.admin.query('drop schema tenant_victim')
    const again = await tenants.create({ name: 'Victim', slug: 'victim', isolation: 'schema' })
    expect(again).toMatchObject({ slug: 'victim' })
  })

  test('is finished by a call of provision as well', async () => {
    await dieAt('create', 'create:0:after-commit')
    await expect(tenants.suspend('victim')).rejects.toMatchObject({ code: 'TENANT_BUSY' })
    expect(await tenants.provision('victim')).toMatchObject({ message: 'provisioned successfully' })
  })
})

describe('a process killed while provisioning a tenant', () => {
  test.each(around('provision:begin', 'provision:0', 'provision:1'))('at %s loses nothing', async (point) => {
    await tenants.create({ name: 'Victim', slug: 'victim', isolation: 'schema', provision: false })
    await dieAt('provision', point)
    const isOpen = point !== 'provision:begin:before-commit' && point !== 'provision:1:after-commit'
    expect(await tenants.resume()).toBe(isOpen ? 1 : 0)
    expect((await tenants.get('victim')).provisionedAt !== null).toBe(point !== 'provision:begin:before-commit')
  })
})

describe('a process killed while purging a tenant', () => {
  const [first = '', ...later] = around('purge:begin', 'purge:0', 'purge:1', 'purge:2', 'purge:3')

  test(`at ${first} leaves the tenant deleted and restorable`, async () => {
    await tenants.create({ name: 'Victim', slug: 'victim', isolation: 'schema' })
    await tenants.delete('victim')
    await dieAt('purge', first)
    expect(await tenants.resume()).toBe(0)
    expect(await tenants.restore('victim')).toMatchObject({ status: 'active' })
  })

  test.each(later)('at %s leaves a purge that the next start finishes', async (point) => {
    const { id } = await tenants.create({ name: 'Victim', slug: 'victim', isolation: 'schema' })
    await tenants.delete('victim')
    await dieAt('purge', point)
    expect(await tenants.resume()).toBe(point === 'purge:3:after-commit' ? 0 : 1)
    expect(await rows(`select status from tenantry.tenant where id = '${id}'`)).toEqual([{ status: 'purged' }])
    const { items } = await tenants.events({ tenant: { id }, type: 'tenant.purged' })
    expect(items).toHaveLength(1)
  })
})

describe('an operation that fails after its build step', () => {
  test('is undone, schema and rows included', async () => {
    const failing = fixture.tenants({
      participants: [ledgers],
      onStep: (point) => {
        if (point === 'create:1:before-commit') throw new Error('fault')
      },
    })
    const attempt = failing.create({ name: 'Victim', slug: 'victim', isolation: 'schema' })
    await expect(attempt).rejects.toMatchObject({ code: 'PROVISION_FAILED', cause: { message: 'fault' } })
    expect(await tenants.find('victim')).toBeUndefined()
  })

  test('is not undone where its step was done after all', async () => {
    const doubting = fixture.tenants({
      participants: [ledgers],
      onStep: (point) => {
        if (point === 'create:0:after-commit') throw new Error('the answer to COMMIT was lost')
      },
    })
    const tenant = await doubting.create({ name: 'Victim', slug: 'victim', isolation: 'schema' })
    expect(tenant.provisionedAt).not.toBeNull()
  })
})

describe('two processes on one operation', () => {
  test('do each of its steps once between them', async () => {
    const walker = fixture.tenants({
      participants: [ledgers],
      onStep: async (point) => {
        if (point === 'create:begin:after-commit' || point === 'create:0:after-commit') await tenants.resume()
      },
    })
    const { id } = await walker.create({ name: 'Victim', slug: 'victim', isolation: 'schema' })
    const { items } = await tenants.events({ tenant: { id } })
    expect(items.map((event) => event.type)).toEqual(['tenant.created', 'tenant.provisioned'])
    expect(await rows('select from public.shared_ledger')).toHaveLength(1)
  })
})
