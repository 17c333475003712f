// The pool as a look-alike of pg's: forms, values, errors, and its end.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Tenantry } from '../../src/tenantry.ts'
import { until } from '../harness/wait.ts'
import { type NoteTenants, openNoteTenants } from '../support/note-tenants.ts'

let notes: NoteTenants
let tenantry: Tenantry
let ids: NoteTenants['ids']

beforeAll(async () => {
  notes = await openNoteTenants()
  ;({ tenantry, ids } = notes)
})

afterAll(() => notes.close())

const whoami = async () => {
  const { rows } = await tenantry.pool.query<{ id: string }>('select tenantry.current_tenant_id() as id')
  return rows[0]?.id
}
const rejection = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('the pool', () => {
  const inAcme = <T>(work: () => Promise<T>) => tenantry.run('acme', work)

  test('takes the callback forms of query and connect', async () => {
    const rows = await inAcme(
      () =>
        new Promise((resolve, reject) => {
          tenantry.pool.query('select $1::text as text', ['by callback'], (error: Error | undefined, result) =>
            error ? reject(error) : resolve(result.rows),
          )
        }),
    )
    expect(rows).toEqual([{ text: 'by callback' }])
    const viaClient = await inAcme(
      () =>
        new Promise((resolve, reject) => {
          tenantry.pool.connect((error, client, done) => {
            if (error || !client) return reject(error ?? new Error('no client'))
            client.query('select tenantry.current_tenant_id() as id', (failure: Error | null, result) => {
              done()
              if (failure) reject(failure)
              else resolve(result.rows)
            })
          })
        }),
    )
    expect(viaClient).toEqual([{ id: ids.acme }])
  })

  test('gives an error to the callback of query and connect outside of a scope', async () => {
    const viaQuery = await new Promise((resolve) => {
      tenantry.pool.query('select 1', (error: Error) => resolve(error))
    })
    expect(viaQuery).toMatchObject({ code: 'TENANT_CONTEXT_MISSING' })
    const viaConnect = await new Promise((resolve) => {
      tenantry.pool.connect((error) => resolve(error))
    })
    expect(viaConnect).toMatchObject({ code: 'TENANT_CONTEXT_MISSING' })
  })

  test('gives rows as arrays and values of custom types, as pg does', async () => {
    const types = { getTypeParser: () => (text: string) => `<${text}>` } as unknown as pg.CustomTypesConfig
    await inAcme(async () => {
      const asArray = await tenantry.pool.query({ text: 'select 1 as a, 2 as a', rowMode: 'array' })
      expect(asArray.rows).toEqual([[1, 2]])
      for (let round = 0; round < 2; round++) {
        const typed = await tenantry.pool.query({ name: 'typed', text: 'select 7 as n', types })
        expect(typed.rows).toEqual([{ n: '<7>' }])
        const plain = await tenantry.pool.query({ name: 'typed', text: 'select 7 as n' })
        expect(plain.rows).toEqual([{ n: 7 }])
      }
    })
  })

  test('answers an empty statement, and one that is a comment', async () => {
    for (const text of ['', ' ', '-- nothing', ';']) {
      expect((await inAcme(() => tenantry.pool.query(text))).rows).toEqual([])
    }
    expect(await inAcme(whoami)).toBe(ids.acme)
  })

  test('sends and reads values exactly as plain pg does', async () => {
    const client = new pg.Client(notes.database.adminUrl)
    await client.connect()
    const cases: readonly [string, unknown][] = [
      ['bytea', Buffer.from([0, 1, 255])],
      ['timestamptz', new Date('2024-02-29T12:34:56.789Z')],
      ['int[]', [1, null, 3]],
      ['text[]', ['a"b', 'c,d', '', 'null', '\\']],
      ['text', null],
      ['text', undefined],
      ['text', 'Ünïcødé 🦊 \n\t\\'],
      ['jsonb', { a: [1, { b: null }], ü: 'x' }],
      ['jsonb', JSON.stringify([1, 2])],
      ['float8', Number.POSITIVE_INFINITY],
      ['bool', true],
      ['numeric', '12345678901234567890.123'],
      ['int8', 9_007_199_254_740_993n],
      ['text', { toPostgres: () => 'custom' }],
    ]
    try {
      for (const [type, value] of cases) {
        const text = `select $1::${type} as value`
        const expected = await client.query<Record<string, unknown>>(text, [value])
        const pooled = await inAcme(() => tenantry.pool.query<Record<string, unknown>>(text, [value]))
        const scoped = await tenantry.scope('acme').query(text, [value])
        expect(pooled.rows, type).toEqual(expected.rows)
        expect(scoped.rows, type).toEqual(expected.rows)
        expect(pooled.fields.map(({ name, dataTypeID }) => [name, dataTypeID])).toEqual(
          expected.fields.map(({ name, dataTypeID }) => [name, dataTypeID]),
        )
      }
    } finally {
      await client.end()
    }
  })

  const throwing = () => {
    throw new Error('no text')
  }
  const circular: Record<string, unknown> = {}
  circular.self = circular
  const unsendable: readonly [string, string, unknown[]][] = [
    ['a circular value', 'select $1::jsonb', [circular]],
    ['a value whose conversion throws', 'select $1::text', [{ toPostgres: throwing }]],
    ['more values than the protocol has', 'select 1', Array.from({ length: 70_000 }, () => 1)],
    ['values that are no list', 'select $1::text', 'text' as unknown as unknown[]],
    ['a zero byte', 'select $1::text', ['a\0b']],
  ]

  test.each(unsendable)('rejects %s, and nobody else notices', async (_what, text, values) => {
    const before = Array.from({ length: 3 }, () => tenantry.run('globex', whoami))
    const failed = rejection(inAcme(() => tenantry.pool.query({ text, values })))
    const after = Array.from({ length: 3 }, () =>
      tenantry.run('initech', () => tenantry.pool.query('select text, tenantry.current_tenant_id() as id from note')),
    )
    expect(await failed).toBeInstanceOf(Error)
    expect(await Promise.all(before)).toEqual([ids.globex, ids.globex, ids.globex])
    for (const answer of await Promise.all(after)) {
      expect(answer).toMatchObject({ rows: [{ text: 'initech', id: ids.initech }], rowCount: 1, command: 'SELECT' })
    }
  })

  test.each(unsendable)('rejects %s in a transaction, which can still be rolled back', async (_what, text, values) => {
    const error = await rejection(tenantry.scope('acme').transaction((tx) => tx.query({ text, values })))
    expect(error).toBeInstanceOf(Error)
    await inAcme(async () => {
      const client = await tenantry.pool.connect()
      await client.query('begin')
      await client.query("insert into note (id, text) values (900, 'x')")
      await expect(client.query({ text, values })).rejects.toThrow()
      await client.query('rollback')
      expect((await client.query('select tenantry.current_tenant_id() as id')).rows).toEqual([{ id: ids.acme }])
      client.release()
    })
    expect((await tenantry.scope('acme').query('select from note where id = 900')).rows).toEqual([])
  })

  test('runs the statements of one client in order, waited for or not, and goes on after one that failed', async () => {
    const warnings: string[] = []
    const note = (warning: Error) => warnings.push(warning.message)
    process.on('warning', note)
    const outcomes = await inAcme(async () => {
      const client = await tenantry.pool.connect()
      const texts = ['begin', 'savepoint a', 'select 1/0', 'rollback to a', 'select 2 as two', 'commit']
      const settled = await Promise.allSettled(texts.map((text) => client.query(text)))
      client.release()
      return settled.map((each) => (each.status === 'fulfilled' ? each.value.command : 'failed'))
    })
    process.off('warning', note)
    expect(outcomes).toEqual(['BEGIN', 'SAVEPOINT', 'failed', 'ROLLBACK', 'SELECT', 'COMMIT'])
    expect(warnings).toEqual([])
  })

  test('takes as many values as the protocol has', async () => {
    const values = Array.from({ length: 65_535 }, (_, index) => index)
    const list = `select count(*)::int as n from (values ${values.map((index) => `($${index + 1}::int)`).join(',')}) v`
    expect((await inAcme(() => tenantry.pool.query(list, values))).rows).toEqual([{ n: 65_535 }])
  })
})

