// Tenants behind PgBouncer in transaction mode, with two sessions for all of them: nothing crosses, nothing fails. The
// pattern that must leak behind it is run over the same PgBouncer, so that a leak is known to be seen.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { to as copyTo } from 'pg-copy-streams'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { checkAdminUrl, checkScopes } from '../../src/control/connection-checks.ts'
import { readInstance } from '../../src/control/instance.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import {
  endPool,
  hasPgBouncer,
  needsPgBouncer,
  type PgBouncer,
  startPgBouncer,
  urlOfLogin,
} from '../harness/pgbouncer.ts'
import { runCli } from '../support/cli.ts'
import { type Random, seededRandom } from '../../src/testing/random.ts'
import { type Soak, sequences, statements, waysOf } from '../support/soak-operations.ts'
import { SoakTenant } from '../support/soak-tenant.ts'

const OPERATIONS = 20_000
const TENANTS = 50
const WORKERS = 40
const SEED = Number(process.env.TENANTRY_SOAK_SEED ?? Date.now() % 1_000_000)

const ENTRY = 'create table entry (id text primary key, marker text not null);'

let database: TestDatabase
let bouncer: PgBouncer
let loginUrl: string
let carelessUrl: string
let folder: string
let tenantry: Tenantry
let tenants: readonly SoakTenant[]

beforeAll(async () => {
  if (!hasPgBouncer) return
  database = await createTestDatabase()
  loginUrl = await urlOfLogin(database.adminUrl)
  carelessUrl = await urlOfCarelessRole()
  bouncer = await startPgBouncer({ poolMode: 'transaction', poolSize: 2, urls: [loginUrl, carelessUrl] })
  folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-pooler-'))
  for (const kind of ['shared', 'tenant']) {
    await mkdir(path.join(folder, kind))
    await writeFile(path.join(folder, kind, '0001_entry.sql'), ENTRY)
  }
  tenantry = open(bouncer.through(loginUrl))
  await tenantry.protect('entry')
  tenants = await makeTenants()
})

afterAll(async () => {
  if (!hasPgBouncer) return
  await tenantry.close()
  await bouncer.close()
  await rm(folder, { recursive: true, force: true })
  await database.drop()
})

beforeEach((context) => needsPgBouncer(context))

const open = (databaseUrl: string, settings = {}) =>
  createTenantry({ adminUrl: database.adminUrl, databaseUrl, migrations: folder, maxClients: 10, ...settings })

/** A role for the patterns that trust the session. */
async function urlOfCarelessRole(): Promise<string> {
  const name = `careless_${database.name}`
  await asAdmin(`create role ${name} login password 'careless'; grant usage on schema public to ${name}`)
  return Object.assign(new URL(database.adminUrl), { username: name, password: 'careless' }).href
}

async function asAdmin(sql: string): Promise<void> {
  const admin = new pg.Client(database.adminUrl)
  await admin.connect()
  await admin.query(sql)
  await admin.end()
}

async function makeTenants(): Promise<readonly SoakTenant[]> {
  const made: SoakTenant[] = []
  for (let index = 0; index < TENANTS; index++) {
    const isolation = index % 2 === 0 ? 'row' : 'schema'
    const slug = `${isolation}-${index}`
    const own = new SoakTenant(await tenantry.tenants.create({ name: slug, slug, isolation }))
    await tenantry.scope(slug).query('insert into entry (id, marker) values ($1, $2)', [`${slug}/always`, slug])
    own.present.add(`${slug}/always`)
    made.push(own)
  }
  return made
}

