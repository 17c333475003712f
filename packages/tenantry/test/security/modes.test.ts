// A read-only tenant, or scope, is written by nobody: whichever way the statement goes in, and whatever an injected one
// tries first. PostgreSQL holds it; these are the attempts to make it let go.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { PoolClient } from '../../src/engine/sql/pg.ts'
import type { RunningScope } from '../../src/index.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createInstanceDatabase, type InstanceDatabase } from '../support/instance-database.ts'

let database: InstanceDatabase
let tenantry: Tenantry

beforeAll(async () => {
  database = await createInstanceDatabase()
  await database.admin.query('create table note (id int generated always as identity primary key, text text)')
  // What an application may have of its own: a function that writes.
  await database.admin.query(`
    create function write_note() returns int language sql as $$ insert into note (text) values ('by function') returning id $$`)
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent', maxClients: 4 })
  await tenantry.protect('note')
  for (const slug of ['acme', 'globex']) {
    await tenantry.tenants.create({ name: slug, slug })
    await tenantry.scope(slug).query('insert into note (text) values ($1)', [slug])
  }
  await tenantry.tenants.create({ name: 'own', slug: 'own', isolation: 'schema' })
})

afterAll(async () => {
  await tenantry.close()
  await database.drop()
})

beforeEach(async () => {
  for (const slug of ['acme', 'globex']) await tenantry.tenants.setMode(slug, { mode: 'normal' })
})

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )

const texts = async () =>
  (await database.superuser.query<{ text: string }>('select text from note order by id')).rows.map(({ text }) => text)

const INSERT = `insert into note (text) values ('written')`

async function onClient(work: (client: PoolClient) => Promise<unknown>): Promise<unknown> {
  const client = await tenantry.pool.connect()
  try {
    return await work(client)
  } finally {
    client.release()
  }
}

const lines = () => Readable.from(['copied\n'])

type Write = (scope: RunningScope) => Promise<unknown>

const told = (query: { on(event: string, heard: (value: unknown) => void): unknown }) =>
  new Promise((resolve, reject) => {
    query.on('error', reject)
    query.on('end', resolve)
    query.on('finish', resolve)
  })

/** Ways to write, each of which must be refused. */
const writes: Readonly<Record<string, Write>> = {
  'pool.query()': () => tenantry.pool.query(INSERT),
  'scope.query()': (scope) => scope.query(INSERT),
  'a handle made outside': () => tenantry.scope('acme').query(INSERT),
  'scope.batch()': (scope) => scope.batch(['select 1', INSERT]),
  'scope.transaction()': (scope) => scope.transaction((tx) => tx.query(INSERT)),
  'tx.queryAndCommit()': (scope) => scope.transaction((tx) => tx.queryAndCommit(INSERT)),
  'a transaction that asks to write': () =>
    onClient(async (client) => {
      await client.query('begin isolation level repeatable read read write')
      await client.query(INSERT)
    }),
  'connect()': () => onClient((client) => client.query(INSERT)),
  'connect(), inside a transaction': () =>
    onClient(async (client) => {
      await client.query('begin')
      await client.query('select 1')
      await client.query(INSERT)
    }),
  'a cursor': () => onClient((client) => client.query(new Cursor(`${INSERT} returning id`)).read(10)),
  'a query stream': () => onClient((client) => told(client.query(new QueryStream(`${INSERT} returning id`)).resume())),
  'COPY of a query': () =>
    onClient((client) => told(client.query(copyTo(`copy (${INSERT} returning id) to stdout`)).resume())),
  'scope.copyFrom()': (scope) => scope.copyFrom('note', lines(), { columns: ['text'] }),
  'a data-modifying WITH': () => tenantry.pool.query(`with w as (${INSERT} returning id) select * from w`),
  'a function that writes': () => tenantry.pool.query('select write_note()'),
  'an update': () => tenantry.pool.query(`update note set text = 'written'`),
  'a delete': () => tenantry.pool.query('delete from note'),
  'select for update': () => tenantry.pool.query('select * from note for update'),
  'EXPLAIN ANALYZE': () => tenantry.pool.query(`explain analyze ${INSERT}`),
  DO: () => onClient((client) => client.query(`do $$ begin insert into note (text) values ('written'); end $$`)),
  'DO that resets first': () =>
    onClient((client) =>
      client.query(`do $$ begin perform set_config('transaction_read_only', null, true);
        insert into note (text) values ('written'); end $$`),
    ),
  CALL: () => onClient((client) => client.query('call nothing()')),
}