describe('close', () => {
  test('happens by itself at the end of an await using', async () => {
    let kept: Tenantry | undefined
    {
      await using instance = notes.open()
      kept = instance
      expect(await instance.run('acme', () => instance.pool.query('select 1 as one'))).toMatchObject({
        rows: [{ one: 1 }],
      })
    }
    await expect(kept.run('acme', () => 1)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('lets what runs finish, and refuses what comes after', async () => {
    const instance = notes.open()
    await instance.start()
    const slow = (text: string) => instance.run('acme', () => instance.pool.query(text))
    await slow('select 1')
    const shared = [slow('select pg_sleep(0.3), 1 as one'), slow('select 2 as one')]
    const own = instance.scope('acme').transaction(async (tx) => {
      await tx.query('select pg_sleep(0.3)')
      return (await tx.query('select 3 as one')).rows
    })
    // What has not been sent yet is not under way.
    const superuser = new pg.Client(notes.database.superUrl)
    await superuser.connect()
    const asleep = "select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
    await until(async () => (await superuser.query(asleep)).rows.length === 2)
    await superuser.end()
    const closing = instance.close()
    expect((await Promise.all(shared)).map(({ rows }) => (rows as { one: number }[])[0]?.one)).toEqual([1, 2])
    expect(await own).toEqual([{ one: 3 }])
    await closing
    const closed = { code: 'CLOSED' }
    await expect(slow('select 1')).rejects.toMatchObject(closed)
    await expect(instance.scope('acme').query('select 1')).rejects.toMatchObject(closed)
    await expect(instance.scope('acme').transaction(async () => 1)).rejects.toMatchObject(closed)
    await expect(instance.tenants.list()).rejects.toMatchObject(closed)
    await expect(instance.asCentral('late', async () => 1)).rejects.toMatchObject(closed)
    await expect(instance.start()).rejects.toMatchObject(closed)
  })

  test('refuses a statement of a scope that was entered before', async () => {
    const instance = notes.open()
    await instance.run('acme', async () => {
      await instance.pool.query('select 1')
      await instance.close()
      await expect(instance.pool.query('select 1')).rejects.toMatchObject({ code: 'CLOSED' })
      await expect(instance.pool.connect()).rejects.toMatchObject({ code: 'CLOSED' })
    })
  })

  test('works after a library has ended the pool, and twice', async () => {
    const instance = notes.open()
    await instance.run('acme', () => instance.pool.query('select 1'))
    await new Promise<void>((resolve) => instance.pool.end(resolve))
    await instance.pool.end()
    await instance.close()
    await instance.close()
    const unused = notes.open()
    await unused.close()
  })
})
