// The database away, back, refusing, slow: every operation ends with an answer or a clear error, and service resumes.
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TenantQueryConfig } from '../../src/engine/sql/query-arguments.ts'
import { TenantryError } from '../../src/kernel/errors.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { until } from '../harness/wait.ts'
import { createInstanceDatabase, type InstanceDatabase } from '../support/instance-database.ts'
import { type InterruptibleProxy, startProxy } from '../support/interruptible-proxy.ts'

const SHARED_CONNECTIONS = 4
const MAX_CLIENTS = 3
const MIGRATIONS = '/nonexistent'

let database: InstanceDatabase
let proxy: InterruptibleProxy
let tenantry: Tenantry

const open = (adminUrl: string, databaseUrl?: string) =>
  createTenantry({
    ...{ adminUrl, migrations: MIGRATIONS, maxClients: MAX_CLIENTS, sharedConnections: SHARED_CONNECTIONS },
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
  })

beforeAll(async () => {
  database = await createInstanceDatabase()
  proxy = await startProxy(database.adminUrl)
  tenantry = open(proxy.url)
  await tenantry.asCentral('a table', (central) =>
    central.query('create table note (id serial primary key, text text)'),
  )
  await tenantry.protect('note')
  await tenantry.tenants.create({ name: 'Acme', slug: 'acme' })
  await tenantry.tenants.create({ name: 'Globex', slug: 'globex' })
})

afterAll(async () => {
  await tenantry.close()
  await proxy.close()
  await database.drop()
})

const query = (text: string | TenantQueryConfig, slug = 'acme') =>
  tenantry.run(slug, () =>
    typeof text === 'string' ? tenantry.pool.query(text) : tenantry.pool.query<Record<string, unknown>>(text),
  )

/** Fails where the work has not ended in time. */
async function withinDeadline<T>(work: Promise<T>, limitMs = 15_000): Promise<T> {
  const timer = new AbortController()
  const overdue = delay(limitMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`Nothing within ${limitMs} ms.`)
  })
  try {
    return await Promise.race([work, overdue])
  } finally {
    timer.abort()
    await overdue.catch(() => undefined)
  }
}

const loginConnections = async () => {
  const { rows } = await database.superuser.query<{ pid: number; waiting: boolean }>(
    "select pid from pg_stat_activity where datname = current_database() and usename like 'tn\\_%\\_login'",
  )
  return rows.map(({ pid }) => pid)
}

const endLoginConnections = () =>
  database.superuser.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename like 'tn\\_%\\_login'",
  )

describe('at start', () => {
  test('a database that is down is DATABASE_UNAVAILABLE, and the same instance starts once it is up', async () => {
    const away = await startProxy(database.adminUrl)
    await away.cut()
    const late = open(away.url)
    try {
      await expect(withinDeadline(late.start())).rejects.toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
        retryable: true,
      })
      await expect(late.run('acme', () => late.pool.query('select 1'))).rejects.toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
      })
      expect(await late.health()).toMatchObject({ status: 'down' })
      await away.mend()
      await late.start()
      expect((await late.run('acme', () => late.pool.query('select 1 as one'))).rows).toEqual([{ one: 1 }])
      expect(await late.health()).toMatchObject({ status: 'up' })
    } finally {
      await late.close()
      await away.close()
    }
  })

  const refused = async (instance: Tenantry, code: string) => {
    await expect(withinDeadline(instance.start())).rejects.toMatchObject({ name: 'TenantryError', code })
    await instance.close()
  }

  test('a wrong password of the admin is DATABASE_AUTH_FAILED, and is not in the error', async () => {
    const url = new URL(database.adminUrl)
    url.password = 'wrong-password'
    const error: unknown = await open(url.href)
      .start()
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'DATABASE_AUTH_FAILED' })
    expect(String((error as Error).stack)).not.toContain('wrong-password')
  })

  test('a wrong password of the scoped login is DATABASE_AUTH_FAILED', async () => {
    const { rows } = await database.superuser.query<{ id: string }>('select id from tenantry.instance')
    await refused(
      open(database.adminUrl, database.urlFor(`tn_${rows[0]?.id ?? ''}_login`, 'no')),
      'DATABASE_AUTH_FAILED',
    )
  })

  test('a superuser and the admin as the scoped login are LOGIN_TOO_POWERFUL', async () => {
    const superuser = await database.createRole('superuser')
    await refused(open(database.adminUrl, superuser.url), 'LOGIN_TOO_POWERFUL')
    await refused(open(database.adminUrl, database.adminUrl), 'LOGIN_TOO_POWERFUL')
  })

  test('an admin without CREATEROLE is ADMIN_TOO_WEAK, says what to run, and leaves nothing behind', async () => {
    const fresh = await createInstanceDatabase()
    try {
      const weak = await fresh.createRole('nocreaterole')
      const error: unknown = await open(weak.url)
        .start()
        .catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'ADMIN_TOO_WEAK', fix: expect.stringContaining('CREATEROLE') as string })
      const { rows } = await fresh.superuser.query("select from pg_namespace where nspname = 'tenantry'")
      expect(rows).toHaveLength(0)
    } finally {
      await fresh.drop()
    }
  })
})

