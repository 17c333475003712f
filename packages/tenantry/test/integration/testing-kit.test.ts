// The published kit against real databases: what it accepts, and that it rejects applications that leak.
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import {
  isolationSuite,
  poolWay,
  type ProofOptions,
  proveIsolation,
  temporaryPostgres,
  type WayIn,
} from '../../src/testing/index.ts'
import { testBinaries } from '../harness/cluster.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

const TABLES = `create table note (id int generated always as identity primary key, text text);
  create table open_note (id int generated always as identity primary key, text text);`

let database: TestDatabase
let folder: string
let tenantry: Tenantry
let adminPool: pg.Pool

beforeAll(async () => {
  database = await createTestDatabase()
  folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-kit-'))
  for (const kind of ['shared', 'tenant']) {
    await mkdir(path.join(folder, kind))
    await writeFile(path.join(folder, kind, '0001_note.sql'), TABLES)
  }
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: folder })
  await tenantry.protect('note')
  adminPool = new pg.Pool({ connectionString: database.adminUrl, max: 2 })
})
afterAll(async () => {
  await adminPool.end()
  await tenantry.close()
  await rm(folder, { recursive: true, force: true })
  await database.drop()
})

const write: ProofOptions['write'] = (_tenant, mark) =>
  tenantry.pool.query('insert into note (text) values ($1)', [mark])
const notes = async () => (await tenantry.pool.query('select * from note')).rows as unknown[]
const prove = (application: Partial<ProofOptions>) => proveIsolation({ tenantry, write, run: notes, ...application })
const tenantsLeft = async () => (await tenantry.tenants.list({ search: 'proof-' })).total

describe('proveIsolation', () => {
  it.each(['row', 'schema'] as const)(
    'accepts an application that keeps to its scope, with %s tenants',
    async (isolation) => {
      expect(await prove({ isolation })).toEqual({ answers: 40 })
      expect(await tenantsLeft()).toBe(0)
    },
  )

  const leaky: Readonly<Record<string, () => Partial<ProofOptions>>> = {
    'answers from a cache without the tenant in its key': () => {
      let cached: Promise<unknown> | undefined
      return { run: () => (cached ??= notes()) }
    },
    'reads over a connection of its own that sees all': () => ({
      run: async () => (await adminPool.query('select text from note')).rows as unknown[],
    }),
    'keeps the first tenant it met': () => {
      let first: string | undefined
      return {
        run: async ({ slug }) => {
          first ??= slug
          return (await tenantry.scope(first, { switch: true }).query('select * from note')).rows
        },
      }
    },
    'keeps who is asking in a variable across an await': () => {
      let asking = ''
      return {
        run: async ({ slug }) => {
          asking = slug
          await notes()
          return (await tenantry.scope(asking, { switch: true }).query('select * from note')).rows
        },
      }
    },
    'reads with central access': () => ({
      run: () => tenantry.asCentral('a shortcut', async (central) => (await central.query('select * from note')).rows),
    }),
    'puts rows of all tenants into its errors': () => ({
      run: async () => {
        throw new Error(JSON.stringify((await adminPool.query('select text from note')).rows))
      },
    }),
    'hides it deep in what it returns': () => ({
      run: async (_tenant, mark) => [
        { mark, all: new Map([['notes', { of: (await adminPool.query('select text from note')).rows as unknown[] }]]) },
      ],
    }),
  }

  it.each(Object.entries(leaky))('rejects an application that %s', async (_what, application) => {
    const refusal: unknown = await prove(application()).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'ISOLATION_BROKEN' })
    expect(String(refusal)).not.toMatch(/mark-|proof-/)
    expect(await tenantsLeft()).toBe(0)
  })

  it('rejects a table that nobody protected, though nothing of it was read', async () => {
    const { rows } = await tenantry.asCentral('names', (central) =>
      central.query<{ app: string }>(`select 'tn_' || id || '_app' as app from tenantry.instance`),
    )
    const app = rows[0]?.app ?? ''
    const run = (sql: string) => tenantry.asCentral('sabotage', (central) => central.query(sql))
    for (const [away, back, reason] of [
      [
        `grant select on open_note to ${app}`,
        `revoke select on open_note from ${app}`,
        'public.open_note has row security disabled',
      ],
      [
        'alter table note disable row level security',
        'alter table note enable row level security',
        'public.note has row security disabled',
      ],
      [
        'alter table note no force row level security',
        'alter table note force row level security',
        'public.note does not force',
      ],
      [
        `create policy wide on note to ${app} using (true)`,
        'drop policy wide on note',
        'public.note has a policy that does not ask',
      ],
      [
        `create view all_notes as select * from note; grant select on all_notes to ${app}`,
        'drop view all_notes',
        'public.all_notes is a view',
      ],
      [
        `create materialized view kept as select * from note; grant select on kept to ${app}`,
        'drop materialized view kept',
        'public.kept is a materialized',
      ],
    ] as const) {
      await run(away)
      const ownMark = async (_tenant: unknown, mark: string) => [mark]
      await expect(prove({ run: ownMark })).rejects.toMatchObject({
        code: 'ISOLATION_BROKEN',
        message: expect.stringContaining(reason) as string,
      })
      await run(back)
    }
    await run(`grant select on open_note to ${app}`)
    expect(await prove({ globalTables: ['open_note'] })).toEqual({ answers: 40 })
    await run(`revoke select on open_note from ${app}`)
  })

  it('proves nothing with an application that returns nothing', async () => {
    await expect(prove({ run: () => [] })).rejects.toMatchObject({ code: 'PROOF_INCONCLUSIVE' })
  })

  it('hands an error of the application on as it is', async () => {
    const error = new Error('mine')
    await expect(prove({ run: () => Promise.reject(error) })).rejects.toBe(error)
    expect(await tenantsLeft()).toBe(0)
  })
})

