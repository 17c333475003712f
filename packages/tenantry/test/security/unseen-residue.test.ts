// L19: what a statement leaves on the session without its text showing it: DO, CALL, and functions of the schema's owner.
// A cursor WITH HOLD is the worst of it, because it keeps rows.
import Cursor from 'pg-cursor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PoolClient } from '../../src/engine/sql/pg.ts'
import { startEngine, type TestEngine } from '../harness/engine.ts'

let engine: TestEngine

beforeAll(async () => {
  engine = await startEngine({ max: 1, sharedConnections: 1 })
  await engine.central.query('create table item (name text)')
  await engine.protect('item')
  for (const slug of ['acme', 'globex']) {
    await engine.addTenant(slug)
    await send(slug, `insert into item (name) values ('${slug}')`)
  }
  await engine.central.query(
    `create function hold() returns void language plpgsql as
       $$ begin execute 'declare held cursor with hold for select name from item'; end $$;
     create procedure hold_all() language plpgsql as $$ begin perform hold(); end $$`,
  )
})
afterAll(() => engine.close())

type Answer = { rows: Record<string, unknown>[] }
const send = (slug: string, text: string) =>
  engine.scopes.run(slug, {}, () => engine.pool.query(text) as Promise<Answer>)

async function onClient<T>(slug: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return engine.scopes.run(slug, {}, async () => {
    const client = await (engine.pool.connect() as Promise<PoolClient>)
    try {
      // So that it takes the one connection there is.
      await client.query('begin')
      await client.query('commit')
      return await work(client)
    } finally {
      client.release()
    }
  })
}

const hidden = [
  "execute 'declare held cursor with hold for select name from item'",
  "execute 'listen out_of_sight'",
  "execute 'prepare out_of_sight as select 1'",
  "execute 'set work_mem = 12345'",
].join('; ')
const LEFT = `select (select count(*)::int from pg_cursors where is_holdable) as held,
  (select count(*)::int from pg_listening_channels()) as channels,
  (select count(*)::int from pg_prepared_statements where name = 'out_of_sight') as prepared,
  current_setting('work_mem') as memory, pg_backend_pid() as pid, pg_advisory_xact_lock(1) as own_client`

describe('L19: a client that ran DO or CALL', () => {
  it.each([`do $$ begin ${hidden}; end $$`, 'call hold_all()'])('comes back without what it left: %s', async (text) => {
    const look = (slug: string) => onClient(slug, async (client) => (await client.query<{ pid: number }>(LEFT)).rows[0])
    const before = await look('globex')
    await onClient('acme', async (client) => {
      await client.query(text)
      // Until then it is the tenant's own.
      expect((await client.query('select name from pg_cursors where is_holdable')).rows).toEqual([{ name: 'held' }])
    })
    expect(await look('globex')).toEqual(before)
  })

  it('as a query object comes back clean as well', async () => {
    await onClient('acme', (client) => client.query(new Cursor(`do $$ begin ${hidden}; end $$`)).read(1))
    const left = await onClient('globex', async (client) => (await client.query<object>(LEFT)).rows)
    expect(left).toMatchObject([{ held: 0, channels: 0, prepared: 0 }])
  })

  it('goes on with what it had prepared', async () => {
    for (const slug of ['acme', 'globex']) {
      await onClient(slug, async (client) => {
        await client.query('do $$ begin end $$')
        expect((await client.query({ name: 'names', text: 'select name from item' })).rows).toEqual([{ name: slug }])
      })
    }
  })
})

describe('L19: a cursor that a function has opened WITH HOLD', () => {
  const readings: Readonly<Record<string, (client: PoolClient) => Promise<unknown>>> = {
    FETCH: (client) => client.query('fetch all from held'),
    'FETCH in a transaction': async (client) => {
      await client.query('begin')
      await client.query('fetch all from held')
    },
    MOVE: (client) => client.query('move 1 in held'),
    cursor_to_xml: (client) => client.query("select cursor_to_xml('held', 10, true, false, '')"),
    'pg-cursor': (client) => client.query(new Cursor('fetch all from held')).read(10),
  }

  it.each(Object.entries(readings))('is not read by the next tenant: %s', async (_name, read) => {
    await onClient('acme', (client) => client.query('select hold(), pg_advisory_xact_lock(1)'))
    await expect(onClient('globex', read)).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
    // The connection was given up.
    await expect(onClient('globex', read)).rejects.toMatchObject({ code: '34000' })
  })

  it('is out of reach on a shared connection', async () => {
    await send('acme', 'select hold()')
    for (const text of ['fetch all from held', 'move 1 in held', 'close held']) {
      await expect(send('globex', text)).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
    }
    const asXml = "select cursor_to_xml('held', 10, true, false, '')"
    await expect(send('globex', asXml)).rejects.toMatchObject({ code: '34000' })
  })
})

it('a tenant’s own cursors work, in order, awaited or not', async () => {
  const rows = await onClient('acme', async (client) => {
    await client.query('begin')
    const [, fetched] = await Promise.all([
      client.query('declare own cursor for select name from item'),
      client.query<{ name: string }>('fetch all from own'),
      client.query('close own'),
      client.query('commit'),
    ])
    return fetched.rows
  })
  expect(rows).toEqual([{ name: 'acme' }])
})
