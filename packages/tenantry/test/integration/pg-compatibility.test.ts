// The scoped pool as a true pg.Pool: cursors, streams, COPY, cancellation, savepoints, broken clients.
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { text as readText } from 'node:stream/consumers'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PoolClient } from '../../src/engine/sql/pg.ts'
import { until } from '../harness/wait.ts'
import { connect, type NoteEngine, onlyOf, rejection, startNoteEngine } from '../support/note-engine.ts'

const kinds = ['acme', 'hooli'] as const
let engine: NoteEngine

beforeAll(async () => {
  engine = await startNoteEngine()
})

afterAll(() => engine.close())

/** The protocol's CancelRequest, as pg's own client.cancel() sends it. */
async function cancel(client: PoolClient): Promise<void> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number | Buffer }
  const key = typeof secretKey === 'number' ? Buffer.from(new Int32Array([secretKey]).buffer).reverse() : secretKey
  const head = Buffer.alloc(12)
  head.writeInt32BE(12 + key.length, 0)
  head.writeInt32BE(80877102, 4)
  head.writeInt32BE(processID, 8)
  const url = new URL(engine.loginUrl)
  const folder = url.searchParams.get('host')
  const port = Number(url.port === '' ? 5432 : url.port)
  const socket = folder ? connectSocket(`${folder}/.s.PGSQL.${port}`) : connectSocket(port, url.hostname)
  socket.end(Buffer.concat([head, key]))
  await once(socket, 'close')
}

test('the pool, and a client of it, are what instanceof asks for', async () => {
  expect(engine.pool).toBeInstanceOf(pg.Pool)
  await engine.inTenant('acme', async (client) => expect(client).toBeInstanceOf(pg.Client))
})