describe('isolationSuite', () => {
  const failures = async (way: (tenantry: Tenantry) => WayIn) => {
    const failed: string[] = []
    for (const each of isolationSuite({ tenantry, way }))
      await each.run().catch(() => failed.push(each.name.slice(0, 10)))
    return failed
  }

  it('fails over a way in that sees all tenants', async () => {
    const failed = await failures(() => ({
      name: 'the owner',
      query: async (_tenant, sql, params) => adminPool.query<Record<string, unknown>>(sql, params),
    }))
    const expected = ['L1', 'L2', 'L7', 'L9', 'L12', 'L18', 'L19']
    for (const leak of expected) expect(failed.join('\n')).toContain(`row: ${leak}`)
    for (const leak of ['L1', 'L2', 'L7', 'L9', 'L18', 'L19'])
      expect(failed.join('\n')).toContain(`schema: ${leak}`.slice(0, 10))
  })

  it('fails over a way in that keeps the first tenant', async () => {
    let first: string | undefined
    const failed = await failures((instance) => ({
      name: 'a captured tenant',
      query: (tenant, sql, params) => poolWay(instance).query((first ??= tenant), sql, params),
    }))
    expect(failed.join('\n')).toContain('row: L1')
  })

  it('leaves no tenant and no table behind', async () => {
    const { rows } = await adminPool.query("select relname from pg_class where relname like 'suite\\_%'")
    expect(rows).toEqual([])
    expect((await tenantry.tenants.list({ search: 'suite' })).total).toBe(0)
  })
})

test('temporaryPostgres gives a server that is gone afterwards', async () => {
  const binaries = testBinaries()
  const server = await temporaryPostgres({ ...(binaries !== undefined && { binaries }) })
  const admin = new pg.Client(server.superUrl)
  await admin.connect()
  const { rows } = await admin.query<{ folder: string }>("select current_setting('data_directory') as folder")
  await admin.end()
  const temporary = createTenantry({ adminUrl: server.adminUrl, migrations: '/nonexistent' })
  await temporary.tenants.create({ name: 'Acme', slug: 'acme' })
  expect((await temporary.scope('acme').query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await temporary.close()
  await server.stop()
  await expect(stat(rows[0]?.folder ?? '')).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(temporaryPostgres({ binaries: '/nonexistent' })).rejects.toMatchObject({
    code: 'EMBEDDED_BINARIES_MISSING',
  })
})
