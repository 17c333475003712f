// What the tests of all queues share: an instance with tenants, and what every queue has to keep of them (leaks L4 and L5).
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import type { JobHost } from '../../src/features/jobs/job-tenant.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { until } from '../harness/wait.ts'

/** What a handler is given by every queue alike. */
export type Handler = (data: { readonly note: string }) => Promise<unknown>

/** One queue under test, with the calls of its own library behind it. */
export interface TestQueue {
  /** Sends through the bridge; resolves to the job's id. */
  send(data: unknown, key?: string): Promise<string>
  sendCentral(data: object): Promise<string>
  /** Sends past the bridge, through the library alone. */
  forge(payload: object): Promise<string>
  /** What the library has stored. */
  stored(id: string): Promise<unknown>
  /** What the library says of why it was not worked. */
  failure(id: string): Promise<string | undefined>
  /** How long it still waits for its next attempt. */
  waitMs(id: string): Promise<number>
  /** Makes a job due now that waits for its next attempt. */
  hurry(id: string): Promise<void>
  work(handler: Handler): Promise<void>
  workCentral(handler: Handler): Promise<void>
  /** Stops the workers and forgets all jobs. */
  reset(): Promise<void>
  close(): Promise<void>
}

export type OpenQueue = (stage: Stage) => Promise<TestQueue>

export interface Stage {
  readonly database: TestDatabase
  readonly tenantry: Tenantry
  readonly host: JobHost
  readonly one: Tenant
  readonly two: Tenant
  close(): Promise<void>
}

export async function openStage(): Promise<Stage> {
  const database = await createTestDatabase()
  const tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  const create = (slug: string) => tenantry.tenants.create({ name: slug, slug })
  const [one, two] = [await create('one'), await create('two')]
  const close = async () => {
    await tenantry.close()
    await database.drop()
  }
  return { database, tenantry, host: tenantry, one, two, close }
}

/** The tenant that the database sees. */
export async function seenBy(tenantry: Tenantry): Promise<string | undefined> {
  const { rows } = await tenantry.pool.query<{ id: string }>('select tenantry.current_tenant_id() as id')
  return rows[0]?.id
}

export interface QueueTests {
  readonly name: string
  readonly open: OpenQueue
  readonly needs?: (context: Pick<TestContext, 'skip'>) => void
  readonly isThere?: boolean
}

const KEY = 'tenantry:tenant'
const NOBODY = '0192f000-0000-7000-8000-000000000001'

