// What one tenant's statement may leave behind for the next on the same connection: nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PoolClient } from '../../src/engine/sql/pg.ts'
import { initialise } from '../../src/control/initialise.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { until } from '../harness/wait.ts'
import { startEngine, type TestEngine } from '../harness/engine.ts'

// One connection of each kind, so that every statement meets what the one before it left.
let engine: TestEngine
beforeAll(async () => {
  engine = await startEngine({ max: 1, sharedConnections: 1 })
  await engine.addTenant('acme')
  await engine.addTenant('globex')
  await engine.central.query('create table item (id int, name text)')
  await engine.protect('item')
})
afterAll(() => engine.close())

type Result = { rows: Record<string, unknown>[]; command: string }
const send = (slug: string, text: string) =>
  engine.scopes.run(slug, {}, () => engine.pool.query(text) as Promise<Result>)
const withClient = <T>(slug: string, run: (client: PoolClient) => Promise<T>) =>
  engine.scopes.run(slug, {}, async () => {
    const client = await (engine.pool.connect() as Promise<PoolClient>)
    try {
      return await run(client)
    } finally {
      client.release()
    }
  })
const locks = async () => {
  const { rows } = await engine.central.query<{ n: number }>(
    "select count(*)::int as n from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
  )
  return rows[0]?.n
}

