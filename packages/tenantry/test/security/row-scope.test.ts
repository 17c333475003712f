// Row tenants on shared tables: what a scope shows, and what injected SQL inside it cannot reach.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client, type PoolClient } from '../../src/engine/sql/pg.ts'
import type { ScopedTenant } from '../../src/engine/context/scope.ts'
import { startEngine, type TestEngine } from '../harness/engine.ts'

let engine: TestEngine
let acme: ScopedTenant
let globex: ScopedTenant

beforeAll(async () => {
  engine = await startEngine()
  acme = await engine.addTenant('acme')
  globex = await engine.addTenant('globex')
  await engine.central.query('create table invoice (id int primary key, secret text)')
  await engine.protect('invoice')
  await inTenant('acme', () => sql("insert into invoice (id, secret) values (1, 'acme-1'), (2, 'acme-2')"))
  await inTenant('globex', () => sql("insert into invoice (id, secret) values (11, 'globex-1')"))
})
afterAll(() => engine.close())

const inTenant = <T>(ref: string, run: () => Promise<T>) => engine.scopes.run(ref, {}, run)
const sql = (text: string, values?: unknown[]) => engine.pool.query(text, values) as Promise<{ rows: unknown[] }>
const secrets = async () =>
  ((await sql('select secret from invoice order by id')).rows as { secret: string }[]).map((row) => row.secret)

const ways = {
  'pool.query': (text: string) => sql(text),
  'a checked-out client': async (text: string) => {
    const client = await (engine.pool.connect() as Promise<PoolClient>)
    try {
      return await client.query(text)
    } finally {
      client.release()
    }
  },
  'a transaction': (text: string) => engine.scopes.handle('acme', {}).transaction((tx) => tx.query(text)),
} satisfies Record<string, (text: string) => Promise<unknown>>

describe.each(Object.entries(ways))('inside a row tenant, through %s', (_name, send) => {
  const attack = (text: string) => inTenant('acme', () => send(text) as Promise<{ rows: Record<string, unknown>[] }>)

  it('shows the own rows only', async () => {
    const { rows } = await attack('select secret from invoice order by id')
    expect(rows).toEqual([{ secret: 'acme-1' }, { secret: 'acme-2' }])
  })

  it('finds no foreign row by its key', async () => {
    expect((await attack('select * from invoice where id = 11')).rows).toEqual([])
  })

  it('updates and deletes no foreign row', async () => {
    const update = await attack("update invoice set secret = 'stolen' where id = 11")
    expect(update).toMatchObject({ rowCount: 0 })
    expect(await attack('delete from invoice where id = 11')).toMatchObject({ rowCount: 0 })
    expect(await inTenant('globex', secrets)).toEqual(['globex-1'])
  })

  it('refuses to write a row for another tenant', async () => {
    await expect(
      attack(`insert into invoice (id, secret, tenant_id) values (99, 'x', '${globex.id}')`),
    ).rejects.toMatchObject({
      code: '42501',
    })
    await expect(attack(`update invoice set tenant_id = '${globex.id}' where id = 1`)).rejects.toMatchObject({
      code: '42501',
    })
  })

  it('refuses a forged context, whatever it is', async () => {
    const forged = [`${'0'.repeat(64)}.0001.${globex.id}.9999999999..`, globex.id, '', 'x', '\\x00', 'f'.repeat(300)]
    for (const context of forged) {
      const text = `select * from (select set_config('tenantry.context', '${context}', true)) s, lateral (select * from invoice where s is not null) i`
      await expect(attack(text)).rejects.toMatchObject({
        name: 'TenantryError',
        code: context === '' ? 'TENANT_CONTEXT_MISSING' : 'CONTEXT_INVALID',
      })
    }
  })

  it('refuses a context whose tenant was swapped under a true signature', async () => {
    const text = `select * from (select set_config('tenantry.context', replace(current_setting('tenantry.context'), '${acme.id}', '${globex.id}'), true)) s, lateral (select * from invoice where s is not null) i`
    await expect(attack(text)).rejects.toMatchObject({ code: 'CONTEXT_INVALID' })
  })

  it('gains nothing by hopping to the login or to other roles', async () => {
    const hop = (role: string) =>
      `select query_to_xml('select * from invoice', true, false, '')::text as x from (select set_config('role', '${role}', true)) s where s is not null`
    await expect(attack(hop('none'))).rejects.toMatchObject({ code: '42501' })
    for (const role of [engine.instance.roles.central, 'postgres', 'pg_read_all_data']) {
      await expect(attack(hop(role))).rejects.toMatchObject({
        code: expect.stringMatching(/^(42501|22023)$/) as string,
      })
    }
  })

  it('cannot read the signing key, the registry or the login password', async () => {
    for (const table of ['signing_key', 'tenant', 'instance', 'api_key', 'audit_entry', 'verify_key']) {
      await expect(attack(`select * from tenantry.${table}`)).rejects.toMatchObject({ code: '42501' })
    }
  })

  it('cannot truncate, alter or index the shared table', async () => {
    for (const text of [
      'truncate invoice',
      'alter table invoice disable row level security',
      'drop policy tenantry_tenant on invoice',
      'create index on invoice (secret)',
    ]) {
      await expect(attack(text)).rejects.toMatchObject({ code: '42501' })
    }
  })

  it('runs one statement only', async () => {
    await expect(attack(`select 1; select * from invoice`)).rejects.toMatchObject({ code: 'MULTIPLE_STATEMENTS' })
  })
})

describe('outside of every scope', () => {
  it('refuses a statement before it is sent', async () => {
    await expect(sql('select 1')).rejects.toMatchObject({ code: 'TENANT_CONTEXT_MISSING' })
  })

  it('raises for a login that skips the prelude, and shows it nothing', async () => {
    const client = new Client({ connectionString: engine.loginUrl })
    await client.connect()
    try {
      await expect(client.query('select * from invoice')).rejects.toMatchObject({ code: '42501' })
      await client.query(`set role ${engine.instance.roles.app}`)
      await expect(client.query('select * from invoice')).rejects.toMatchObject({ code: 'TN001' })
    } finally {
      await client.end()
    }
  })

  it('fails a lazy query builder that run() gets back unawaited', async () => {
    const lazy = {
      then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) =>
        void sql('select * from invoice').then(resolve, reject),
    }
    await expect(engine.scopes.run('acme', {}, () => lazy)).rejects.toMatchObject({ code: 'TENANT_CONTEXT_MISSING' })
  })
})