/** What an injected statement may try first, inside one transaction, and the write behind it. */
const widenings: readonly (readonly string[])[] = [
  [`select set_config('transaction_read_only', 'off', true)`],
  [`select set_config('transaction_read_only', 'off', false)`],
  [`select set_config('transaction_read_only', null, true)`],
  [`select set_config('default_transaction_read_only', 'off', true)`],
  ['set local transaction_read_only = off'],
  ['set local transaction_read_only to default'],
  ['set transaction read write'],
  ['begin read write'],
  ['savepoint a', 'select 1', 'release savepoint a'],
  ['savepoint a', 'select 1', 'rollback to savepoint a'],
  ['savepoint a', `set local transaction_read_only to default`, 'release savepoint a'],
  ['savepoint a', 'savepoint b', 'select count(*) from note', 'release a'],
  [`update pg_settings set setting = 'off' where name = 'transaction_read_only'`],
  [`select query_to_xml($$select set_config('transaction_read_only', null, true)$$, true, true, '')`],
  [`declare c cursor for select set_config('transaction_read_only', null, true)`, 'fetch all from c'],
  [
    `with x as (select set_config('transaction_read_only', null, true)) insert into note (text) select 'written' from x`,
  ],
]

const confined: readonly (readonly [string, (work: Write) => Promise<unknown>])[] = [
  ['a scope that only reads', (work) => tenantry.run('acme', { readOnly: true }, work)],
  [
    'a tenant in read-only mode',
    async (work) => {
      await tenantry.tenants.setMode('acme', { mode: 'read_only', operators: ['ops'] })
      return tenantry.run('acme', { userId: 'somebody' }, work)
    },
  ],
]

describe.each(confined)('%s', (_name, enter) => {
  it('reads', async () => {
    const seen = await enter(async (scope) => (await scope.query('select text from note')).rows)
    expect(seen).toEqual([{ text: 'acme' }])
  })

  it.each(Object.entries(writes))('is not written by %s', async (_way, write) => {
    const before = await texts()
    expect(await codeOf(enter(write))).toBe('TENANT_READ_ONLY')
    expect(await texts()).toEqual(before)
  })

  it.each(widenings.map((statements) => [statements.join('; '), statements] as const))(
    'is not widened by: %s',
    async (_text, statements) => {
      const before = await texts()
      const attack = enter(() =>
        onClient(async (client) => {
          await client.query('begin')
          await client.query('select 1')
          for (const text of statements) await client.query(text)
          await client.query(INSERT)
          await client.query('commit')
        }),
      )
      expect(await codeOf(attack)).not.toBe('done')
      // The savepoint first, where no statement has been sent before it.
      const early = enter((scope) =>
        scope.transaction(async (tx) => {
          for (const text of statements) await tx.query(text)
          await tx.query(INSERT)
        }),
      )
      expect(await codeOf(early)).not.toBe('done')
      expect(await texts()).toEqual(before)
    },
  )

  it('is not widened by a statement of the same batch', async () => {
    const widen = `select set_config('transaction_read_only', null, true)`
    expect(await codeOf(enter((scope) => scope.batch([widen, INSERT])))).not.toBe('done')
    expect(await texts()).not.toContain('written')
  })

  it('leaves nothing on the connections that others share', async () => {
    await Promise.all([enter(() => tenantry.pool.query('select 1')), tenantry.scope('globex').query('select 1')])
    expect(await codeOf(tenantry.scope('globex').query(`insert into note (text) values ('globex too')`))).toBe('done')
  })
})

describe('a scope inside a scope that only reads', () => {
  const inside = (work: () => Promise<unknown>) => codeOf(tenantry.run('acme', { readOnly: true }, work))

  it('only reads, too, in the same tenant, whatever it asks for and wherever its handle is from', async () => {
    const outside = tenantry.scope('acme')
    await outside.query('select 1')
    const asked = { readOnly: false, userId: 'ops', role: 'owner' }
    expect(await inside(() => tenantry.run('acme', asked, () => tenantry.pool.query(INSERT)))).toBe('TENANT_READ_ONLY')
    expect(await inside(() => outside.query(INSERT))).toBe('TENANT_READ_ONLY')
    expect(await inside(() => outside.transaction((tx) => tx.query(INSERT)))).toBe('TENANT_READ_ONLY')
    expect(await inside(() => outside.run((scope) => scope.query(INSERT)))).toBe('TENANT_READ_ONLY')
    const through = () =>
      tenantry.run('globex', { switch: true }, () =>
        tenantry.run('acme', { switch: true }, () => tenantry.pool.query(INSERT)),
      )
    expect(await inside(through)).toBe('TENANT_READ_ONLY')
    // Outside of it the handle is what it was.
    expect(await codeOf(outside.query(`insert into note (text) values ('acme too')`))).toBe('done')
  })

  it('cannot use a client that was checked out around it', async () => {
    const borrowed = tenantry.run('acme', () =>
      onClient(async (client) => {
        await client.query('begin')
        await tenantry.run('acme', { readOnly: true }, () => client.query(INSERT))
      }),
    )
    expect(await codeOf(borrowed)).toBe('CLIENT_SCOPE_MISMATCH')
    expect(await texts()).not.toContain('written')
  })

  it('says that it only reads', async () => {
    await tenantry.run('acme', { readOnly: true }, () =>
      tenantry.run('acme', () => {
        expect(tenantry.current()).toMatchObject({ slug: 'acme', readOnly: true })
      }),
    )
    await tenantry.run('acme', () => {
      expect(tenantry.current()).not.toHaveProperty('readOnly')
    })
  })
})

