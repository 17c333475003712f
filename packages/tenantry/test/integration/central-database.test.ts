// The central database on a real server: transactions, lost connections, notifications that come back.
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase, Sql } from '../../src/engine/sql/database.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { until } from '../harness/wait.ts'

let database: TestDatabase
let superuser: CentralDatabase
let central: CentralDatabase

beforeAll(async () => {
  database = await createTestDatabase()
  superuser = openCentralDatabase({ url: database.superUrl, max: 1 })
})

beforeEach(async () => {
  central = openCentralDatabase({ url: database.adminUrl, max: 2, applicationName: 'central test' })
  await central.query('create table if not exists public.note (id int primary key deferrable initially deferred)')
  await central.query('delete from public.note')
})

afterEach(() => central.close())

afterAll(async () => {
  await superuser.close()
  await database.drop()
})

const terminate = () =>
  superuser.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'central test'`,
  )
const count = async (sql: Sql) =>
  (await sql.query<{ n: number }>('select count(*)::int as n from public.note')).rows[0]?.n

describe('query', () => {
  test('without values may hold several statements, and gives the rows of the last', async () => {
    const { rows } = await central.query('insert into public.note values (1); select id from public.note')
    expect(rows).toEqual([{ id: 1 }])
    await expect(central.query('select 1; select 2', [])).rejects.toMatchObject({ code: 'MULTIPLE_STATEMENTS' })
  })

  test('leaves other database errors as pg throws them, and the connection in use', async () => {
    const pid = async () => (await central.query('select pg_backend_pid() as pid')).rows
    const before = await pid()
    await expect(central.query('select 1 / 0')).rejects.toMatchObject({ name: 'error', code: '22012' })
    expect(await pid()).toEqual(before)
  })

  test('does not leave a transaction open that its text began', async () => {
    await central.query('begin; insert into public.note values (1)')
    expect(await count(central)).toBe(0)
  })

  test('is DATABASE_AUTH_FAILED for a wrong password and DATABASE_UNAVAILABLE for no server or no database', async () => {
    const wrong = new URL(database.adminUrl)
    wrong.password = 'wrong'
    const missing = new URL(database.adminUrl)
    missing.pathname = '/there_is_no_such_database'
    const codes = ['DATABASE_AUTH_FAILED', 'DATABASE_UNAVAILABLE', 'DATABASE_UNAVAILABLE', 'CONFIGURATION_INVALID']
    const urls = [wrong.href, missing.href, 'postgres://a:b@127.0.0.1:1/c', 'postgres://a:secret@:port/x']
    for (const [index, url] of urls.entries()) {
      const other = openCentralDatabase({ url })
      await expect(other.query('select 1'), url).rejects.toMatchObject({ code: codes[index] })
      await other.close()
    }
  })

  test('after close is CLOSED', async () => {
    const other = openCentralDatabase({ url: database.adminUrl })
    await Promise.all([other.close(), other.close()])
    await expect(other.query('select 1')).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('transaction', () => {
  test('commits what the callback did and returns its value', async () => {
    const value = await central.transaction(async (tx) => {
      await tx.query('insert into public.note values ($1)', [1])
      return 'done'
    })
    expect([value, await count(central)]).toEqual(['done', 1])
  })

  test('rolls back and passes the callback error on unchanged', async () => {
    const error = new Error('of the callback')
    const run = central.transaction(async (tx) => {
      await tx.query('insert into public.note values (1)')
      throw error
    })
    await expect(run).rejects.toBe(error)
    expect(await count(central)).toBe(0)
  })

  test('that swallowed a failed statement does not look committed', async () => {
    const run = central.transaction(async (tx) => {
      await tx.query('insert into public.note values (1)')
      await tx.query('select 1 / 0').catch(() => {})
    })
    await expect(run).rejects.toMatchObject({ code: 'DATABASE_ERROR' })
    expect(await count(central)).toBe(0)
  })

  test('reports what COMMIT refuses', async () => {
    const run = central.transaction(async (tx) => {
      await tx.query('insert into public.note values (1), (1)')
    })
    await expect(run).rejects.toMatchObject({ code: '23505' })
  })

  test('waits for statements that were not awaited, and refuses later ones', async () => {
    let kept: Sql | undefined
    await central.transaction(async (tx) => {
      kept = tx
      void tx.query('insert into public.note values (1)')
      void tx.query('insert into public.note values (2)')
    })
    expect(await count(central)).toBe(2)
    await expect(kept?.query('insert into public.note values (3)')).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
    expect(await count(central)).toBe(2)
  })

  test('whose connection dies between two statements fails as DATABASE_UNAVAILABLE, and the next one works', async () => {
    const run = central.transaction(async (tx) => {
      await tx.query('insert into public.note values (1)')
      await terminate()
      await until(async () =>
        tx.query('select 1').then(
          () => false,
          () => true,
        ),
      )
      await tx.query('select 1')
    })
    await expect(run).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true })
    expect(await count(central)).toBe(0)
  })
})

test('idle connections that the server ends are replaced without a failed statement', async () => {
  await Promise.all([central.query('select 1'), central.query('select 1')])
  await terminate()
  await until(async () => central.query('select 1').then(() => true))
  expect(await count(central)).toBe(0)
})

describe('listen', () => {
  test('hears payloads on a channel of any name, and nothing after close', async () => {
    const heard: string[] = []
    const subscription = await central.listen(
      'Odd "channel"',
      (payload) => heard.push(payload),
      () => {},
    )
    await central.query("select pg_notify('Odd \"channel\"', 'one')")
    await until(() => heard.length === 1)
    await subscription.close()
    await central.query("select pg_notify('Odd \"channel\"', 'two')")
    expect(heard).toEqual(['one'])
  })

  test('comes back after its connection was ended, says so, and hears again', async () => {
    const heard: string[] = []
    let reconnections = 0
    await central.listen(
      'back',
      (payload) => heard.push(payload),
      () => reconnections++,
    )
    for (const round of [1, 2]) {
      await terminate()
      await until(() => reconnections === round)
      await until(() => central.query('select pg_notify($1, $2)', ['back', `round ${round}`]))
      await until(() => heard.includes(`round ${round}`))
    }
  })

  test('is refused as DATABASE_UNAVAILABLE where no server is, and close() ends one that cannot come back', async () => {
    const nowhere = openCentralDatabase({ url: 'postgres://a:b@127.0.0.1:1/c' })
    const listening = nowhere.listen(
      'c',
      () => {},
      () => {},
    )
    await expect(listening).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    await nowhere.close()
    const warnings: string[] = []
    const logger = { info() {}, warn: (message: string) => void warnings.push(message), error() {} }
    const locked = openCentralDatabase({ url: database.adminUrl, applicationName: 'central test', logger })
    await locked.listen(
      'c',
      () => {},
      () => {},
    )
    const [admin] = (await central.query<{ role: string }>('select quote_ident(current_user) as role')).rows
    await superuser.query(`alter role ${admin?.role ?? ''} nologin`)
    try {
      await terminate()
      await until(() => warnings.includes('notification connection not back yet'))
      await locked.close()
    } finally {
      await superuser.query(`alter role ${admin?.role ?? ''} login`)
    }
  })
})
