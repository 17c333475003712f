// The harness itself: what a test file is given, and that it fails when it leaves something behind.
import pg from 'pg'
import { expect, inject, test } from 'vitest'
import { createTestDatabase } from '../harness/database.ts'

async function connect(url: string, name = 'harness test'): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: name })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

test('the owner of a test database may create roles and own things, and nothing else', async () => {
  const database = await createTestDatabase()
  const admin = await connect(database.adminUrl)
  const { rows } = await admin.query(
    `select rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, current_user <> lower(current_user) as mixed
     from pg_roles where rolname = current_user`,
  )
  expect(rows).toEqual([{ rolsuper: false, rolbypassrls: false, rolcreatedb: false, rolcreaterole: true, mixed: true }])
  await admin.query('create schema inside; create table public.beside (id int)')
  await admin.end()
  await database.drop()
})

test('dropping a database drops the roles that were made for it and leaves those of another alone', async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()])
  const names = { one: 'tn_0000aaaa', two: 'tn_0000bbbb' }
  for (const [database, prefix] of [[one, names.one] as const, [two, names.two] as const]) {
    const admin = await connect(database.adminUrl)
    await admin.query(`create role ${prefix}_app; create role ${prefix}_login login; create table t ();
      grant select on t to ${prefix}_app`)
    await admin.end()
  }
  const remaining = async () => {
    const client = await connect(inject('clusterUrl'))
    const { rows } = await client.query<{ rolname: string }>(
      "select rolname from pg_roles where rolname ~ '^tn_0000' order by 1",
    )
    await client.end()
    return rows.map((row) => row.rolname)
  }
  await one.drop()
  expect(await remaining()).toEqual(['tn_0000bbbb_app', 'tn_0000bbbb_login'])
  await two.drop()
  expect(await remaining()).toEqual([])
})

test('dropping a database with an open connection fails and names the connection', async () => {
  const database = await createTestDatabase()
  const forgotten = await connect(database.adminUrl, 'forgotten pool')
  await forgotten.query('select 42 as answer')
  await expect(database.drop()).rejects.toThrow(/forgotten pool.*select 42 as answer/)
  await forgotten.end().catch(() => undefined)
})
