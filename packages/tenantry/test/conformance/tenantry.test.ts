// The rules of tenants and scopes, run over the library on a real database and over its stub, so that the stub cannot
// drift away from what it stands for.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/kernel/error-codes.ts'
import type { PoolClient } from '../../src/engine/sql/pg.ts'
import { stubTenantry } from '../../src/testing/index.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase } from '../harness/database.ts'

interface Subject {
  readonly tenantry: Tenantry
  close(): Promise<void>
}

const subjects: Record<string, () => Promise<Subject>> = {
  'the library': async () => {
    const database = await createTestDatabase()
    const tenantry = createTenantry({ adminUrl: database.adminUrl })
    const close = async () => {
      await tenantry.close()
      await database.drop()
    }
    return { tenantry, close }
  },
  'the stub': async () => {
    const tenantry = stubTenantry({ onQuery: ({ values }) => [{ answer: values[0] ?? '42' }] })
    return { tenantry, close: () => tenantry.close() }
  },
}

const ASK = "select coalesce($1, '42') as answer"

describe.each(Object.entries(subjects))('%s', (_name, open) => {
  let subject: Subject
  let tenantry: Tenantry

  beforeAll(async () => {
    subject = await open()
    tenantry = subject.tenantry
    await tenantry.tenants.create({ name: 'Acme Corp', slug: 'acme', plan: 'pro' })
    await tenantry.tenants.create({ name: 'Globex', slug: 'globex' })
  })
  afterAll(() => subject.close())

  const refusal = (promise: Promise<unknown>, code: ErrorCode) =>
    expect(promise).rejects.toMatchObject({ name: 'TenantryError', code })
  const ask = () => tenantry.pool.query<{ answer: string }>(ASK, ['mine'])
  const eventsOf = async (slug: string) =>
    (await tenantry.tenants.events({ tenant: slug, limit: 100 })).items.map(({ type, payload }) => ({ type, payload }))

  it('creates a tenant with every fact, provisioned', async () => {
    const tenant = await tenantry.tenants.create({ name: 'Full Facts', plan: 'pro', settings: { theme: 'dark' } })
    expect(tenant).toMatchObject({
      ...{
        slug: 'full-facts',
        name: 'Full Facts',
        status: 'active',
        isolation: 'row',
        schemaName: 'tenant_full_facts',
      },
      ...{ plan: 'pro', ownerUserId: null, settings: { theme: 'dark' }, metadata: {}, suspendedAt: null, version: 2 },
    })
    expect(Date.parse(tenant.provisionedAt ?? '')).not.toBeNaN()
    expect(await tenantry.tenants.get(tenant.id.toUpperCase())).toEqual(tenant)
    expect(await tenantry.tenants.get({ slug: 'full-facts' })).toEqual(tenant)
  })

  it.for([
    [{ name: '' }, 'INVALID_INPUT'],
    [{ name: 'x', slug: 'Not A Slug' }, 'SLUG_INVALID'],
    [{ name: 'x', slug: 'admin' }, 'SLUG_RESERVED'],
    [{ name: 'x', slug: 'acme' }, 'SLUG_TAKEN'],
    [{ name: 'x', slug: 'other', schemaName: 'tenant_acme' }, 'SCHEMA_NAME_TAKEN'],
    [{ name: 'x', slug: 'named', schemaName: 'pg_x' }, 'SCHEMA_NAME_INVALID'],
    [{ name: 'x', colour: 'red' }, 'UNKNOWN_FIELD'],
  ] as const)('refuses to create %j: %s', async ([input, code]) => {
    await refusal(tenantry.tenants.create(input), code)
  })

  it('finds nothing where there is nothing', async () => {
    expect(await tenantry.tenants.find('nobody')).toBeUndefined()
    await refusal(tenantry.tenants.get('nobody'), 'TENANT_NOT_FOUND')
    await refusal(tenantry.tenants.get('NOT A SLUG'), 'TENANT_NOT_FOUND')
    await refusal(
      tenantry.run('nobody', () => undefined),
      'TENANT_NOT_FOUND',
    )
  })

  it('updates a tenant once, by its version', async () => {
    const before = await tenantry.tenants.create({ name: 'Before', slug: 'update' })
    const after = await tenantry.tenants.update('update', { name: 'After' }, { ifVersion: before.version })
    expect(after).toMatchObject({ name: 'After', version: before.version + 1 })
    expect(await tenantry.tenants.update('update', { name: 'After' })).toMatchObject({ version: after.version })
    await refusal(tenantry.tenants.update('update', { name: 'Late' }, { ifVersion: 1 }), 'PRECONDITION_FAILED')
    await refusal(tenantry.tenants.update('update', { slug: 'other' } as never), 'FIELD_IMMUTABLE')
    expect((await eventsOf('update')).at(-1)).toMatchObject({ type: 'tenant.updated', payload: { changed: ['name'] } })
  })

  it('takes a tenant through its whole life, with one event for each change', async () => {
    const { tenants } = tenantry
    const { id } = await tenants.create({ name: 'Life', slug: 'life', provision: false })
    await refusal(
      tenantry.run('life', () => undefined),
      'TENANT_NOT_PROVISIONED',
    )
    expect(await tenants.provision('life')).toMatchObject({ provisioned: true, message: 'provisioned successfully' })
    expect(await tenants.provision('life')).toMatchObject({ message: 'already provisioned' })
    expect(await tenants.suspend('life', { reason: 'unpaid' })).toMatchObject({ suspendReason: 'unpaid' })
    expect(await tenants.suspend('life')).toMatchObject({ suspendReason: 'unpaid' })
    await refusal(
      tenantry.run('life', () => undefined),
      'TENANT_SUSPENDED',
    )
    expect(await tenants.deactivate('life')).toMatchObject({ status: 'inactive', suspendReason: null })
    await refusal(tenants.suspend('life'), 'TENANT_STATUS_CONFLICT')
    await refusal(tenants.purge('life', { confirm: 'life' }), 'TENANT_STATUS_CONFLICT')
    expect(await tenants.delete('life')).toMatchObject({ status: 'deleted' })
    await refusal(
      tenantry.run('life', () => undefined),
      'TENANT_DELETED',
    )
    await refusal(tenants.update('life', { name: 'x' }), 'TENANT_DELETED')
    expect(await tenants.restore('life')).toMatchObject({ status: 'inactive', purgeAfter: null })
    expect(await tenants.restore('life')).toMatchObject({ status: 'inactive' })
    expect(await tenants.activate('life')).toMatchObject({ status: 'active' })
    await refusal(tenants.restore('life'), 'TENANT_STATUS_CONFLICT')
    await tenants.delete('life')
    await refusal(tenants.purge('life', { confirm: 'lif' }), 'CONFIRMATION_REQUIRED')
    expect(await tenants.purge('life', { confirm: 'life' })).toMatchObject({ status: 'purged', name: 'purged' })
    expect(await tenants.find('life')).toBeUndefined()
    const { items } = await tenants.events({ tenant: id, limit: 100 })
    const verbs = 'created provisioned suspended deactivated deleted restored activated deleted purged'.split(' ')
    expect(items.map(({ type }) => type)).toEqual(verbs.map((verb) => `tenant.${verb}`))
    expect(items[2]?.payload).toEqual({ slug: 'life', plan: null, reason: 'unpaid' })
    expect(await tenants.create({ name: 'Life again', slug: 'life' })).toMatchObject({ status: 'active' })
  })

  it('lists by pages, newest first, and counts', async () => {
    for (const letter of ['a', 'b', 'c']) await tenantry.tenants.create({ name: letter, slug: `page-${letter}` })
    const first = await tenantry.tenants.list({ search: 'PAGE-', limit: 2 })
    expect(first.items.map(({ slug }) => slug)).toEqual(['page-c', 'page-b'])
    expect(first.total).toBe(3)
    const second = await tenantry.tenants.list({ search: 'page-', limit: 2, cursor: first.nextCursor ?? '' })
    expect(second).toMatchObject({ items: [{ slug: 'page-a' }], nextCursor: null, total: 3 })
    expect((await tenantry.tenants.list({ plan: 'pro' })).items.map(({ slug }) => slug)).toContain('acme')
    await refusal(tenantry.tenants.list({ limit: 0 }), 'INVALID_INPUT')
    await refusal(tenantry.tenants.list({ cursor: 'x' }), 'INVALID_INPUT')
    expect(await tenantry.tenants.stats()).toMatchObject({ byPlan: { pro: 2 }, unprovisioned: 0 })
  })

  it('runs a statement inside a scope only', async () => {
    await refusal(ask(), 'TENANT_CONTEXT_MISSING')
    const { rows } = await tenantry.run('acme', ask)
    expect(rows).toEqual([{ answer: 'mine' }])
    expect((await tenantry.scope('acme').query(ASK, ['mine'])).rows).toEqual([{ answer: 'mine' }])
    expect(await tenantry.scope('acme').run(ask)).toMatchObject({ rowCount: 1 })
  })

  it('knows the scope it is in', async () => {
    expect(tenantry.current()).toBeUndefined()
    const { id } = await tenantry.tenants.get('acme')
    const inside = await tenantry.run('acme', { userId: 'u-1', role: 'owner' }, () => tenantry.current())
    expect(inside).toEqual({ tenantId: id, slug: 'acme', userId: 'u-1', role: 'owner' })
  })

  it('enters another tenant from inside a scope only where the call says so', async () => {
    const enter = (options: { switch?: boolean }) =>
      tenantry.run('acme', () => tenantry.run('globex', options, () => tenantry.current()?.slug))
    await refusal(enter({}), 'SCOPE_CONFLICT')
    expect(await enter({ switch: true })).toBe('globex')
    const byHandle = tenantry.run('acme', () => tenantry.scope('globex').query(ASK, ['x']))
    await refusal(byHandle, 'SCOPE_CONFLICT')
    expect(await tenantry.run('acme', () => tenantry.run('acme', () => tenantry.current()?.slug))).toBe('acme')
  })

  it('hands an error of the callback on as it is', async () => {
    const error = new Error('mine')
    const fail = () => Promise.reject(error)
    await expect(tenantry.run('acme', fail)).rejects.toBe(error)
    await expect(tenantry.scope('acme').transaction(fail)).rejects.toBe(error)
  })

  it.for(['begin', 'set role none', 'listen x', 'do $$ begin end $$', 'discard all'])(
    'refuses through the pool: %s',
    async (text) => {
      await refusal(
        tenantry.run('acme', () => tenantry.pool.query(text)),
        'STATEMENT_REFUSED',
      )
    },
  )

  it('runs a transaction whose handle dies with it', async () => {
    const scope = tenantry.scope('acme')
    const tx = await scope.transaction(async (inner) => {
      expect(tenantry.current()?.slug).toBe('acme')
      expect((await inner.query(ASK, ['in it'])).rows).toEqual([{ answer: 'in it' }])
      await refusal(inner.query('commit'), 'STATEMENT_REFUSED')
      return inner
    })
    await refusal(tx.query(ASK, ['late']), 'TRANSACTION_ENDED')
    await scope.transaction(async (inner) => {
      await inner.queryAndCommit(ASK, ['last'])
      await refusal(inner.query(ASK, ['late']), 'TRANSACTION_ENDED')
    })
  })

  it('lends a client to the scope that checked it out, until it is released', async () => {
    const connect = () => tenantry.pool.connect()
    await refusal(connect(), 'TENANT_CONTEXT_MISSING')
    const query = (client: PoolClient) => client.query(ASK, ['leased'])
    await tenantry.run('acme', async () => {
      const client = await connect()
      expect((await query(client)).rows).toEqual([{ answer: 'leased' }])
      await refusal(
        tenantry.run('globex', { switch: true }, () => query(client)),
        'CLIENT_SCOPE_MISMATCH',
      )
      client.release()
      await refusal(query(client), 'CLIENT_RELEASED')
    })
  })

  it('grants central access for a reason, until its callback has ended', async () => {
    await refusal(
      tenantry.asCentral(' ', async () => undefined),
      'REASON_REQUIRED',
    )
    const central = await tenantry.asCentral('conformance', async (handle) => {
      expect((await handle.query(ASK, ['central'])).rows).toEqual([{ answer: 'central' }])
      return handle
    })
    await refusal(central.query(ASK, ['late']), 'TRANSACTION_ENDED')
  })

  it('walks all tenants, and goes on past a failure', async () => {
    const seen: (string | undefined)[] = []
    const result = await tenantry.tenants.forEach({ plan: 'pro' }, async ({ slug }) => {
      seen.push(tenantry.current()?.slug)
      if (slug === 'acme') throw new Error('not acme')
    })
    expect(seen.sort()).toEqual(['acme', 'full-facts'])
    expect(result.succeeded).toHaveLength(1)
    expect(result.failed).toMatchObject([{ error: { message: 'not acme' } }])
    await refusal(
      tenantry.tenants.forEach({}, async () => undefined, { concurrency: 0 }),
      'INVALID_INPUT',
    )
  })

  it('answers to nobody once it is closed', async () => {
    const closing = await open()
    await closing.tenantry.start()
    await closing.tenantry.close()
    await refusal(closing.tenantry.tenants.create({ name: 'Late' }), 'CLOSED')
    await refusal(
      closing.tenantry.run('acme', () => undefined),
      'CLOSED',
    )
    await refusal(
      closing.tenantry.asCentral('late', async () => undefined),
      'CLOSED',
    )
    await closing.close()
  })
})

describe('the stub', () => {
  it('says that it runs no SQL where nobody answers', async () => {
    const tenantry = stubTenantry()
    await tenantry.tenants.create({ name: 'Acme Corp', slug: 'acme' })
    const asked = tenantry.scope('acme').query('select 1')
    await expect(asked).rejects.toThrow('stubTenantry(), which runs no SQL')
  })

  it('tells the handler whose statement it is', async () => {
    const seen: unknown[] = []
    const tenantry = stubTenantry({ onQuery: (query) => [seen.push(query)].slice(1).map(() => ({})) })
    const { id, slug } = await tenantry.tenants.create({ name: 'Acme Corp', slug: 'acme' })
    await tenantry.scope('acme').query('select $1', ['x'])
    await tenantry.asCentral('totals', (central) => central.query('select 2'))
    expect(seen).toMatchObject([
      { tenant: { id, slug }, text: 'select $1', values: ['x'] },
      { tenant: undefined, text: 'select 2', values: [] },
    ])
  })
})