describe.each(kinds)('in %s', (slug) => {
  test('a cursor reads in pieces, to its end or closed half way', async () => {
    await engine.inTenant(slug, async (client) => {
      for (let round = 0; round < 2; round++) {
        const cursor = client.query(
          new Cursor<{ body: string }>('select body from note where id > $1 order by id', [0]),
        )
        const [first, second] = [await cursor.read(10), await cursor.read(100)]
        expect([first.length, second.length, (await cursor.read(10)).length]).toEqual([10, 15, 0])
        expect(onlyOf(slug, [...first, ...second])).toBe(true)
        const closed = client.query(new Cursor<{ body: string }>('select body from note'))
        expect(onlyOf(slug, await closed.read(3))).toBe(true)
        await closed.close()
      }
      // The client is as it was.
      expect((await client.query('select current_setting($$tenantry.context$$) <> $$$$ as inside')).rows).toEqual([
        { inside: true },
      ])
    })
  })

  test('a query stream gives rows as they come, inside and outside of a transaction', async () => {
    await engine.inTenant(slug, async (client) => {
      for (const block of [false, true]) {
        if (block) await client.query('begin')
        const rows: unknown[] = []
        for await (const row of client.query(new QueryStream('select body from note', [], { batchSize: 7 })))
          rows.push(row)
        expect(rows).toHaveLength(25)
        expect(onlyOf(slug, rows)).toBe(true)
        if (block) await client.query('commit')
      }
    })
  })

  test('a statement sent behind a cursor waits until the cursor is done', async () => {
    await engine.inTenant(slug, async (client) => {
      const cursor = client.query(new Cursor<{ body: string }>('select body from note'))
      const behind = client.query('select count(*)::int as n from note')
      expect(await cursor.read(100)).toHaveLength(25)
      expect((await behind).rows).toEqual([{ n: 25 }])
    })
  })

  test('a cursor over something that is not there fails and leaves the client usable', async () => {
    await engine.inTenant(slug, async (client) => {
      const cursor = client.query(new Cursor('select * from nothing_here'))
      expect(await rejection(cursor.read(1))).toMatchObject({ code: '42P01' })
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
      // A failure after the first rows.
      const late = client.query(new Cursor('select 1 / (3 - n) from generate_series(1, 5) n'))
      expect(await late.read(2)).toHaveLength(2)
      expect(await rejection(late.read(2))).toMatchObject({ code: '22012' })
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
  })

  test('pg-copy-streams copies out only the rows of the tenant', async () => {
    await engine.inTenant(slug, async (client) => {
      for (let round = 0; round < 2; round++) {
        const stream = client.query(copyTo('copy note (body) to stdout'))
        const lines = (await readText(stream)).trim().split('\n')
        expect(lines).toHaveLength(25)
        expect(lines.every((line) => line.startsWith(`${slug} `))).toBe(true)
      }
      const failing = client.query(copyTo('copy nothing_here to stdout'))
      expect(await rejection(readText(failing))).toMatchObject({ code: '42P01' })
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
  })

  test('a query object runs one statement, whatever its text tries to add', async () => {
    await engine.inTenant(slug, async (client) => {
      for (const object of [
        () => client.query(copyTo("copy note to stdout; select set_config('role', 'none', false)")),
        () => client.query(copyTo('copy note to stdout; commit; select 1')),
      ]) {
        expect(await rejection(readText(object()))).toMatchObject({ code: '42601' })
      }
      const refused = client.query(copyTo('begin'))
      expect(await rejection(readText(refused))).toMatchObject({ code: 'STATEMENT_REFUSED' })
      expect((await client.query('select current_user::text as role')).rows).toEqual([
        { role: engine.instance.roles.app },
      ])
    })
  })

  test('copyFrom loads rows, fills the tenant in, and takes back everything when one is wrong', async () => {
    const scope = engine.scopes.handle(slug, {})
    const loaded = await scope.copyFrom('note', Readable.from(['70001\tloaded one\n', '70002\tloaded two\n']))
    expect(loaded).toEqual({ rowCount: 2 })
    expect(await engine.count(slug, "body like 'loaded%'")).toBe(2)
    const failed = await rejection(scope.copyFrom('note', ['70003\tloaded three\n', '70001\tagain\n']))
    expect(failed).toMatchObject({ code: '23505' })
    const csv = await scope.copyFrom('note', ['body,id\n"loaded, four",70004\n'], {
      ...{ columns: ['body', 'id'], format: 'csv', header: true },
    })
    expect(csv).toEqual({ rowCount: 1 })
    expect(await engine.count(slug, "body like 'loaded%'")).toBe(3)
    await scope.query("delete from note where body like 'loaded%'")
  })

  test('copyFrom gives values to an identity column, and loads nothing from an empty source', async () => {
    const scope = engine.scopes.handle(slug, {})
    expect(await scope.copyFrom('numbered', ['5000\tfive\n'], { columns: ['id', 'body'] })).toEqual({ rowCount: 1 })
    expect((await scope.query('select id::int, body from numbered')).rows).toEqual([{ id: 5000, body: 'five' }])
    expect(await scope.copyFrom('note', [])).toEqual({ rowCount: 0 })
  })

  test('copyFrom says what is wrong with its input, and a source that fails loads nothing', async () => {
    const scope = engine.scopes.handle(slug, {})
    expect(await rejection(scope.copyFrom('nothing_here', ['1\n']))).toMatchObject({ code: 'TABLE_NOT_FOUND' })
    expect(await rejection(scope.copyFrom('note', ['1\n'], { columns: ['nope'] }))).toMatchObject({ code: '42703' })
    expect(await rejection(scope.copyFrom('note', ['not a number\tx\n']))).toMatchObject({ code: '22P02' })
    expect(await rejection(scope.copyFrom('note', ['1\n'], { format: 'xml' as 'csv' }))).toMatchObject({
      code: 'INVALID_INPUT',
    })
    const broken = (function* () {
      yield '70009\tloaded nine\n'
      throw new Error('the source broke')
    })()
    expect(await rejection(scope.copyFrom('note', broken))).toMatchObject({ message: 'the source broke' })
    expect(await engine.count(slug, 'id = 70009')).toBe(0)
    expect(engine.pool.waitingCount).toBe(0)
  })

  test('savepoints bring a failed transaction back, and isolation levels hold', async () => {
    await engine.inTenant(slug, async (client) => {
      await client.query('begin isolation level repeatable read')
      await client.query('savepoint here')
      expect(await rejection(client.query('select 1 / 0'))).toMatchObject({ code: '22012' })
      expect(await rejection(client.query('select 1'))).toMatchObject({ code: '25P02' })
      await client.query('rollback to savepoint here')
      const { rows } = await client.query('select body, current_setting($$transaction_isolation$$) as level from note')
      expect(onlyOf(slug, rows)).toBe(true)
      expect(rows[0]).toMatchObject({ level: 'repeatable read' })
      await client.query('rollback')
    })
  })

  test('a cancelled statement fails alone, and its client goes on', async () => {
    await engine.inTenant(slug, async (client) => {
      await client.query('begin')
      const slow = client.query('select pg_sleep(60)').then(String, (error: unknown) => error)
      await until(async () => {
        const { rows } = await engine.superuser.query<{ asleep: boolean }>(
          "select exists (select from pg_stat_activity where query like '%pg_sleep(60)%' and wait_event = 'PgSleep') as asleep",
        )
        return rows[0]?.asleep === true
      })
      await cancel(client)
      expect(await slow).toMatchObject({ code: '57014' })
      await client.query('rollback')
      expect(onlyOf(slug, (await client.query('select body from note')).rows)).toBe(true)
    })
  })

  test('query_timeout is the server’s statement_timeout, on a client too, and ends with its statement', async () => {
    await engine.inTenant(slug, async (client) => {
      await client.query('begin')
      await client.query('savepoint here')
      const timed = { text: 'select pg_sleep(60)', query_timeout: 30 }
      expect(await rejection(client.query(timed))).toMatchObject({ code: '57014' })
      await client.query('rollback to here')
      const { rows } = await client.query('select current_setting($$statement_timeout$$) as timeout')
      expect(rows).toEqual([{ timeout: '0' }])
      await client.query('rollback')
    })
  })

  test('a connection killed in the middle of a transaction is reported, replaced, and forgotten', async () => {
    const errors: unknown[] = []
    const lost = await rejection(
      engine.inTenant(slug, async (client) => {
        client.on('error', (error) => errors.push(error))
        await client.query('begin')
        await client.query("insert into note values (80001, 'lost')")
        const { rows } = await client.query('select pg_backend_pid() as pid')
        await engine.superuser.query('select pg_terminate_backend($1)', [(rows[0] as { pid: number }).pid])
        await until(() => errors.length > 0)
        await client.query('select 1')
      }),
    )
    expect(lost).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    expect(await engine.count(slug, 'id = 80001')).toBe(0)
  })

  test('a client released as broken, or in the middle of a stream, is never used again', async () => {
    const pids = new Set<unknown>()
    const pidOf = async (client: PoolClient) => {
      await client.query('begin')
      const { rows } = await client.query('select pg_backend_pid() as pid')
      return (rows[0] as { pid: number }).pid
    }
    await engine.scopes.run(slug, {}, async () => {
      const broken = await connect(engine)
      pids.add(await pidOf(broken))
      await broken.query('commit')
      broken.release(new Error('do not use it'))
      const streaming = await connect(engine)
      pids.add(await pidOf(streaming))
      await streaming.query('commit')
      const cursor = streaming.query(new Cursor('select * from note'))
      await cursor.read(1)
      streaming.release()
    })
    for (let round = 0; round < 4; round++) {
      await engine.inTenant(slug, async (client) => {
        expect(pids.has(await pidOf(client))).toBe(false)
        await client.query('commit')
      })
    }
  })
})

describe('COPY FROM through a raw stream', () => {
  test('loads into a schema tenant, through its guard', async () => {
    await engine.inTenant('hooli', async (client) => {
      const stream = client.query(copyFrom('COPY note ("body", id) FROM STDIN WITH (format csv)'))
      await pipeline(Readable.from(['"raw, one",90001\n', 'raw two,90002\n']), stream)
      expect(stream.rowCount).toBe(2)
      const { rows } = await client.query("select id from note where body like 'raw%' order by id")
      expect(rows).toEqual([{ id: 90001 }, { id: 90002 }])
    })
    expect(await engine.count('umbrella', "body like 'raw%'")).toBe(0)
    await engine.scopes.handle('hooli', {}).query("delete from note where body like 'raw%'")
  })

  test('is part of the transaction it is sent in', async () => {
    await engine.inTenant('hooli', async (client) => {
      await client.query('begin')
      for (const id of [90003, 90004]) {
        await pipeline(Readable.from([`${id}\traw\n`]), client.query(copyFrom('copy note from stdin')))
      }
      expect((await client.query("select count(*)::int as n from note where body = 'raw'")).rows).toEqual([{ n: 2 }])
      await client.query('rollback')
    })
    expect(await engine.count('hooli', "body = 'raw'")).toBe(0)
  })

  test('tells its stream when a row is wrong, and when the table is not there', async () => {
    await engine.inTenant('hooli', async (client) => {
      const feed = (text: string, line: string) => pipeline(Readable.from([line]), client.query(copyFrom(text)))
      expect(await rejection(feed('copy note from stdin', '2001\tagain\n'))).toMatchObject({ code: '23505' })
      expect(await rejection(feed('copy note from stdin', 'x\n'))).toMatchObject({ code: '22P02' })
      expect(await rejection(feed('copy nope from stdin', 'x\n'))).toMatchObject({ code: '42P01' })
      expect(await rejection(feed('copy /* x */ note from stdin', 'x\n'))).toMatchObject({ code: 'STATEMENT_REFUSED' })
      expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })
  })

  test('is refused in a row tenant, where scope.copyFrom checks each row', async () => {
    const error = await rejection(
      engine.inTenant('acme', (client) =>
        pipeline(Readable.from(['1\tx\n']), client.query(copyFrom('copy note (id, body) from stdin'))),
      ),
    )
    expect(error).toMatchObject({ code: 'COPY_FROM_ROW_SCOPE' })
  })

  test('cannot reach another tenant: not by its schema’s name, not by its id in a row', async () => {
    const id = engine.tenants.get([...engine.tenants.values()].find((each) => each.slug === 'globex')?.id ?? '')?.id
    await engine.inTenant('hooli', async (client) => {
      const stream = client.query(copyFrom('copy tenant_umbrella.note (id, body) from stdin'))
      expect(await rejection(pipeline(Readable.from(['1\tstolen\n']), stream))).toMatchObject({ code: '42501' })
    })
    const acme = engine.scopes.handle('acme', {})
    const forged = acme.copyFrom('note', [`95000\tstolen\t${id ?? ''}\n`], { columns: ['id', 'body', 'tenant_id'] })
    expect(await rejection(forged)).toMatchObject({ code: '42501' })
    expect(await engine.count('globex', "body = 'stolen'")).toBe(0)
    expect(await engine.count('umbrella', "body = 'stolen'")).toBe(0)
  })

  test('leaves no temporary table to anybody', async () => {
    await engine.scopes.handle('acme', {}).copyFrom('note', ['96000\tx\n'])
    for (let round = 0; round < 6; round++) {
      await engine.inTenant('globex', async (client) => {
        await client.query('begin')
        const { rows } = await client.query("select to_regclass('pg_temp.tenantry_stage') is null as gone")
        expect(rows).toEqual([{ gone: true }])
        await client.query('commit')
      })
    }
    await engine.scopes.handle('acme', {}).query('delete from note where id = 96000')
  })
})
