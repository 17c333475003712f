// Single statements without a name of their own are prepared on shared connections once they have run before: planning
// under a policy costs more than a point read.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { startEngine, type TestEngine } from '../harness/engine.ts'

let engine: TestEngine

beforeAll(async () => {
  engine = await startEngine({ sharedConnections: 1 })
  await engine.central.query('create table item (id int, name text)')
  await engine.protect('item')
  await engine.addTenant('acme')
  await engine.addTenant('globex')
  await engine.addTenant('initech', 'create table item (id int, name text)')
})
afterAll(() => engine.close())

const send = async (slug: string, text: string, values: unknown[] = []) =>
  (await engine.scopes.handle(slug, {}).query<{ name: string }>(text, values)).rows

/** The texts that the one shared connection has prepared under names of ours, read without leaving a trace. */
const prepared = async () => {
  const rows = await send('acme', "select name || ' ' || statement as name from pg_prepared_statements order by name")
  return rows.map(({ name }) => name).filter((name) => name.startsWith('t:'))
}

let marker = 0
beforeEach(() => {
  marker++
})

it('a text with parameters is prepared from its second run on, once for all row tenants', async () => {
  const text = `select name from item where id = $1 or id = ${marker}`
  await send('acme', 'insert into item (id, name) values ($1, $2)', [7, 'acme’s'])
  expect(await send('acme', text, [7])).toEqual([{ name: 'acme’s' }])
  expect(await prepared()).toEqual([])
  for (const slug of ['globex', 'acme', 'globex']) {
    expect(await send(slug, text, [7])).toEqual(slug === 'acme' ? [{ name: 'acme’s' }] : [])
  }
  expect(await prepared()).toEqual([expect.stringMatching(/^t:\d+ select name from item/)])
})

it.each([
  ['a literal, which others could read', "select name from item where name = 'secret' and id = $1", 'acme'],
  ['a dollar-quoted literal', 'select name from item where name = $x$secret$x$ and id = $1', 'acme'],
  ['tables of a schema tenant', 'select name from item where id = $1 and name is null', 'initech'],
])('never a text with %s', async (_, text, slug) => {
  const before = await prepared()
  for (let run = 0; run < 3; run++) await send(slug, text, [1])
  expect(await prepared()).toEqual(before)
})

it('never a text without parameters, which may hold values', async () => {
  const before = await prepared()
  for (let run = 0; run < 3; run++) await send('acme', `select name from item where id = ${4711 + marker}`)
  expect(await prepared()).toEqual(before)
})

it('a table may change its shape under a prepared text', async () => {
  const text = 'select * from item where id = $1'
  for (let run = 0; run < 3; run++) await send('acme', text, [7])
  await engine.central.query('alter table item add column later int default 5')
  expect(await send('acme', text, [7])).toEqual([expect.objectContaining({ id: 7, later: 5 })])
  await engine.central.query('alter table item alter column name type varchar(20), drop column later')
  expect(await send('acme', text, [7])).toEqual([expect.objectContaining({ id: 7, name: 'acme’s' })])
})

it('a name that a user gives is kept apart', async () => {
  const text = 'select name from item where id = $1 and id > 0'
  for (let run = 0; run < 3; run++) await send('acme', text, [7])
  const own = { name: 't:1', text: 'select 1 as one where $1 = 1', values: [1] }
  expect((await engine.scopes.handle('acme', {}).query(own)).rows).toEqual([{ one: 1 }])
  expect(await send('acme', text, [7])).toEqual([{ name: 'acme’s' }])
})