describe('the scoped pool', () => {
  it(`runs ${OPERATIONS} interleaved operations of ${TENANTS} tenants over two sessions without a foreign row or an error`, {
    timeout: 300_000,
  }, async () => {
    const failures: string[] = []
    const counts: Record<string, number> = {}
    let started = 0
    const work = async (random: Random) => {
      while (started++ < OPERATIONS && failures.length === 0) {
        const soak = drawSoak(random)
        const { name, run } = draw(soak)
        counts[name] = (counts[name] ?? 0) + 1
        await run().catch((error: unknown) => {
          failures.push(`${name} as ${soak.own.slug}: ${error instanceof Error ? (error.stack ?? '') : ''}`)
        })
      }
    }
    await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(seededRandom(SEED * 1_000 + worker))))
    expect(failures, `TENANTRY_SOAK_SEED=${SEED}`).toEqual([])
    expect(Object.keys(counts).sort()).toEqual([...Object.keys(statements), ...Object.keys(together)].sort())
    for (const tenant of tenants) expect(tenant.faults(await storedRows(tenant))).toEqual([])
  })

  it('sends a statement with a name of its own unnamed, so that another process may use the name otherwise', async () => {
    const other = open(bouncer.through(loginUrl))
    const ask = (instance: Tenantry, text: string) =>
      instance.scope('row-0').query<{ answer: string }>({ name: 'same', text })
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? ask(tenantry, MINE) : ask(other, THEIRS))),
    )
    await other.close()
    expect(answers.map(({ rows }) => rows[0]?.answer)).toEqual(
      Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? 'mine' : 'theirs')),
    )
  })

  it('runs batches, cursors and COPY of many tenants at once, each over its own rows', async () => {
    const wrong: string[] = []
    const own = (slug: string, markers: readonly unknown[], least: number) => {
      if (markers.length < least || markers.some((marker) => marker !== slug)) wrong.push(`${slug}: ${markers.join()}`)
    }
    const markers = (rows: readonly unknown[]) => (rows as { marker: unknown }[]).map(({ marker }) => marker)
    const inBatch = async (slug: string) => {
      const read = 'select marker from entry where marker <> $1'
      const [first, second] = await tenantry.scope(slug).batch([
        { name: 'batched', text: read, values: [''] },
        { text: read, values: ['x'] },
      ])
      own(slug, [...markers(first?.rows ?? []), ...markers(second?.rows ?? [])], 2)
    }
    const byCursor = async (slug: string) =>
      tenantry.run(slug, () =>
        withClient(async (client) => {
          const cursor = client.query(new Cursor<{ marker: string }>('select marker from entry'))
          own(slug, markers([...(await cursor.read(1)), ...(await cursor.read(100_000))]), 1)
          await cursor.close()
        }),
      )
    const byCopy = async (slug: string) =>
      tenantry.run(slug, () =>
        withClient(async (client) => {
          const copied = await text(client.query(copyTo('copy (select marker from entry) to stdout')))
          own(slug, copied.trim().split('\n'), 1)
        }),
      )
    const ways = [inBatch, byCursor, byCopy]
    await Promise.all(tenants.flatMap(({ slug }) => ways.map((way) => way(slug))))
    expect(wrong).toEqual([])
  })

  it('refuses a query object that would leave something in the session', async () => {
    await expect(
      tenantry.run('row-0', () =>
        withClient((client) => client.query(new Cursor("select set_config('work_mem', '123kB', false)")).read(1)),
      ),
    ).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
  })

  it('connects with a URL whose settings PgBouncer refuses in the startup packet', async () => {
    const url = new URL(bouncer.through(loginUrl))
    url.search = '?statement_timeout=60000&options=-c%20work_mem%3D1MB'
    const instance = open(url.href)
    expect((await instance.scope('row-0').query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await instance.close()
  })

  it('hears of tenant changes over the admin URL, which leads to PostgreSQL itself', async () => {
    expect((await tenantry.health()).parts).toMatchObject({ listener: { status: 'up' } })
  })
})

const MINE = "select 'mine' as answer"
const THEIRS = "select 'theirs' as answer"

/** What a session may not keep has tests of its own below. */
const together = Object.fromEntries(Object.entries(sequences).filter(([name]) => !name.startsWith('a session')))

function drawSoak(random: Random): Soak {
  const own = random.pick(tenants)
  return { tenantry, random, own, other: random.pick(tenants.filter((tenant) => tenant !== own)) }
}

