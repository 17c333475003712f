// The rules of entering a tenant, as a user meets them: run, scope and transactions.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Tenantry } from '../../src/tenantry.ts'
import { until } from '../harness/wait.ts'
import { type NoteTenants, noteTenants, openNoteTenants } from '../support/note-tenants.ts'

let notes: NoteTenants
let tenantry: Tenantry
let ids: NoteTenants['ids']

beforeAll(async () => {
  notes = await openNoteTenants()
  ;({ tenantry, ids } = notes)
})

afterAll(() => notes.close())

const create = (slug: string, provision = true) => tenantry.tenants.create({ name: slug, slug, provision })
const whoami = async () => {
  const { rows } = await tenantry.pool.query<{ id: string }>('select tenantry.current_tenant_id() as id')
  return rows[0]?.id
}
const texts = async () =>
  (await tenantry.pool.query<{ text: string }>('select text from note')).rows.map((row) => row.text)
const rejection = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('entering a tenant', () => {
  test('is seen by current(), and left again', async () => {
    expect(tenantry.current()).toBeUndefined()
    await tenantry.run('acme', { userId: 'u1', role: 'owner' }, async () => {
      expect(tenantry.current()).toEqual({ tenantId: ids.acme, slug: 'acme', userId: 'u1', role: 'owner' })
      await whoami()
      expect(tenantry.current()?.slug).toBe('acme')
    })
    expect(tenantry.current()).toBeUndefined()
  })

  test('works by slug, by id, and by either named', async () => {
    const id = ids.acme
    for (const ref of ['acme', id, { slug: 'acme' }, { id }]) expect(await tenantry.run(ref, whoami)).toBe(id)
  })

  test('again inside itself is allowed, with another actor too', async () => {
    await tenantry.run('acme', { userId: 'outer' }, () =>
      tenantry.run('acme', { userId: 'inner' }, async () => {
        const { rows } = await tenantry.pool.query('select tenantry.current_user_id() as id')
        expect(rows).toEqual([{ id: 'inner' }])
      }),
    )
  })

  test('from inside another one is SCOPE_CONFLICT for run and handles, unless the call says switch', async () => {
    await tenantry.run('acme', async () => {
      const conflict = { code: 'SCOPE_CONFLICT' }
      await expect(tenantry.run('globex', whoami)).rejects.toMatchObject(conflict)
      const handle = tenantry.scope('globex')
      await expect(handle.query('select 1')).rejects.toMatchObject(conflict)
      await expect(handle.transaction(async () => 1)).rejects.toMatchObject(conflict)
      await expect(handle.run(whoami)).rejects.toMatchObject(conflict)
      expect(await tenantry.run('globex', { switch: true }, whoami)).toBe(ids.globex)
      const { rows } = await tenantry.scope('globex', { switch: true }).query('select text from note')
      expect(rows).toEqual([{ text: 'globex' }])
      expect(await texts()).toEqual(['acme'])
    })
  })

  test('by a handle that was used outside before is still a conflict inside another one', async () => {
    const handle = tenantry.scope('globex')
    await handle.query('select 1')
    await tenantry.run('acme', async () => {
      await expect(handle.query('select 1')).rejects.toMatchObject({ code: 'SCOPE_CONFLICT' })
    })
  })

  test('tells SQL the user and the role, and null where none is named', async () => {
    const text = 'select tenantry.current_user_id() as "user", tenantry.current_tenant_role() as role'
    const { rows } = await tenantry.scope('acme', { userId: 'Zoë 🦊', role: 'viewer' }).query(text)
    expect(rows).toEqual([{ user: 'Zoë 🦊', role: 'viewer' }])
    expect((await tenantry.scope('acme').query(text)).rows).toEqual([{ user: null, role: null }])
  })

  test('without a callback is INVALID_INPUT', async () => {
    await expect(tenantry.run('acme', {}, undefined as unknown as () => void)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })

  test('that nobody may enter is refused with the reason, by every way in', async () => {
    await create('unprovisioned', false)
    for (const slug of ['suspended', 'inactive', 'deleted', 'purged']) await create(slug)
    await tenantry.tenants.suspend('suspended')
    await tenantry.tenants.deactivate('inactive')
    await tenantry.tenants.delete('deleted')
    const { id } = await tenantry.tenants.delete('purged')
    await tenantry.tenants.purge('purged', { confirm: 'purged' })
    for (const [ref, code] of [
      ['nobody', 'TENANT_NOT_FOUND'],
      ['Not A Slug', 'TENANT_NOT_FOUND'],
      ['unprovisioned', 'TENANT_NOT_PROVISIONED'],
      ['suspended', 'TENANT_SUSPENDED'],
      ['inactive', 'TENANT_INACTIVE'],
      ['deleted', 'TENANT_DELETED'],
      ['purged', 'TENANT_NOT_FOUND'],
    ] as const) {
      let ran = false
      await expect(tenantry.run(ref, () => (ran = true))).rejects.toMatchObject({ code })
      await expect(tenantry.scope(ref).query('select 1')).rejects.toMatchObject({ code })
      await expect(tenantry.scope(ref).transaction(async () => (ran = true))).rejects.toMatchObject({ code })
      expect(ran).toBe(false)
    }
    expect(await rejection(tenantry.run({ id }, whoami))).toMatchObject({
      code: expect.stringMatching(/^TENANT_(PURGED|NOT_FOUND)$/) as string,
    })
  })

  test('that is suspended in the middle refuses the next statement, on a client too', async () => {
    await create('paused')
    await tenantry.run('paused', async () => {
      const client = await tenantry.pool.connect()
      await tenantry.tenants.suspend('paused')
      await expect(whoami()).rejects.toMatchObject({ code: 'TENANT_SUSPENDED' })
      await expect(client.query('select 1')).rejects.toMatchObject({ code: 'TENANT_SUSPENDED' })
      client.release()
    })
  })
})

describe('a scoped transaction', () => {
  const scope = () => tenantry.scope('acme')

  test('commits what the callback did and returns its value', async () => {
    const value = await scope().transaction(async (tx) => {
      await tx.query("insert into note (id, text) values (100, 'kept')")
      return 'done'
    })
    expect(value).toBe('done')
    expect((await scope().query('select text from note where id = 100')).rows).toEqual([{ text: 'kept' }])
  })

  test('that throws is rolled back, and the very error reaches the caller', async () => {
    const mine = new Error('mine')
    const thrown = await rejection(
      scope().transaction(async (tx) => {
        await tx.query("insert into note (id, text) values (101, 'lost')")
        throw mine
      }),
    )
    expect(thrown).toBe(mine)
    expect((await scope().query('select from note where id = 101')).rows).toEqual([])
    expect(await rejection(tenantry.run('acme', () => Promise.reject(mine)))).toBe(mine)
  })

  test('has the isolation level and the access mode that were asked for', async () => {
    await scope()
      .transaction(
        async (tx) => {
          const { rows } = await tx.query("select current_setting('transaction_isolation') as level")
          expect(rows).toEqual([{ level: 'serializable' }])
          await expect(tx.query('delete from note')).rejects.toMatchObject({ code: '25006' })
          throw new Error('enough')
        },
        { isolation: 'serializable', readOnly: true },
      )
      .catch((error: unknown) => expect(error).toMatchObject({ message: 'enough' }))
  })

  test('ends with queryAndCommit, and takes no statement afterwards', async () => {
    let kept: { query: (text: string) => Promise<unknown> } | undefined
    await scope().transaction(async (tx) => {
      kept = tx
      await tx.query("insert into note (id, text) values (102, 'first')")
      const { rows } = await tx.queryAndCommit("insert into note (id, text) values (103, 'last') returning id")
      expect(rows).toEqual([{ id: 103 }])
      await expect(tx.query('select 1')).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
    })
    await expect(kept?.query('select 1')).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
    expect((await scope().query('select from note where id in (102, 103)')).rows).toHaveLength(2)
  })

  test('whose last statement fails in queryAndCommit keeps nothing', async () => {
    const work = scope().transaction(async (tx) => {
      await tx.query("insert into note (id, text) values (104, 'first')")
      await tx.queryAndCommit('select 1/0')
    })
    await expect(work).rejects.toMatchObject({ code: '22012' })
    expect((await scope().query('select from note where id = 104')).rows).toEqual([])
  })

  test('that swallowed the error of a statement is TRANSACTION_ABORTED, not committed', async () => {
    const work = scope().transaction(async (tx) => {
      await tx.query("insert into note (id, text) values (105, 'lost')")
      await tx.query('select 1/0').catch(() => undefined)
    })
    await expect(work).rejects.toMatchObject({ code: 'TRANSACTION_ABORTED' })
    expect((await scope().query('select from note where id = 105')).rows).toEqual([])
  })

  test('with a statement that nobody awaited is TRANSACTION_LEFT_OPEN, and rolled back', async () => {
    let late: Promise<unknown> = Promise.resolve()
    const work = scope().transaction(async (tx) => {
      await tx.query("insert into note (id, text) values (106, 'lost')")
      late = rejection(tx.query('select pg_sleep(0.2)'))
    })
    await expect(work).rejects.toMatchObject({ code: 'TRANSACTION_LEFT_OPEN' })
    await late
    expect((await scope().query('select from note where id = 106')).rows).toEqual([])
    await until(() => tenantry.pool.idleCount === tenantry.pool.totalCount)
  })

  test('sends statements that were started together one after the other', async () => {
    const rows = await scope().transaction(async (tx) =>
      Promise.all([1, 2, 3].map(async (n) => (await tx.query('select $1::int as n, now() as at', [n])).rows[0])),
    )
    expect(rows.map((row) => row?.n)).toEqual([1, 2, 3])
    expect(new Set(rows.map((row) => String(row?.at))).size).toBe(1)
  })

  test('refuses BEGIN and COMMIT of its own, and goes on', async () => {
    await scope().transaction(async (tx) => {
      for (const text of ['begin', 'commit', 'rollback', 'end']) {
        await expect(tx.query(text)).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
      }
      expect((await tx.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
  })

  test('is in scope for the pool as well, which runs beside it', async () => {
    await scope().transaction(async (tx) => {
      expect(tenantry.current()?.slug).toBe('acme')
      expect(await whoami()).toBe(ids.acme)
      await tx.query('select 1')
    })
  })
})

test('random interleavings of run, scope and transaction never show a foreign row', async () => {
  const way = fc.constantFrom('pool', 'handle', 'transaction', 'client', 'nested')
  const step = fc.record({
    slug: fc.constantFrom(...noteTenants),
    way,
    pauses: fc.array(fc.nat(3), { maxLength: 4 }),
  })
  const pause = async (kind: number) => {
    if (kind === 0) return
    if (kind === 1) await Promise.resolve()
    else await new Promise((resolve) => (kind === 2 ? setImmediate(resolve) : process.nextTick(resolve)))
  }
  const text = 'select text from note where id < 3'
  const ways = {
    pool: () => tenantry.pool.query<{ text: string }>(text),
    handle: (slug: string) => tenantry.scope(slug).query<{ text: string }>(text),
    transaction: (slug: string) => tenantry.scope(slug).transaction((tx) => tx.query<{ text: string }>(text)),
    nested: (slug: string) => tenantry.run(slug, () => tenantry.pool.query<{ text: string }>({ name: 'nested', text })),
    client: async () => {
      const client = await tenantry.pool.connect()
      try {
        return await client.query<{ text: string }>(text)
      } finally {
        client.release()
      }
    },
  }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), async (steps) => {
      const seen = await Promise.all(
        steps.map(({ slug, way: chosen, pauses }) =>
          tenantry.run(slug, async () => {
            for (const kind of pauses) await pause(kind)
            const { rows } = await ways[chosen](slug)
            for (const kind of pauses) await pause(kind)
            return [...rows.map((row) => row.text), tenantry.current()?.slug]
          }),
        ),
      )
      expect(seen).toEqual(steps.map(({ slug }) => [slug, slug]))
    }),
    { numRuns: 150 },
  )
})