describe('the mode of a tenant', () => {
  const write = (claims: { userId?: string }) =>
    codeOf(tenantry.scope('globex', claims).query(`insert into note (text) values ('by ops')`))

  it('does not hold for the operators that are named with it, by id and nothing like it', async () => {
    await tenantry.tenants.setMode('globex', { mode: 'read_only', operators: ['ops'] })
    expect(await write({ userId: 'ops' })).toBe('done')
    for (const userId of ['op', 'opsx', 'OPS', 'ops ']) expect(await write({ userId })).toBe('TENANT_READ_ONLY')
    expect(await write({})).toBe('TENANT_READ_ONLY')
    await tenantry.tenants.setMode('globex', { mode: 'maintenance' })
    expect(await write({ userId: 'ops' })).toBe('TENANT_MAINTENANCE')
  })

  it('lets nobody but them in under maintenance, and says that it will pass', async () => {
    await tenantry.tenants.setMode('globex', { mode: 'maintenance', operators: ['ops'] })
    expect(await write({ userId: 'ops' })).toBe('done')
    const refused = await tenantry.run('globex', () => 'entered').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'TENANT_MAINTENANCE', status: 503, retryable: true })
    expect(await codeOf(tenantry.run('globex', { role: 'ops' }, () => 'entered'))).toBe('TENANT_MAINTENANCE')
  })

  it('is asked for each statement, also in a transaction that had begun before', async () => {
    const begun = tenantry.scope('globex').transaction(async (tx) => {
      await tx.query('select 1')
      await tenantry.tenants.setMode('globex', { mode: 'read_only' })
      await tx.query(INSERT)
    })
    expect(await codeOf(begun)).toBe('TENANT_READ_ONLY')
    const left = tenantry.scope('globex').transaction(async (tx) => {
      await tx.query('select 1')
      await tenantry.tenants.setMode('globex', { mode: 'maintenance' })
      await tx.query('select 1')
    })
    expect(await codeOf(left)).toBe('TENANT_MAINTENANCE')
    expect(await texts()).not.toContain('written')
  })

  it('holds for schema tenants, whose migrations go on', async () => {
    await tenantry.tenants.setMode('own', { mode: 'maintenance', operators: ['ops'] })
    const migrations = await mkdtemp(join(tmpdir(), 'tenantry-modes-'))
    await mkdir(join(migrations, 'tenant'))
    await writeFile(join(migrations, 'tenant', '0001_own.sql'), 'create table own (text text)')
    const newer = createTenantry({ adminUrl: database.adminUrl, migrations })
    onTestFinished(async () => {
      await newer.close()
      await rm(migrations, { recursive: true })
    })
    expect(await newer.migrateTenant('own')).toEqual(['0001_own.sql'])
    const insert = `insert into own values ('x')`
    expect(await codeOf(tenantry.scope('own', { userId: 'ops' }).query(insert))).toBe('done')
    await tenantry.tenants.setMode('own', { mode: 'read_only' })
    expect(await codeOf(tenantry.scope('own').query(insert))).toBe('TENANT_READ_ONLY')
    const copied = tenantry.run('own', () =>
      onClient(async (client) => {
        const stream = client.query(copyFrom('copy own (text) from stdin'))
        const end = told(stream)
        lines().pipe(stream)
        await end
      }),
    )
    expect(await codeOf(copied)).toBe('TENANT_READ_ONLY')
    expect((await tenantry.tenants.provision('own')).message).toBe('already provisioned')
  })

  it('signs no context for others to enter with', async () => {
    await tenantry.tenants.setMode('globex', { mode: 'read_only', operators: ['ops'] })
    expect(await codeOf(tenantry.token('globex', { userId: 'somebody' }))).toBe('TENANT_READ_ONLY')
    expect(await codeOf(tenantry.token('globex', { userId: 'ops' }))).toBe('done')
    await tenantry.tenants.setMode('globex', { mode: 'maintenance', operators: ['ops'] })
    expect(await codeOf(tenantry.token('globex'))).toBe('TENANT_MAINTENANCE')
    expect(await codeOf(tenantry.token('globex', { userId: 'ops' }))).toBe('done')
  })

  it('leaves a read-only transaction of a tenant that is open its own error', async () => {
    const own = tenantry.scope('globex').transaction((tx) => tx.query(INSERT), { readOnly: true })
    expect(await codeOf(own)).toBe('25006')
  })
})
