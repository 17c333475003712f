// A client of pool.connect(): which statements travel over shared connections, and when it takes one of its own.
import { once } from 'node:events'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../harness/wait.ts'
import { bodies, connect, type NoteEngine, onlyOf, rejection, startNoteEngine } from '../support/note-engine.ts'

let engine: NoteEngine

beforeAll(async () => {
  engine = await startNoteEngine()
})

afterAll(() => engine.close())

describe('a leased client', () => {
  test('keeps the order of statements that are not awaited', async () => {
    await engine.inTenant('acme', async (client) => {
      const answers = await Promise.all([
        client.query("insert into note values (97000, 'acme first')"),
        client.query("update note set body = 'acme second' where id = 97000"),
        client.query('select body from note where id = 97000'),
        client.query('begin'),
        client.query('select txid_current()::text as tx'),
        client.query('delete from note where id = 97000 returning txid_current()::text as tx'),
        client.query('commit'),
        client.query('select body from note where id = 97000'),
      ])
      expect(answers.map(({ command }) => command)).toEqual([
        'INSERT',
        'UPDATE',
        'SELECT',
        'BEGIN',
        'SELECT',
        'DELETE',
        'COMMIT',
        'SELECT',
      ])
      expect(bodies(answers[2].rows)).toEqual(['acme second'])
      expect(answers[5].rows).toEqual(answers[4].rows)
      expect(answers[7].rows).toEqual([])
    })
  })

  test('takes a connection of its own only when a statement needs one, and gives it back', async () => {
    await engine.scopes.run('acme', {}, async () => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => connect(engine)))
      const reads = await Promise.all(clients.map((client) => client.query('select body from note limit 1')))
      expect(reads.every(({ rows }) => onlyOf('acme', rows))).toBe(true)
      const [first] = clients
      await first?.query('begin')
      expect(engine.pool.totalCount - engine.pool.idleCount).toBe(1)
      await first?.query('commit')
      for (const client of clients) client.release()
      expect(engine.pool.totalCount - engine.pool.idleCount).toBe(0)
    })
  })

  test('waits for its turn where all connections are taken by transactions', async () => {
    await engine.scopes.run('acme', {}, async () => {
      const clients = await Promise.all(Array.from({ length: 4 }, () => connect(engine)))
      const [waiting, ...holding] = clients
      for (const client of holding) await client.query('begin')
      const begun = waiting?.query('begin')
      await until(() => engine.pool.waitingCount === 1)
      for (const client of holding) await client.query('commit')
      for (const client of holding) client.release()
      await begun
      await waiting?.query('commit')
      waiting?.release()
    })
  })

  test('parses with its own type parsers, which end with it', async () => {
    await engine.inTenant('acme', async (client) => {
      client.setTypeParser(pg.types.builtins.INT4, (value) => `<${value}>`)
      expect((await client.query('select 7 as n')).rows).toEqual([{ n: '<7>' }])
      await client.query('begin')
      expect((await client.query('select 7 as n')).rows).toEqual([{ n: '<7>' }])
      await client.query('commit')
    })
    await engine.inTenant('acme', async (client) => {
      expect((await client.query('select 7 as n')).rows).toEqual([{ n: 7 }])
    })
  })

  test('hears the events of its connection', async () => {
    await engine.inTenant('acme', async (client) => {
      const heard = once(client, 'notice')
      await client.query('begin')
      await client.query("do $$ begin raise warning 'careful'; end $$")
      expect((await heard)[0]).toMatchObject({ message: 'careful' })
      await client.query('commit')
    })
  })

  test('is dead after its release, whether it had a connection or not', async () => {
    for (const first of ['select 1', 'begin']) {
      const kept = await engine.inTenant('acme', async (client) => {
        await client.query(first)
        if (first === 'begin') await client.query('commit')
        return client
      })
      expect(await rejection(kept.query('select 1'))).toMatchObject({ code: 'CLIENT_RELEASED' })
      expect(() => kept.release()).toThrow(expect.objectContaining({ code: 'CLIENT_RELEASED' }))
      const cursor = kept.query(new Cursor('select 1'))
      expect(await rejection(cursor.read(1))).toMatchObject({ code: 'CLIENT_RELEASED' })
    }
  })
})