function draw(soak: Soak): { name: string; run: () => Promise<void> } {
  const { random } = soak
  if (random.next() < 0.1) {
    const [name, run] = random.pick(Object.entries(together))
    return { name, run: () => run(soak) }
  }
  const [name, run] = random.pick(Object.entries(statements))
  return { name, run: () => run(soak, random.pick(waysOf(soak))) }
}

async function storedRows({ tenant, slug }: SoakTenant) {
  const own =
    tenant.isolation === 'row' ? 'public.entry where tenant_id = $1' : `${tenant.schemaName}.entry where $1 <> ''`
  return tenantry.asCentral(`count ${slug}`, async (central) => {
    const { rows } = await central.query<{ id: string; marker: string }>(`select id, marker from ${own}`, [tenant.id])
    return rows
  })
}

describe('what a session would keep', () => {
  /** What any of the two sessions shows, asked often enough to meet both. */
  const everywhere = async (setting: string) => {
    const asked = Array.from({ length: 60 }, () =>
      tenantry.scope('row-2').query<{ value: string }>('select current_setting($1, true) as value', [setting]),
    )
    return [...new Set((await Promise.all(asked)).map(({ rows }) => rows[0]?.value))]
  }

  it.each([
    ['a statement', "select set_config('work_mem', '123kB', false)"],
    ['a block of code', "do 'begin perform set_config(''work_mem'', ''123kB'', false); end'"],
    ['a block that sets it', "do $$ begin execute 'set work_mem = ''123kB'''; end $$"],
  ])('is undone in the transaction of %s', async (_, text) => {
    await tenantry.run('row-0', () => withClient((client) => client.query(text)))
    expect(await everywhere('work_mem')).toEqual(['4MB'])
  })

  it('is undone before the commit of a transaction, whoever sends it', async () => {
    const change = "select set_config('work_mem', '123kB', false)"
    await tenantry.scope('row-0').transaction((tx) => tx.query(change))
    await tenantry.scope('row-0').transaction((tx) => tx.queryAndCommit(change))
    await tenantry.run('row-0', () =>
      withClient(async (client) => {
        await client.query('begin')
        await client.query(change)
        expect((await client.query("select current_setting('work_mem') as kept")).rows).toEqual([{ kept: '123kB' }])
        await client.query('commit')
      }),
    )
    expect(await everywhere('work_mem')).toEqual(['4MB'])
  })

  it('still gives the answer of the statement that is undone', async () => {
    const { rows, rowCount } = await tenantry
      .scope('row-0')
      .query("select set_config('work_mem', '123kB', false) as kept from generate_series(1, 2)")
    expect({ rows, rowCount }).toEqual({ rows: [{ kept: '123kB' }, { kept: '123kB' }], rowCount: 2 })
  })

  it.each(['pg_advisory_lock(1)', 'pg_try_advisory_lock_shared(1)', 'pg_catalog.pg_advisory_lock(1, 2)'])(
    'refuses the session lock %s and says what to use',
    async (call) => {
      await expect(tenantry.scope('row-0').query(`select ${call}`)).rejects.toMatchObject({
        code: 'STATEMENT_REFUSED',
        fix: expect.stringContaining('pg_advisory_xact_lock') as string,
      })
    },
  )

  it('lets locks of a transaction through', async () => {
    await tenantry.scope('row-0').transaction((tx) => tx.query('select pg_advisory_xact_lock(1)'))
  })
})

async function withClient(work: (client: pg.PoolClient) => Promise<unknown>): Promise<void> {
  const client = await tenantry.pool.connect()
  try {
    await work(client)
  } finally {
    client.release()
  }
}

