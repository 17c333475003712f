// Leaks inside the process: what is remembered, what is handed around, and code that runs later than it was written.
import { EventEmitter, once } from 'node:events'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PoolClient } from '../../src/engine/sql/pg.ts'
import type { Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { createTenantry } from '../../src/tenantry.ts'

let database: TestDatabase
let tenantry: Tenantry

beforeAll(async () => {
  database = await createTestDatabase()
  tenantry = createTenantry({
    adminUrl: database.adminUrl,
    migrations: '/nonexistent',
    maxClients: 1,
    sharedConnections: 1,
  })
  await tenantry.asCentral('a table', (central) =>
    central.query('create table note (id int generated always as identity, text text)'),
  )
  await tenantry.protect('note')
  for (const slug of ['acme', 'globex']) await addTenant(slug)
})
afterAll(async () => {
  await tenantry.close()
  await database.drop()
})

async function addTenant(slug: string): Promise<void> {
  await tenantry.tenants.create({ name: slug, slug })
  await tenantry.scope(slug).query('insert into note (text) values ($1)', [slug])
}

const READ = 'select text from note'
type Rows = { rows: { text: string }[] }
const textsOf = ({ rows }: Rows) => rows.map(({ text }) => text)
const read = async () => textsOf(await tenantry.pool.query(READ))
const missing = { code: 'TENANT_CONTEXT_MISSING' }

describe('L3: what is kept from an earlier request', () => {
  it('a handle kept from one tenant is refused inside another, and says nothing of its own there', async () => {
    const kept = tenantry.scope('acme')
    expect(textsOf((await kept.query(READ)) as Rows)).toEqual(['acme'])
    const uses: readonly (() => Promise<unknown>)[] = [
      () => kept.query(READ),
      () => kept.transaction((tx) => tx.query(READ)),
      () => kept.run(read),
    ]
    for (const use of uses) {
      await expect(tenantry.run('globex', use)).rejects.toMatchObject({ code: 'SCOPE_CONFLICT' })
    }
  })

  it('a client kept from one tenant is refused inside another', async () => {
    let kept: PoolClient | undefined
    await tenantry.run('acme', async () => {
      kept = await tenantry.pool.connect()
      expect(textsOf(await kept.query(READ))).toEqual(['acme'])
      const use = () => kept?.query(READ) ?? Promise.reject(new Error('no client'))
      await expect(tenantry.run('globex', { switch: true }, use)).rejects.toMatchObject({
        code: 'CLIENT_SCOPE_MISMATCH',
      })
      kept.release()
    })
    await expect(tenantry.run('globex', () => kept?.query(READ))).rejects.toMatchObject({ code: 'CLIENT_RELEASED' })
  })

  it('a function that was made once serves whoever calls it: A, B, A', async () => {
    const provider = { list: () => read() }
    for (const slug of ['acme', 'globex', 'acme']) expect(await tenantry.run(slug, provider.list)).toEqual([slug])
  })

  it('a slug that is given to a new tenant leads to that one, by old handles as well', async () => {
    await addTenant('reused')
    const before = await tenantry.tenants.get('reused')
    const kept = tenantry.scope({ id: before.id })
    expect(await tenantry.run('reused', read)).toEqual(['reused'])
    await tenantry.tenants.delete('reused')
    await tenantry.tenants.purge('reused', { confirm: 'reused' })
    await tenantry.tenants.create({ name: 'another', slug: 'reused' })
    expect(await tenantry.run('reused', read)).toEqual([])
    await expect(kept.query(READ)).rejects.toMatchObject({ code: 'TENANT_PURGED' })
  })
})

describe('L4: code that runs later', () => {
  const later: Readonly<Record<string, (work: () => void) => void>> = {
    'process.nextTick': (work) => process.nextTick(work),
    queueMicrotask: (work) => queueMicrotask(work),
    setImmediate: (work) => void setImmediate(work),
    setTimeout: (work) => void setTimeout(work, 1),
    'a callback of pool.query': (work) => tenantry.pool.query('select 1', () => work()),
    'a callback of pool.query that failed': (work) => tenantry.pool.query('select 1/0', () => work()),
    'a callback of pool.connect': (work) =>
      tenantry.pool.connect((_error, _client, release) => {
        release()
        work()
      }),
    'the end of a stream': (work) => void Readable.from(['x']).on('end', work).resume(),
  }

  it.each(Object.entries(later))('is in the scope that asked for it, at once with others: %s', async (_name, run) => {
    const answered = (slug: string) =>
      tenantry.run(slug, () => new Promise<string[]>((resolve, reject) => run(() => void read().then(resolve, reject))))
    const slugs = Array.from({ length: 12 }, (_, index) => (index % 2 ? 'acme' : 'globex'))
    expect(await Promise.all(slugs.map(answered))).toEqual(slugs.map((slug) => [slug]))
  })

  it('waits in its own scope for a client that another tenant gives back', async () => {
    const order: string[] = []
    const hold = async (slug: string) => {
      const client = await tenantry.pool.connect()
      order.push(...textsOf(await client.query(READ)))
      client.release()
      expect(await read()).toEqual([slug])
    }
    const slugs = ['acme', 'globex', 'acme', 'globex']
    await Promise.all(slugs.map((slug) => tenantry.run(slug, () => hold(slug))))
    expect(order).toEqual(slugs)
  })

  it('goes on in its own scope after a wake-up that came from another', async () => {
    const queue = new EventEmitter()
    const waiting = tenantry.run('acme', async () => {
      await once(queue, 'job')
      return read()
    })
    await tenantry.run('globex', async () => {
      queue.emit('job')
      expect(await read()).toEqual(['globex'])
    })
    expect(await waiting).toEqual(['acme'])
  })

  it('an event that is sent outside of every scope finds none, whoever listens', async () => {
    const events = new EventEmitter()
    const heard = tenantry.run(
      'acme',
      () => new Promise((resolve) => events.on('sent', () => resolve(read().catch((error: unknown) => error)))),
    )
    setImmediate(() => events.emit('sent'))
    expect(await heard).toMatchObject(missing)
  })

  it('an iterator that was made in a scope runs in that of who consumes it, or in none', async () => {
    async function* pages() {
      yield await read()
      yield await read()
    }
    const made = await tenantry.run('acme', async () => ({ iterator: pages() }))
    expect((await tenantry.run('globex', () => made.iterator.next())).value).toEqual(['globex'])
    await expect(made.iterator.next()).rejects.toMatchObject(missing)
  })

  it('a scope does not leak out of run(), however it ends', async () => {
    await tenantry.run('acme', read)
    await tenantry.run('acme', () => Promise.reject(new Error('mine'))).catch(() => undefined)
    expect(tenantry.current()).toBeUndefined()
    await expect(read()).rejects.toMatchObject(missing)
  })
})

describe('L18: central access', () => {
  it('is the handle alone: the pool stays where it was, inside the callback and beside it', async () => {
    await tenantry.asCentral('a report', async (central) => {
      expect(textsOf((await central.query(READ)) as Rows).sort()).toEqual(['acme', 'globex'])
      await expect(read()).rejects.toMatchObject(missing)
      expect(await tenantry.run('acme', read)).toEqual(['acme'])
    })
    const inside = tenantry.run('globex', () => tenantry.asCentral('a report', () => read()))
    expect(await inside).toEqual(['globex'])
  })

  it('is on record with its reason, and dies with its callback', async () => {
    const kept = await tenantry.asCentral('a reason to be found', async (central) => central)
    await expect(kept.query(READ)).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
    const { rows } = await tenantry.asCentral('reading the audit log', (central) =>
      central.query("select reason from tenantry.audit_entry where reason = 'a reason to be found'"),
    )
    expect(rows).toHaveLength(1)
  })

  it('is nothing that a scope option or a property of the input turns on', async () => {
    const options = { switch: true, central: true, bypass: true, isCentral: true, role: 'tn_central' }
    expect(await tenantry.run('acme', options, read)).toEqual(['acme'])
  })
})