describe('pool.query', () => {
  it.each([
    'begin',
    '/* x */ BEGIN',
    'commit',
    'savepoint a',
    'do $$ begin end $$',
    'call p()',
    'copy item to stdout',
    'set role none',
    'set statement_timeout = 1',
    'reset all',
    'listen x',
    'discard all',
    'deallocate all',
    'prepare p as select 1',
    'create temp table t (id int)',
    'set transaction read only',
  ])('refuses %s and says what to do', async (text) => {
    await expect(send('acme', text)).rejects.toMatchObject({
      code: 'STATEMENT_REFUSED',
      fix: expect.stringContaining('transaction') as string,
    })
  })

  it('destroys a shared connection whose session a statement changed, and answers that statement with an error', async () => {
    const pid = (await send('acme', 'select pg_backend_pid() as pid')).rows[0]?.pid
    // Hidden from the text, so that it travels on the shared connection: a function of the schema's owner.
    await engine.central.query(
      "create function drift() returns text language sql as $$ select set_config('timezone', 'Asia/Tokyo', false) $$",
    )
    await expect(send('acme', 'select drift()')).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
    const { rows } = await send('globex', "select pg_backend_pid() as pid, current_setting('timezone') as zone")
    expect(rows[0]?.pid).not.toBe(pid)
    expect(rows[0]?.zone).not.toBe('Asia/Tokyo')
  })

  it('tells those behind such a statement that their connection was lost, not that theirs was refused', async () => {
    const own = send('acme', 'select drift()').catch((error: unknown) => error)
    const others = Array.from({ length: 5 }, () => send('globex', 'select 1').catch((error: unknown) => error))
    expect(await own).toMatchObject({ code: 'STATEMENT_REFUSED' })
    for (const other of others) expect(await other).toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true })
  })

  it('leaves no role, path or context that a session-wide set_config tried to keep', async () => {
    for (const [name, value] of [
      ['role', engine.instance.roles.app],
      ['search_path', 'tenantry'],
      ['tenantry.context', 'x'],
      ['statement_timeout', '1'],
    ]) {
      await send('acme', `select set_config('${name}', '${value}', false)`)
      const { rows } = await send(
        'globex',
        "select current_setting('search_path') as path, current_setting('statement_timeout') as timeout, tenantry.current_tenant_id() as id",
      )
      expect(rows[0]).toMatchObject({ path: '"public", pg_temp', timeout: '0' })
    }
  })

  it('drops a session advisory lock before the next tenant comes', async () => {
    await send('acme', 'select pg_advisory_lock(42)')
    await until(async () => (await locks()) === 0)
  })

  it('drops a lock that was hidden in a function with the next statement on the connection', async () => {
    await engine.central.query(
      'create function hidden_lock() returns text language sql as $$ select pg_advisory_lock(43)::text $$',
    )
    await send('acme', 'select hidden_lock()')
    await send('globex', 'select 1')
    expect(await locks()).toBe(0)
  })

  it('parses its prelude again when somebody deallocated it', async () => {
    await engine.central.query(
      "create function forget() returns void language plpgsql as $$ begin execute 'deallocate all'; end $$",
    )
    await send('acme', 'select forget()')
    expect((await send('globex', 'select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  it('plans a named statement again when a table changed under it', async () => {
    const read = () =>
      engine.scopes.run(
        'acme',
        {},
        () => engine.pool.query({ name: 'all', text: 'select * from item' }) as Promise<{ fields: unknown[] }>,
      )
    const before = (await read()).fields.length
    await engine.central.query('alter table item add column added int')
    expect((await read()).fields.length).toBe(before + 1)
  })

  it('refuses one name for two texts', async () => {
    const named = (text: string) =>
      engine.scopes.run('acme', {}, () => engine.pool.query({ name: 'same', text }) as Promise<unknown>)
    await named('select 1')
    await expect(named('select 2')).rejects.toThrow('used for another text')
  })

  it('cannot make a temporary table by any statement', async () => {
    await expect(
      withClient('acme', (client) => client.query('do $$ begin create temp table x (id int); end $$')),
    ).rejects.toMatchObject({ code: '42501' })
  })
})

describe('a checked-out client', () => {
  it('dies with its release', async () => {
    let kept: PoolClient | undefined
    await withClient('acme', async (client) => {
      kept = client
    })
    await expect(kept?.query('select 1')).rejects.toMatchObject({ code: 'CLIENT_RELEASED' })
    expect(() => kept?.release()).toThrow(expect.objectContaining({ code: 'CLIENT_RELEASED' }))
  })

  it('belongs to the scope that checked it out', async () => {
    await withClient('acme', async (client) => {
      await expect(engine.scopes.run('globex', { switch: true }, () => client.query('select 1'))).rejects.toMatchObject(
        { code: 'CLIENT_SCOPE_MISMATCH' },
      )
    })
  })

  it('is not handed on with a transaction open, and its work is rolled back', async () => {
    await withClient('acme', async (client) => {
      await client.query('begin')
      await client.query("insert into item (id, name) values (7, 'lost')")
    })
    expect((await send('acme', 'select * from item where id = 7')).rows).toEqual([])
  })

  it('makes run() fail where a transaction is still open at its end', async () => {
    await expect(
      engine.scopes.run('acme', {}, async () => {
        const client = await (engine.pool.connect() as Promise<PoolClient>)
        await client.query('begin')
      }),
    ).rejects.toMatchObject({ code: 'TRANSACTION_LEFT_OPEN' })
  })

  it('runs BEGIN, isolation levels, savepoints and ROLLBACK TO in an aborted transaction as PostgreSQL does', async () => {
    await withClient('acme', async (client) => {
      await client.query('begin')
      await client.query('set transaction isolation level serializable')
      expect((await client.query('show transaction isolation level')).rows).toEqual([
        { transaction_isolation: 'serializable' },
      ])
      await client.query('savepoint a')
      await expect(client.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
      await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' })
      await client.query('rollback to savepoint a')
      await client.query("insert into item (id, name) values (8, 'kept')")
      await client.query('commit')
    })
    expect((await send('acme', 'select name from item where id = 8')).rows).toEqual([{ name: 'kept' }])
  })

  it('comes back into the tenant after a statement that re-pointed role or context', async () => {
    await withClient('acme', async (client) => {
      await client.query('begin')
      await client.query("select set_config('role', 'none', true), set_config('tenantry.context', '', true)")
      expect((await client.query('select name from item where id = 8')).rows).toEqual([{ name: 'kept' }])
      await client.query("declare c cursor for select set_config('role', 'none', true)")
      await client.query('fetch all from c')
      expect((await client.query('select name from item where id = 8')).rows).toEqual([{ name: 'kept' }])
      await client.query('set local role none')
      expect((await client.query('select name from item where id = 8')).rows).toEqual([{ name: 'kept' }])
      await client.query('rollback')
    })
  })

  it('runs DO and CALL inside a transaction block, so that nothing commits half way', async () => {
    await engine.central.query(
      "create procedure half() language plpgsql as $$ begin insert into item (id) values (9); commit; raise exception 'late'; end $$",
    )
    await expect(withClient('acme', (client) => client.query('call half()'))).rejects.toMatchObject({ code: '2D000' })
    expect((await send('acme', 'select * from item where id = 9')).rows).toEqual([])
    await withClient('acme', (client) => client.query('do $$ begin insert into item (id) values (10); end $$'))
    expect((await send('acme', 'select id from item where id = 10')).rows).toEqual([{ id: 10 }])
  })

  it('refuses COPY FROM in a row tenant', async () => {
    await expect(withClient('acme', (client) => client.query('copy item from stdin'))).rejects.toMatchObject({
      code: 'COPY_FROM_ROW_SCOPE',
    })
  })

  it('gives nobody a bare connection through the pool events', async () => {
    const seen: PoolClient[] = []
    engine.pool.once('connect', (client) => seen.push(client as PoolClient))
    // A transaction left open costs the connection, so the second one is new for certain.
    await withClient('acme', (client) => client.query('begin'))
    await withClient('globex', (client) => client.query('begin'))
    expect(seen).toHaveLength(1)
    await expect(seen[0]?.query('select 1')).rejects.toMatchObject({ code: 'TENANT_CONTEXT_MISSING' })
  })
})

describe('on a server where set_config was taken from PUBLIC', () => {
  it('keeps every way into a tenant, and closes set_config to its statements', async () => {
    const hardened = await startEngine()
    const superuser = openCentralDatabase({ url: hardened.database.superUrl })
    try {
      await initialise(superuser, { harden: true })
      await hardened.addTenant('acme')
      await hardened.central.query('create table item (id int)')
      await hardened.protect('item')
      const scope = hardened.scopes.handle('acme', {})
      await scope.query('insert into item (id) values (1)')
      await scope.transaction(async (tx) => {
        // A function call, so that the next statement re-asserts the context.
        await tx.query('select pg_backend_pid()')
        expect((await tx.query('select id from item')).rows).toEqual([{ id: 1 }])
      })
      for (const text of [
        "select set_config('timezone', 'UTC', false)",
        "select query_to_xml($$select set_config('a.b', 'c', false)$$, true, false, '')",
      ]) {
        await expect(scope.query(text)).rejects.toMatchObject({ code: '42501' })
      }
    } finally {
      await superuser.close()
      await hardened.close()
    }
  })
})

describe('a block of code', () => {
  const WHO = 'select tenantry.current_tenant_id()::text as id'
  const idOf = (slug: string) => [...engine.tenants.values()].find((tenant) => tenant.slug === slug)?.id
  // DO is the one way to run utility statements that the text does not begin with; names are the session's.
  const replacePrelude = (body: string) => `do $$ begin
    execute 'deallocate tenantry_prelude';
    execute format('prepare tenantry_prelude(text, text, text) as select 1 where set_config(''role'', $1, true) is null
      or set_config(''search_path'', $2, true) is null or $3 is null
      or set_config(''tenantry.context'', %L, true) is null', current_setting('tenantry.context'));
    ${body} end $$`

  it.each([
    ['', 'that ends well'],
    ['raise exception $a$no$a$;', 'that fails'],
  ])('cannot take the next tenant into its own with another prelude (%s %s)', async (body) => {
    await withClient('acme', (client) => client.query(replacePrelude(body)).catch(() => undefined))
    await withClient('globex', async (client) => {
      expect((await client.query(WHO)).rows).toEqual([{ id: idOf('globex') }])
    })
  })

  it('cannot do so from inside a transaction either', async () => {
    await engine.scopes.handle('acme', {}).transaction((tx) => tx.query(replacePrelude('')))
    await withClient('globex', async (client) => {
      expect((await client.query(WHO)).rows).toEqual([{ id: idOf('globex') }])
    })
  })
})