describe('under load', () => {
  test('while the database goes away and comes back every operation ends, rightly or as an outage', async () => {
    const ends = { right: 0, outage: 0 }
    const wrong: unknown[] = []
    let stop = false
    const client = async (slug: string) => {
      while (!stop) {
        try {
          const { rows } = await withinDeadline(
            Math.random() < 0.7
              ? query('select tenantry.current_tenant_id() as id', slug)
              : tenantry.scope(slug).transaction((tx) => tx.query('select tenantry.current_tenant_id() as id')),
          )
          if ((rows[0] as { id: string }).id === ids[slug]) ends.right++
          else wrong.push(rows)
        } catch (error) {
          if (error instanceof TenantryError && error.code === 'DATABASE_UNAVAILABLE' && error.retryable) ends.outage++
          else wrong.push(error)
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const ids: Record<string, string> = {}
    for (const slug of ['acme', 'globex']) ids[slug] = (await tenantry.tenants.get(slug)).id
    const clients = Array.from({ length: 20 }, (_, index) => client(index % 2 === 0 ? 'acme' : 'globex'))
    for (let round = 0; round < 3; round++) {
      const before = { ...ends }
      await until(() => ends.right > before.right + 200)
      await proxy.cut()
      await until(() => ends.outage > before.outage + 50)
      await proxy.mend()
    }
    const { right } = ends
    await until(() => ends.right > right + 200)
    stop = true
    await withinDeadline(Promise.all(clients))
    expect(wrong).toEqual([])
    expect(await query('select 1 as one')).toMatchObject({ rows: [{ one: 1 }] })
    await until(async () => (await tenantry.health()).status === 'up')
  })

  test('connections that the server ends again and again are replaced, never more than there may be', async () => {
    for (let round = 0; round < 20; round++) {
      const load = Array.from({ length: 60 }, () => query('select 1').catch((error: unknown) => error))
      await endLoginConnections()
      for (const end of await withinDeadline(Promise.all(load))) {
        if (end instanceof Error) expect(end).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
      }
    }
    await until(async () => (await loginConnections()).length <= SHARED_CONNECTIONS + MAX_CLIENTS)
    const { rows } = await query('select 1 as one')
    expect(rows).toEqual([{ one: 1 }])
  })

  test('a transaction whose connection is ended fails as an outage, and nothing of it stays', async () => {
    const work = tenantry.scope('acme').transaction(async (tx) => {
      await tx.query("insert into note (text) values ('half')")
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
      await database.superuser.query('select pg_terminate_backend($1)', [rows[0]?.pid])
      await until(async () => !(await loginConnections()).includes(rows[0]?.pid ?? 0))
      await tx.query("insert into note (text) values ('other half')")
    })
    await expect(withinDeadline(work)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    expect((await query("select * from note where text like '%half'")).rows).toEqual([])
  })
})

describe('a slow statement', () => {
  /** Statements over the table wait until the returned function is called. */
  const hold = async () => {
    const holder = new pg.Client({ connectionString: database.adminUrl })
    await holder.connect()
    await holder.query('begin; lock table note in access exclusive mode')
    return () => holder.end()
  }
  const waiting = async (text: string) => {
    const { rows } = await database.superuser.query<{ longEnough: boolean }>(
      `select query_start < clock_timestamp() - interval '50 ms' as "longEnough" from pg_stat_activity
        where query = $1 and state = 'active'`,
      [text],
    )
    return rows
  }

  test('does not hold up the others, even as many as there are shared connections', async () => {
    const slow = 'select text as slow from note'
    const release = await hold()
    const held = Promise.all(Array.from({ length: SHARED_CONNECTIONS - 1 }, () => query(slow)))
    // Long enough on its connection to be known as slow.
    await until(async () => (await waiting(slow)).some(({ longEnough }) => longEnough))
    for (let round = 0; round < 50; round++) await query('select 1', round % 2 === 0 ? 'acme' : 'globex')
    await release()
    await held
  })

  test('that nobody has met before shares no connection with its like', async () => {
    const burst = 'select text as burst from note'
    const release = await hold()
    const held = Promise.all(Array.from({ length: SHARED_CONNECTIONS }, () => query(burst)))
    await until(async () => (await waiting(burst)).length === SHARED_CONNECTIONS)
    await release()
    await held
  })

  test('ends at its timeout with SQLSTATE 57014, on a shared connection and on a client of its own', async () => {
    await expect(query({ text: 'select pg_sleep(20)', query_timeout: 30 })).rejects.toMatchObject({ code: '57014' })
    await tenantry.run('acme', async () => {
      const client = await tenantry.pool.connect()
      try {
        const sleep: TenantQueryConfig = { text: 'select pg_sleep(20)', query_timeout: 30 }
        await expect(client.query(sleep)).rejects.toMatchObject({ code: '57014' })
        expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
        expect((await client.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '0' }])
      } finally {
        client.release()
      }
    })
    expect((await query('show statement_timeout')).rows).toEqual([{ statement_timeout: '0' }])
  })

  test('with a timeout in a transaction leaves the timeout of those behind it alone', async () => {
    await tenantry.scope('acme').transaction(async (tx) => {
      await tx.query({ text: 'select 1', query_timeout: 30 })
      await tx.query('select pg_sleep(0.1)')
      expect((await tx.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '0' }])
    })
  })
})
