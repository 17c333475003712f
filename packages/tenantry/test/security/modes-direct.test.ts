// The mode of a tenant for those who come without a prelude: its own logins, which choose every statement, and gateways.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { DirectCredential } from '../../src/index.ts'
import { type CredentialFixture, failure, openCredentialFixture } from '../support/credential-fixture.ts'
import type { Connection } from '../support/instance-database.ts'

let fixture: CredentialFixture
let credential: DirectCredential
let postgrest: Connection
let gatewayRole: string
let id: string

const setMode = (mode: 'normal' | 'read_only' | 'maintenance') => fixture.tenantry.tenants.setMode('acme', { mode })
const texts = async () =>
  (
    await fixture.database.superuser.query<{ text: string }>('select text from invoices where tenant_id = $1', [id])
  ).rows.map(({ text }) => text)

beforeAll(async () => {
  fixture = await openCredentialFixture()
  const { tenantry, database } = fixture
  id = (await tenantry.tenants.get('acme')).id
  credential = await tenantry.credentials.create('acme', { username: 'acme_modes' })
  await tenantry.externalAccess.allow('postgrest', 'invoices', { claim: 'tenant' })
  const instance = (await database.admin.query<{ id: string }>('select id from tenantry.instance')).rows[0]?.id ?? ''
  gatewayRole = `tn_${instance}_postgrest`
  const authenticator = await database.createRole('noinherit')
  await database.superuser.query(`grant "${gatewayRole}" to "${authenticator.name}"`)
  postgrest = await database.connect(authenticator.name, authenticator.password)
})

afterEach(() => setMode('normal'))
afterAll(() => fixture.close())

async function stateOf(work: Promise<unknown>) {
  const error = await failure(work)
  return error instanceof Error && 'code' in error ? error.code : (error ?? 'done')
}

describe('a login of a tenant that is read-only', () => {
  test('is ended, and the next one reads by default', async () => {
    const before = await fixture.sessions.open(credential)
    await setMode('read_only')
    expect(await fixture.sessions.isOver(before)).toBe(true)
    const client = await fixture.sessions.open(credential)
    expect((await client.query('select text from invoices')).rows).toEqual([{ text: 'acme' }])
    expect(await stateOf(client.query(`insert into invoices (text) values ('written')`))).toBe('25006')
    expect(await fixture.states('acme')).toEqual([['acme_modes', 'active']])
    await client.query('begin read write')
    expect(await stateOf(client.query('select text from invoices'))).toBe('25006')
    await client.query('rollback')
    // Another one made meanwhile is as bound.
    const later = await fixture.tenantry.credentials.rotate('acme')
    const second = await fixture.sessions.open(later)
    expect(await stateOf(second.query(`insert into invoices (text) values ('written')`))).toBe('25006')
    await setMode('normal')
    expect(await fixture.sessions.isOver(client)).toBe(true)
    credential = later
    const after = await fixture.sessions.open(credential)
    expect(await stateOf(after.query(`insert into invoices (text) values ('kept')`))).toBe('done')
    await fixture.database.superuser.query(`delete from invoices where text = 'kept'`)
  })

  // What such a login may say before its statement: it sets what it likes, so the setting alone is no proof.
  test.each([
    ['set default_transaction_read_only = off'],
    ['begin read write'],
    ['begin', 'set transaction read write'],
    ['begin', 'set local transaction_read_only to default'],
    ['begin read write', 'select 1', `select set_config('transaction_read_only', 'on', true)`],
    ['begin read write', 'savepoint a', 'set local transaction_read_only = on', 'rollback to a'],
  ])('writes nothing after: %s; %s', async (...statements) => {
    await setMode('read_only')
    const client = await fixture.sessions.open(credential)
    for (const text of statements.filter((each) => typeof each === 'string')) await stateOf(client.query(text))
    for (const write of [
      `insert into invoices (text) values ('written')`,
      `insert into invoices (tenant_id, text) values ('${id}', 'written')`,
      `insert into invoices (text) select 'written' from (select set_config('transaction_read_only', 'on', true)) on_`,
      `with x as materialized (select set_config('transaction_read_only', 'on', true))
         insert into invoices (tenant_id, text) select '${id}', 'written' from x`,
      `update invoices set text = 'written' from (select set_config('transaction_read_only', 'on', true) offset 0) on_`,
      `with x as materialized (select set_config('transaction_read_only', 'on', true)) delete from invoices using x`,
      `do $$ begin perform set_config('transaction_read_only', null, true);
         insert into invoices (text) values ('written'); end $$`,
    ]) {
      await stateOf(client.query('savepoint each'))
      expect(await stateOf(client.query(write)), write).not.toBe('done')
      await stateOf(client.query('rollback to each'))
    }
    await stateOf(client.query('commit'))
    expect(await texts()).toEqual(['acme'])
  })

  test('turns the setting on inside its own write, and is told that the tenant is read-only', async () => {
    await setMode('read_only')
    const client = await fixture.sessions.open(credential)
    await client.query('begin read write')
    const write = `with x as materialized (select set_config('transaction_read_only', 'on', true) as value)
      update invoices set text = 'written' where (select value from x) = 'on'`
    const error = await failure(client.query(write))
    expect(error).toMatchObject({ code: '25006', message: 'the tenant is read-only for now' })
    await client.query('rollback')
    expect((await client.query('select text from invoices')).rows).toHaveLength(1)
  })
})

test('a login of a tenant under maintenance is locked, and one that is open all the same has no tenant', async () => {
  const client = await fixture.sessions.open(credential)
  await setMode('maintenance')
  expect(await fixture.sessions.isOver(client)).toBe(true)
  expect(await stateOf(fixture.sessions.open(credential))).toBe('28000')
  expect((await fixture.states('acme')).at(-1)).toEqual([credential.username, 'disabled'])
  await fixture.database.superuser.query(`alter role ${credential.username} login`)
  const open = await fixture.sessions.open(credential)
  expect(await stateOf(open.query('select text from invoices'))).toBe('TN001')
  expect(await stateOf(fixture.tenantry.credentials.create('acme', { username: 'acme_more' }))).toBe(
    'TENANT_MAINTENANCE',
  )
  await setMode('normal')
  expect(await stateOf(fixture.sessions.open(credential))).toBe('done')
})

describe('a gateway', () => {
  async function request(text: string, write: boolean) {
    try {
      await postgrest.query(`begin read ${write ? 'write' : 'only'}`)
      await postgrest.query(`select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, [
        gatewayRole,
        JSON.stringify({ tenant: id }),
      ])
      return (await postgrest.query<Record<string, unknown>>(text)).rows
    } finally {
      await postgrest.query('rollback')
    }
  }
  const INSERT = `insert into invoices (tenant_id, text) values (tenantry.external_tenant_id('postgrest'), 'written')`

  test('reads of a read-only tenant in read-only transactions, and writes nothing', async () => {
    expect(await stateOf(request(INSERT, true))).toBe('done')
    await setMode('read_only')
    expect(await request('select text from invoices', false)).toEqual([{ text: 'acme' }])
    expect(await stateOf(request(INSERT, true))).toBe('25006')
    const turned = `insert into invoices (tenant_id, text) select '${id}', 'written'
      from (select set_config('transaction_read_only', 'on', true)) on_`
    expect(await stateOf(request(turned, true))).toBe('25006')
  })

  test('finds no tenant under maintenance', async () => {
    await setMode('maintenance')
    expect(await stateOf(request('select text from invoices', false))).toBe('TN004')
  })
})
