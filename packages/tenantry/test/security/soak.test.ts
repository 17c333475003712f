// Many operations of many tenants at once, over every way in, with failures of every kind among them: no answer shows
// a foreign row, and what was answered is what is there afterwards. TENANTRY_SOAK is the number of operations,
// TENANTRY_SOAK_SEED repeats a run.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ScopedClient } from '../../src/engine/sql/scoped-client.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { until } from '../harness/wait.ts'
import { type Random, seededRandom } from '../../src/testing/random.ts'
import { type Soak, sequences, statements, waysOf } from '../support/soak-operations.ts'
import { isOutage, SoakTenant } from '../support/soak-tenant.ts'

const OPERATIONS = Number(process.env.TENANTRY_SOAK ?? 20_000)
const SEED = Number(process.env.TENANTRY_SOAK_SEED ?? Date.now() % 1_000_000)
const TENANTS = 50
const WORKERS = 40
const OPERATIONS_PER_KILL = 1_000
const CLIENTS = 10

const ENTRY = 'create table entry (id text primary key, marker text not null);'
// Its text shows nothing of what it does to the session.
const DRIFT = `create function public.drift() returns text language sql as
  $$ select set_config('timezone', 'Asia/Tokyo', false) $$;`

let database: TestDatabase
let superuser: pg.Client
let tenantry: Tenantry
let folder: string
let tenants: readonly SoakTenant[]
const clients = new Set<ScopedClient>()

beforeAll(async () => {
  database = await createTestDatabase()
  superuser = new pg.Client(database.superUrl)
  await superuser.connect()
  folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-soak-'))
  for (const kind of ['shared', 'tenant']) {
    await mkdir(path.join(folder, kind))
    await writeFile(path.join(folder, kind, '0001_entry.sql'), kind === 'shared' ? ENTRY + DRIFT : ENTRY)
  }
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: folder, maxClients: CLIENTS })
  tenantry.pool.on('connect', (client) => clients.add(client as unknown as ScopedClient))
  tenantry.pool.on('remove', (client) => clients.delete(client as unknown as ScopedClient))
  await tenantry.protect('entry')
  const made: SoakTenant[] = []
  for (let index = 0; index < TENANTS; index++) {
    const isolation = index % 2 === 0 ? 'row' : 'schema'
    const slug = `${isolation}-${index}`
    const own = new SoakTenant(await tenantry.tenants.create({ name: slug, slug, isolation }))
    // Without rows PostgreSQL need not ask a policy at all, and an attack would be answered with nothing.
    const scope = tenantry.scope(slug)
    await scope.query('insert into entry (id, marker) values ($1, $2)', [`${slug}/always`, slug])
    own.present.add(`${slug}/always`)
    made.push(own)
  }
  tenants = made
})

afterAll(async () => {
  await tenantry.close()
  await superuser.end()
  await rm(folder, { recursive: true, force: true })
  await database.drop()
})

interface Tally {
  readonly counts: Record<string, number>
  readonly failures: string[]
  outages: number
  started: number
}

function drawSoak(random: Random): Soak {
  const own = random.pick(tenants)
  const other = random.pick(tenants.filter((tenant) => tenant !== own))
  return { tenantry, random, own, other }
}

const harmless = ['read one', 'read some', 'insert', 'ask who is in scope'] as const

/** An operation, nine times in ten one of the harmless statements, and its name. */
function draw(soak: Soak): { name: string; run: () => Promise<void> } {
  const { random } = soak
  const sort = random.next()
  if (sort < 0.1) {
    const [name, run] = random.pick(Object.entries(sequences))
    // It costs a connection, and whatever else was under way there.
    const rare = name === 'a session setting left behind' && random.next() < 0.9
    return rare ? { name: 'read some', run: () => statement(soak, 'read some') } : { name, run: () => run(soak) }
  }
  const name = sort < 0.25 ? random.pick(Object.keys(statements) as (keyof typeof statements)[]) : random.pick(harmless)
  return { name, run: () => statement(soak, name) }
}

const statement = (soak: Soak, name: keyof typeof statements) => statements[name](soak, soak.random.pick(waysOf(soak)))

async function work(random: Random, tally: Tally): Promise<void> {
  while (tally.started++ < OPERATIONS && tally.failures.length === 0) {
    if (tally.started % OPERATIONS_PER_KILL === 0) await killOne(random)
    const soak = drawSoak(random)
    const { name, run } = draw(soak)
    tally.counts[name] = (tally.counts[name] ?? 0) + 1
    try {
      await run()
    } catch (error) {
      if (isOutage(error)) tally.outages++
      else tally.failures.push(`${name} as ${soak.own.slug}: ${error instanceof Error ? (error.stack ?? '') : ''}`)
    }
  }
}

const LOGIN =
  "select pid from pg_stat_activity where datname = current_database() and usename like 'tn\\_%\\_login' order by pid"

/** Ends a random connection of the scoped login, whatever it is doing. */
async function killOne(random: Random): Promise<void> {
  const { rows } = await superuser.query<{ pid: number }>(LOGIN)
  if (rows.length > 0) await superuser.query('select pg_terminate_backend($1)', [random.pick(rows).pid])
}

async function storedRows({ tenant, slug }: SoakTenant) {
  const own =
    tenant.isolation === 'row' ? 'public.entry where tenant_id = $1' : `${tenant.schemaName}.entry where $1 <> ''`
  const text = `select id, marker from ${own}`
  return tenantry.asCentral(`count ${slug}`, async (central) => {
    const { rows } = await central.query<{ id: string; marker: string }>(text, [tenant.id])
    return rows
  })
}

test(`${OPERATIONS} operations over ${TENANTS} tenants show no foreign row and lose nothing that was answered`, {
  timeout: 300_000,
}, async () => {
  const tally: Tally = { counts: {}, failures: [], outages: 0, started: 0 }
  const repeat = `TENANTRY_SOAK_SEED=${SEED}`
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(seededRandom(SEED * 1_000 + worker), tally)))
  expect(tally.failures, repeat).toEqual([])
  // Lost connections are the exception, not what most operations ended in.
  expect(tally.outages, repeat).toBeLessThan(OPERATIONS / 20)
  expect(Object.keys(tally.counts).sort(), repeat).toEqual(
    [...Object.keys(statements), ...Object.keys(sequences)].sort(),
  )
  for (const tenant of tenants) expect(tenant.faults(await storedRows(tenant)), repeat).toEqual([])
  expect(tenants.reduce((sum, { present }) => sum + present.size, 0)).toBeGreaterThan(OPERATIONS / 10)
})

test('afterwards no client is missing, and no lock, open transaction, setting or temporary table is left', async () => {
  await until(() => tenantry.pool.idleCount === tenantry.pool.totalCount)
  expect(tenantry.pool.waitingCount).toBe(0)
  expect([...clients].map(({ residue, transactionStatus }) => ({ residue, transactionStatus }))).toEqual(
    Array.from(clients, () => ({ residue: undefined, transactionStatus: 'I' })),
  )
  const left = `select (select count(*)::int from pg_locks l join pg_database d on d.oid = l.database
      where d.datname = current_database() and locktype = 'advisory') as locks,
    (select count(*)::int from pg_class where relpersistence = 't') as temporary,
    (select count(*)::int from pg_prepared_xacts) as prepared,
    (select count(*)::int from pg_stat_activity
      where datname = current_database() and usename like 'tn\\_%\\_login' and state <> 'idle') as busy`
  await until(async () => {
    const { rows } = await superuser.query(left)
    return expect(rows).toEqual([{ locks: 0, temporary: 0, prepared: 0, busy: 0 }]) ?? true
  })
})
