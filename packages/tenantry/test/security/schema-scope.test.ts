// Schema tenants: same names, other tables; and the guard that keeps a qualified name from reaching across.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ScopedTenant } from '../../src/engine/context/scope.ts'
import { startEngine, type TestEngine } from '../harness/engine.ts'

let engine: TestEngine
let north: ScopedTenant
let south: ScopedTenant

const DDL = `create table invoice (id int primary key, secret text);
  create table "Mixed Case" (id serial primary key, note text);
  create view invoice_note as select i.id, i.secret from invoice i`

beforeAll(async () => {
  engine = await startEngine()
  north = await engine.addTenant('north', DDL)
  south = await engine.addTenant('south', DDL)
  await engine.central.query('create table shared_note (id int primary key, note text)')
  await engine.protect('shared_note')
  for (const slug of ['north', 'south']) {
    await send(slug, 'insert into invoice values (1, $1)', [`${slug}-1`])
    await send(slug, 'insert into "Mixed Case" (note) values ($1)', [slug])
    await send(slug, 'insert into shared_note (id, note) values ($1, $2)', [slug === 'north' ? 1 : 2, slug])
  }
})
afterAll(() => engine.close())

const send = (slug: string, text: string, values?: unknown[]) =>
  engine.scopes.run(
    slug,
    {},
    () => engine.pool.query(text, values) as Promise<{ rows: Record<string, unknown>[]; rowCount: number }>,
  )

describe('a schema tenant', () => {
  it('sees its own tables under the same names as everyone', async () => {
    expect((await send('north', 'select secret from invoice')).rows).toEqual([{ secret: 'north-1' }])
    expect((await send('south', 'select secret from invoice')).rows).toEqual([{ secret: 'south-1' }])
    expect((await send('north', 'select note from "Mixed Case"')).rows).toEqual([{ note: 'north' }])
  })

  it('sees its rows of shared tables beside its own tables', async () => {
    expect((await send('north', 'select note from shared_note')).rows).toEqual([{ note: 'north' }])
  })

  it('keeps its answers apart when one named statement serves two schemas', async () => {
    const read = (slug: string) =>
      engine.scopes.run(
        slug,
        {},
        () => engine.pool.query({ name: 'read', text: 'select secret from invoice' }) as Promise<{ rows: unknown[] }>,
      )
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => read(i % 2 ? 'north' : 'south')))
    answers.forEach(({ rows }, i) => expect(rows).toEqual([{ secret: i % 2 ? 'north-1' : 'south-1' }]))
  })

  it.each([
    ['a qualified name', 'select * from tenant_south.invoice'],
    ['a view of the other schema', 'select * from tenant_south.invoice_note'],
    [
      'another search_path',
      "select * from (select set_config('search_path', 'tenant_south', true)) s, lateral (select query_to_xml('select * from invoice', true, false, '')::text as xml) x where xml like '%south%'",
    ],
    [
      'dynamic SQL',
      "select x from (select query_to_xml('select * from tenant_south.invoice', true, false, '')::text as x) q where x like '%south%'",
    ],
  ])('reads nothing of another schema by %s', async (_way, text) => {
    expect((await send('north', text)).rows).toEqual([])
  })

  it('reads nothing after a role hop', async () => {
    const text =
      "select query_to_xml('select * from tenant_south.invoice', true, false, '') from (select set_config('role', 'none', true)) s where s is not null"
    await expect(send('north', text)).rejects.toMatchObject({ code: '42501' })
  })

  it('writes nothing into another schema', async () => {
    await expect(send('north', "insert into tenant_south.invoice values (2, 'x')")).rejects.toMatchObject({
      code: '42501',
    })
    expect(await send('north', 'delete from tenant_south.invoice')).toMatchObject({ rowCount: 0 })
    expect(await send('north', "update tenant_south.invoice set secret = 'x'")).toMatchObject({ rowCount: 0 })
    expect((await send('south', 'select secret from invoice')).rows).toEqual([{ secret: 'south-1' }])
  })

  it('makes nothing in its own schema, and cannot turn the guard off', async () => {
    for (const text of [
      'create table x (id int)',
      'alter table invoice no force row level security',
      'drop policy tenantry_guard on invoice',
    ]) {
      await expect(send('north', text)).rejects.toMatchObject({ code: '42501' })
    }
  })

  it('fails as a whole when its schema is missing, instead of falling through to public', async () => {
    await engine.central.query('create table public.fallback (id int)')
    await engine.central.query(`grant select on public.fallback to ${engine.instance.roles.app}`)
    const gone = { ...north, id: '019a0000-0000-7000-8000-000000000000', slug: 'gone', schemaName: 'tenant_gone' }
    engine.tenants.set(gone.id, gone)
    await expect(send('gone', 'select * from fallback')).rejects.toMatchObject({ code: '3F000' })
  })

  it('is refused a row of the other tenant even when the registry points it at the other schema', async () => {
    engine.tenants.set(north.id, { ...north, schemaName: south.schemaName })
    try {
      expect((await send('north', 'select * from invoice')).rows).toEqual([])
    } finally {
      engine.tenants.set(north.id, north)
    }
  })
})
