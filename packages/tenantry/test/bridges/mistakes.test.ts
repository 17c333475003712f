// What goes wrong when Drizzle or Kysely is used as if there were no tenants: it is refused, and says what to do.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { Kysely, Migrator, PostgresDialect, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { errorCodesOf } from '../../src/testing/index.ts'
import { openNoteTenants, type NoteTenants } from '../support/note-tenants.ts'

const note = pgTable('note', { id: integer().primaryKey(), text: text() })

let notes: NoteTenants
let tenantry: Tenantry

beforeAll(async () => {
  notes = await openNoteTenants()
  tenantry = notes.tenantry
})
afterAll(() => notes.close())

const codes = async (work: Promise<unknown>) =>
  errorCodesOf(
    await work.then(
      () => undefined,
      (error: unknown) => error,
    ),
  )

/** The messages of an error and of what it wraps. */
function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.message} ${messageOf(error.cause)}` : ''
}

describe('migrations over the scoped pool', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-drizzle-'))
    await mkdir(path.join(folder, 'meta'))
    const entry = { idx: 0, version: '7', when: 1, tag: '0000_mistake', breakpoints: true }
    await writeFile(
      path.join(folder, 'meta/_journal.json'),
      JSON.stringify({ dialect: 'postgresql', entries: [entry] }),
    )
    await writeFile(path.join(folder, '0000_mistake.sql'), 'create table mistake (id integer)')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('of Drizzle are refused', async () => {
    const run = () => migrate(drizzle({ client: tenantry.pool }), { migrationsFolder: folder })
    expect(await codes(run())).toContain('TENANT_CONTEXT_MISSING')
    const error = await tenantry.run('acme', run).catch((thrown: unknown) => thrown)
    expect(errorCodesOf(error)).toContain('42501')
    expect(messageOf(error)).toContain('DATABASE_ADMIN_URL')
  })

  it('of Kysely are refused', async () => {
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: tenantry.pool }) })
    const provider = { getMigrations: async () => ({ mistake: { up: async () => {} } }) }
    const run = async () => {
      // It gives the error back instead of throwing it.
      const { error } = await new Migrator({ db, provider }).migrateToLatest()
      if (error instanceof Error) throw error
    }
    expect(await codes(run())).toContain('TENANT_CONTEXT_MISSING')
    expect(messageOf(await tenantry.run('acme', run).catch((thrown: unknown) => thrown))).toContain(
      'DATABASE_ADMIN_URL',
    )
  })
})

it('a builder that run() returns unawaited is refused, and says where to await it', async () => {
  const db = drizzle({ client: tenantry.pool })
  const error = await tenantry.run('acme', () => db.select().from(note)).catch((thrown: unknown) => thrown)
  expect(errorCodesOf(error)).toContain('TENANT_CONTEXT_MISSING')
  const rows = await tenantry.run('acme', async () => await db.select().from(note))
  expect(rows).toEqual([{ id: 0, text: 'acme' }])
})

it('an ORM made before start() starts the instance with its first statement', async () => {
  const fresh = createTenantry({ adminUrl: notes.database.adminUrl, migrations: '/nonexistent' })
  const kysely = new Kysely<{ note: { text: string } }>({ dialect: new PostgresDialect({ pool: fresh.pool }) })
  const [first, second] = await fresh.run('globex', () =>
    Promise.all([
      drizzle({ client: fresh.pool }).select().from(note),
      kysely.selectFrom('note').select('text').execute(),
    ]),
  )
  expect([first, second]).toEqual([[{ id: 1, text: 'globex' }], [{ text: 'globex' }]])
  await fresh.close()
})

it('an ORM over an instance that cannot start says why, each time', async () => {
  const lost = createTenantry({ adminUrl: 'postgres://nobody@127.0.0.1:1/nothing' })
  const db = drizzle({ client: lost.pool })
  for (let attempt = 0; attempt < 2; attempt++) {
    expect(await codes(lost.run('acme', async () => await db.select().from(note)))).toContain('DATABASE_UNAVAILABLE')
  }
  expect(await codes(db.select().from(note).execute())).toContain('TENANT_CONTEXT_MISSING')
  await lost.close()
})

it('a transaction that outlives its run is rolled back and refused', async () => {
  const db = new Kysely<{ note: { id: number; text: string } }>({
    dialect: new PostgresDialect({ pool: tenantry.pool }),
  })
  let left: Promise<unknown> | undefined
  const run = tenantry.run('acme', async () => {
    await new Promise<void>((begun) => {
      left = db.transaction().execute(async (tx) => {
        await tx.insertInto('note').values({ id: 9, text: 'acme' }).execute()
        begun()
        await new Promise((resolve) => setImmediate(resolve))
        await sql`select pg_sleep(0)`.execute(tx)
      })
      left.catch(() => undefined)
    })
  })
  expect(await codes(run)).toContain('TRANSACTION_LEFT_OPEN')
  expect(await codes(Promise.resolve(left))).not.toEqual([])
  expect((await tenantry.scope('acme').query('select id from note')).rows).toEqual([{ id: 0 }])
})