/** What holds for each queue. */
export function queueTests({ name, open, needs = () => {}, isThere = true }: QueueTests): void {
  let stage: Stage
  let queue: TestQueue

  beforeAll(async () => {
    if (!isThere) return
    stage = await openStage()
    queue = await open(stage)
  })

  afterAll(async () => {
    if (!isThere) return
    await queue.close()
    await stage.close()
  })

  const send = (tenant: Tenant, data: object, key?: string) => stage.tenantry.run(tenant, () => queue.send(data, key))

  /** Works the queue with a handler that notes what tenant each job was handled in, before and after a statement. */
  async function working(handled: Map<string, unknown[]>): Promise<void> {
    await queue.work(async ({ note }) => {
      const before = stage.tenantry.current()?.tenantId
      const seen = await seenBy(stage.tenantry)
      await delay(Math.random() * 5)
      const after = await seenBy(stage.tenantry)
      handled.set(note, [...(handled.get(note) ?? []), before, seen, after])
    })
  }

  const inside = (tenant: Tenant) => [tenant.id, tenant.id, tenant.id]

  describe(`a job of a tenant in ${name}`, () => {
    it('carries the id of its tenant and nothing else, and its handler sees what was sent', async (context) => {
      needs(context)
      const id = await send(stage.one, { note: 'a' })
      expect(await queue.stored(id)).toEqual({ note: 'a', [KEY]: stage.one.id })
      const given: unknown[] = []
      await queue.work(async (data) => given.push(data))
      await until(() => given.length === 1)
      expect(given).toEqual([{ note: 'a' }])
      await queue.reset()
    })

    it('is refused outside of every tenant, from a scope that only reads, and with a payload that names a tenant', async (context) => {
      needs(context)
      await expect(queue.send({ note: 'a' })).rejects.toMatchObject({ code: 'TENANT_CONTEXT_MISSING' })
      const reading = stage.tenantry.run(stage.one, { readOnly: true }, () => queue.send({ note: 'a' }))
      await expect(reading).rejects.toMatchObject({ code: 'TENANT_READ_ONLY' })
      for (const payload of [{ [KEY]: stage.two.id }, { [KEY]: null }, ['x'], 'x', 1]) {
        const sent = stage.tenantry.run(stage.one, () => queue.send(payload))
        await expect(sent).rejects.toMatchObject({ code: 'INVALID_INPUT' })
      }
      await expect(queue.sendCentral({ [KEY]: stage.two.id })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    })

    it('meets no job of another tenant that has the same key', async (context) => {
      needs(context)
      const handled = new Map<string, unknown[]>()
      await send(stage.one, { note: 'one' }, 'nightly')
      await send(stage.two, { note: 'two' }, 'nightly')
      await working(handled)
      await until(() => handled.size === 2)
      expect(handled).toEqual(
        new Map([
          ['one', inside(stage.one)],
          ['two', inside(stage.two)],
        ]),
      )
      await queue.reset()
    })
  })

  describe(`L5: what tenant a job is worked in by ${name}`, () => {
    it('is its own, with jobs of several tenants at once', async (context) => {
      needs(context)
      const handled = new Map<string, unknown[]>()
      const tenants = Array.from({ length: 40 }, (_, index) => (index % 3 === 0 ? stage.one : stage.two))
      // Started inside of a tenant, which the worker's loop then carries along.
      await stage.tenantry.run(stage.two, () => working(handled))
      for (const [index, tenant] of tenants.entries()) await send(tenant, { note: String(index) })
      await until(() => handled.size === tenants.length, { timeoutMs: 20_000 })
      tenants.forEach((tenant, index) => expect(handled.get(String(index))).toEqual(inside(tenant)))
      await queue.reset()
    })

    it('is none where its payload names none, nobody, or something that is no id: it fails and is not run', async (context) => {
      needs(context)
      const forged = [
        { payload: {}, code: 'TENANT_CONTEXT_MISSING' },
        { payload: { [KEY]: null }, code: 'TENANT_CONTEXT_MISSING' },
        { payload: { [KEY]: NOBODY }, code: 'TENANT_NOT_FOUND' },
        { payload: { [KEY]: 'one' }, code: 'TENANT_NOT_FOUND' },
        { payload: { [KEY]: { id: stage.one.id } }, code: 'TENANT_NOT_FOUND' },
        { payload: { [KEY]: `${stage.one.id}'` }, code: 'TENANT_NOT_FOUND' },
      ]
      const handled = new Map<string, unknown[]>()
      // Started inside of a tenant, in which such a job would run if it could.
      await stage.tenantry.run(stage.two, () => working(handled))
      for (const { payload, code } of forged) {
        const id = await queue.forge({ note: code, ...payload })
        expect(await until(() => queue.failure(id))).toContain(`${code}: `)
      }
      expect(handled.size).toBe(0)
      await queue.reset()
    })

    it('is not entered while it is suspended or deleted: the job waits, and runs when it may be', async (context) => {
      needs(context)
      const slug = 'paused'
      const paused = await stage.tenantry.tenants.create({ name: slug, slug })
      const handled = new Map<string, unknown[]>()
      const id = await send(paused, { note: 'later' })
      await stage.tenantry.tenants.suspend(slug)
      await working(handled)
      expect(await until(() => queue.failure(id))).toContain('TENANT_SUSPENDED: ')
      expect(await queue.waitMs(id)).toBeGreaterThan(1_000)
      await stage.tenantry.tenants.delete(slug)
      await queue.hurry(id)
      await until(async () => (await queue.failure(id))?.includes('TENANT_DELETED: '))
      expect(handled.size).toBe(0)
      await stage.tenantry.tenants.restore(slug)
      await stage.tenantry.tenants.activate(slug)
      await until(async () => (await queue.waitMs(id)) > 1_000)
      await queue.hurry(id)
      await until(() => handled.has('later'))
      expect(handled.get('later')).toEqual(inside(paused))
      await queue.reset()
    })

    it('is not entered after it was purged, whoever has its slug now', async (context) => {
      needs(context)
      const slug = 'gone'
      const gone = await stage.tenantry.tenants.create({ name: slug, slug })
      const id = await send(gone, { note: 'never' })
      await stage.tenantry.tenants.delete(slug)
      await stage.tenantry.tenants.purge(slug, { confirm: slug })
      await stage.tenantry.tenants.create({ name: slug, slug })
      const handled = new Map<string, unknown[]>()
      await working(handled)
      expect(await until(() => queue.failure(id))).toContain('TENANT_PURGED: ')
      expect(handled.size).toBe(0)
      await queue.reset()
    })
  })

  describe(`L4: what a handler of ${name} leaves behind`, () => {
    it('runs in its own tenant, however late, and the next job in its own', async (context) => {
      needs(context)
      const late: Promise<unknown>[] = []
      const direct: unknown[] = []
      let release = () => {}
      const released = new Promise<void>((resolve) => (release = resolve))
      await queue.work(async () => {
        // Nobody awaits this one.
        late.push(released.then(() => seenBy(stage.tenantry)))
        direct.push(await seenBy(stage.tenantry))
      })
      await send(stage.one, { note: '1' })
      await until(() => direct.length === 1)
      await send(stage.two, { note: '2' })
      await until(() => direct.length === 2)
      release()
      expect(direct).toEqual([stage.one.id, stage.two.id])
      expect(await Promise.all(late)).toEqual([stage.one.id, stage.two.id])
      await queue.reset()
    })
  })

  describe(`a central job in ${name}`, () => {
    it('runs outside of every tenant, wherever it was sent and its worker started', async (context) => {
      needs(context)
      const scopes: unknown[] = []
      await stage.tenantry.run(stage.one, async () => {
        await queue.workCentral(async () => scopes.push(stage.tenantry.current() ?? 'none'))
        await queue.sendCentral({ note: 'central' })
      })
      await until(() => scopes.length === 1)
      expect(scopes).toEqual(['none'])
      await queue.reset()
    })

    it('is no job of a tenant: that one fails and is not run', async (context) => {
      needs(context)
      let calls = 0
      await queue.workCentral(async () => calls++)
      const id = await send(stage.one, { note: 'a' })
      expect(await until(() => queue.failure(id))).toContain('SCOPE_CONFLICT: ')
      expect(calls).toBe(0)
      await queue.reset()
    })
  })
}