describe('the start', () => {
  const startOver = async (databaseUrl: string, settings = {}) => {
    const instance = open(databaseUrl, settings)
    try {
      await instance.start()
      return (await instance.scope('row-0').query<{ marker: string }>('select distinct marker from entry')).rows
    } finally {
      await instance.close()
    }
  }

  it.each([
    [1, 'transaction'],
    [1, 'session'],
    [4, 'transaction'],
  ] as const)('passes its self-test over %i sessions in %s mode', async (poolSize, poolMode) => {
    // In session mode each connection keeps a session: the two of the self-test, and those of the pool.
    const pooler = await startPgBouncer({
      ...{ poolMode, urls: [loginUrl] },
      poolSize: poolMode === 'session' ? 8 : poolSize,
    })
    try {
      expect(await startOver(pooler.through(loginUrl))).toEqual([{ marker: 'row-0' }])
    } finally {
      await pooler.close()
    }
  })

  it('refuses statement mode, where a transaction does not stay on its session', async () => {
    const pooler = await startPgBouncer({ poolMode: 'statement', poolSize: 2, urls: [loginUrl] })
    try {
      await expect(startOver(pooler.through(loginUrl))).rejects.toMatchObject({
        code: 'SELF_TEST_FAILED',
        message: expect.stringContaining('statement mode') as string,
      })
    } finally {
      await pooler.close()
    }
  })

  it('refuses a pooler in transaction mode where the settings say that there is none', async () => {
    await expect(startOver(bouncer.through(loginUrl), { pooler: 'none' })).rejects.toMatchObject({
      code: 'SELF_TEST_FAILED',
    })
  })
})

describe('doctor', () => {
  it('says whether scopes stay apart through the pooler, and that the admin URL leads past it', async () => {
    const env = { DATABASE_ADMIN_URL: database.adminUrl, DATABASE_URL: bouncer.through(loginUrl) }
    const { stdout } = await runCli(['doctor', '--json'], { env })
    expect((JSON.parse(stdout) as { checks: unknown[] }).checks).toEqual(
      expect.arrayContaining([
        { name: 'scopes stay apart over DATABASE_URL', ok: true, subject: 'through a pooler' },
        expect.objectContaining({ name: 'admin URL leads to PostgreSQL itself', ok: true }),
      ]),
    )
  })

  it('finds statement mode, and an admin URL that leads through a pooler', async () => {
    const pooler = await startPgBouncer({ poolMode: 'statement', poolSize: 2, urls: [loginUrl, database.adminUrl] })
    try {
      expect(await checkAdminUrl(pooler.through(database.adminUrl), 'x')).toMatchObject({ ok: false })
      const central = openCentralDatabase({ url: database.adminUrl })
      const instance = await readInstance(central)
      await central.close()
      expect(await checkScopes(pooler.through(loginUrl), instance)).toMatchObject({
        ...{ ok: false, subject: expect.stringContaining('statement mode') as string },
      })
    } finally {
      await pooler.close()
    }
  })
})

describe('the patterns that trust the session', () => {
  const schemas = ['careless_a', 'careless_b'] as const
  beforeAll(async () => {
    if (!hasPgBouncer) return
    const role = new URL(carelessUrl).username
    for (const schema of schemas) {
      await asAdmin(`create schema ${schema}; create table ${schema}.own as select '${schema}' as marker;
        grant usage on schema ${schema} to ${role}; grant select on ${schema}.own to ${role}`)
    }
  })

  it.each([
    ['search_path', 'select marker from own'],
    ['app.tenant', "select current_setting('app.tenant', true) as marker"],
  ])(
    'leak through the same PgBouncer: %s set for the session shows what is another tenant’s',
    async (setting, read) => {
      const pool = new pg.Pool({ connectionString: bouncer.through(carelessUrl), max: 8 })
      let foreign = 0
      const careless = async (schema: string) => {
        const client = await pool.connect()
        try {
          await client.query('select set_config($1, $2, false)', [setting, schema])
          for (let at = 0; at < 5; at++) {
            // The other session may know nothing of the setting yet: that fails, and is no leak.
            const { rows } = await client.query<{ marker: string }>(read).catch(() => ({ rows: [] }))
            if (rows[0]?.marker && rows[0].marker !== schema) foreign++
          }
        } finally {
          client.release()
        }
      }
      try {
        await Promise.all(Array.from({ length: 200 }, (_, at) => careless(schemas[at % 2] ?? '')))
      } finally {
        await endPool(pool)
      }
      expect(foreign).toBeGreaterThan(0)
    },
  )
})
