// scope.batch(): several statements in one flush and one implicit transaction.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEngine, type TestEngine } from '../harness/engine.ts'

let engine: TestEngine

beforeAll(async () => {
  engine = await startEngine()
  await engine.central.query('create table note (id int primary key, body text)')
  await engine.protect('note')
  for (const slug of ['acme', 'globex']) await engine.addTenant(slug)
  await engine.addTenant('hooli', 'create table note (id int primary key, body text)')
  await engine.addTenant('umbrella', 'create table note (id int primary key, body text)')
  for (const [index, slug] of ['acme', 'globex', 'hooli', 'umbrella'].entries()) {
    await engine.scopes.handle(slug, {}).query('insert into note values ($1, $2)', [index, slug])
  }
})

afterAll(() => engine.close())

const scope = (slug: string) => engine.scopes.handle(slug, {})
const rejection = (work: Promise<unknown>) => work.then(String, (error: unknown) => error)

test.each(['acme', 'hooli'])('answers each statement in order, in one transaction (%s)', async (slug) => {
  for (let round = 0; round < 3; round++) {
    const results = await scope(slug).batch([
      'select txid_current()::text as tx',
      { text: 'select body from note where body = $1', values: [slug] },
      { text: 'update note set body = body where id >= $1', values: [0] },
      { name: 'kept', text: 'select $1::int as n', values: [7] },
      'select txid_current()::text as tx, current_setting($$search_path$$) as path',
    ])
    expect(results.map(({ command, rowCount }) => `${command} ${rowCount}`)).toEqual([
      'SELECT 1',
      'SELECT 1',
      'UPDATE 1',
      'SELECT 1',
      'SELECT 1',
    ])
    expect(results[1]?.rows).toEqual([{ body: slug }])
    expect(results[3]?.rows).toEqual([{ n: 7 }])
    expect((results[4]?.rows as { tx: string }[])[0]?.tx).toBe((results[0]?.rows as { tx: string }[])[0]?.tx)
  }
})

test('answers one statement as an array of one, and none as none', async () => {
  expect(await scope('acme').batch([])).toEqual([])
  const results = await scope('acme').batch(['select 1 as one'])
  expect(results.map((result) => result.rows as unknown)).toEqual([[{ one: 1 }]])
})

test('takes back everything when one fails, and says which', async () => {
  const error = await rejection(
    scope('acme').batch([
      { text: 'insert into note values ($1, $2)', values: [50, 'first'] },
      { text: 'insert into note values ($1, $2)', values: [50, 'again'] },
      'select 1',
    ]),
  )
  expect(error).toMatchObject({ code: '23505', batchIndex: 1 })
  expect((await scope('acme').query('select id from note where id = 50')).rows).toEqual([])
})

test('names the statement that could not be parsed', async () => {
  const error = await rejection(scope('acme').batch(['select 1', 'select 2', 'select nonsense from nowhere']))
  expect(error).toMatchObject({ code: '42P01', batchIndex: 2 })
  expect((await scope('acme').batch(['select 1 as one'])).map((result) => result.rows as unknown)).toEqual([
    [{ one: 1 }],
  ])
})

test('lets a later statement see what an earlier one wrote', async () => {
  const [, count] = await scope('globex').batch([
    "insert into note values (60, 'x')",
    'select count(*)::int as n from note',
  ])
  expect(count?.rows).toEqual([{ n: 2 }])
})

test.each([
  ['begin', 'STATEMENT_REFUSED'],
  ['set role none', 'STATEMENT_REFUSED'],
  ['copy note to stdout', 'STATEMENT_REFUSED'],
  ['  -- nothing\n ;', 'INVALID_INPUT'],
])('refuses %s before anything is sent', async (text, code) => {
  expect(await rejection(scope('acme').batch(["insert into note values (70, 'x')", text]))).toMatchObject({ code })
  expect((await scope('acme').query('select id from note where id = 70')).rows).toEqual([])
})

test('a statement that re-points role, path or context does not carry over into the next one of the batch', async () => {
  const other = engine.tenants.get(
    (await scope('globex').query('select tenantry.current_tenant_id() as id')).rows[0]?.id as string,
  )
  const forged = `select case when true then set_config('search_path', 'tenant_umbrella', true) || set_config('role', 'none', true) end`
  // Through a function of the application's, so that the text does not show it and the statement may share a connection.
  await engine.central.query(
    `create or replace function repoint() returns void language plpgsql as $$ begin ${forged.replace('select', 'perform')}; end $$`,
  )
  for (const slug of ['acme', 'hooli']) {
    const results = await scope(slug).batch([
      'select repoint()',
      'select body from note order by id limit 1',
      'select current_user::text as role',
    ])
    expect(results[1]?.rows).toEqual([{ body: slug }])
    expect(results[2]?.rows).toEqual([{ role: engine.instance.roles.app }])
  }
  expect(other?.slug).toBe('globex')
})

test('batches of many tenants at once see their own rows only', async () => {
  const slugs = ['acme', 'globex', 'hooli', 'umbrella']
  const rounds = Array.from({ length: 200 }, (_, index) => slugs[index % slugs.length] ?? '')
  const results = await Promise.all(
    rounds.map((slug) =>
      scope(slug).batch(['select body from note where id < 10', 'select count(*)::int as n from note where id < 10']),
    ),
  )
  results.forEach(([rows, count], index) => {
    expect(rows?.rows).toEqual([{ body: rounds[index] }])
    expect(count?.rows).toEqual([{ n: 1 }])
  })
})

test('holds the longest timeout that its statements ask for', async () => {
  const error = await rejection(
    scope('acme').batch([{ text: 'select 1', query_timeout: 50 }, 'select count(*) from generate_series(1, 1e9)']),
  )
  expect(error).toMatchObject({ code: '57014', batchIndex: 1 })
})
