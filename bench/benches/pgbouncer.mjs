// A tenant's point read through PgBouncer in transaction mode against the same read without tenancy through the same
// PgBouncer. Debian's 1.18 has no prepared statements, so neither side prepares.
import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'
import { createTenantry } from 'tenantry'
import { startPgBouncer } from '../src/pgbouncer.mjs'
import { round } from '../src/report.mjs'
import { measureRounds } from '../src/rounds.mjs'
import { addRowTenants, openStage } from '../src/stage.mjs'

const TENANTS = 1_000
const ROWS = 200
const POOL_SIZE = 8
const POINT = 'select id, body, amount from item where id = $1'
const PLAIN = 'select id, body, amount from plain_item where tenant_id = $2 and id = $1'

export async function run({ rounds, progress, only }) {
  const stage = await openStage()
  const open = []
  try {
    progress('preparing data')
    const tenants = await prepare(stage)
    const context = { ...(await throughBouncer(stage, open)), tenants }
    const modes = modesOf(context)
    const results = await measureRounds(modes, { rounds, progress, only })
    const notes = only ? [] : await cpuNotes(modes, context.bouncer)
    const ratios = Object.fromEntries(results.filter(({ ratio }) => ratio).map(({ key, ratio }) => [key, ratio]))
    const rows = results.map(({ key, perSecond, ratio }) => ({ mode: key, 'per second': perSecond, ratio: ratio ?? 1 }))
    return { ratios, rows, notes }
  } finally {
    for (const close of open.reverse()) await close()
    await stage.close()
  }
}

async function prepare(stage) {
  const tenants = await addRowTenants(stage, TENANTS, 'row-')
  await stage.central(`create table plain_item (tenant_id uuid not null, id int not null, body text not null, amount numeric not null, primary key (tenant_id, id));
    create table item (like plain_item including all);
    insert into plain_item select t.id, g, 'item ' || g, g * 1.5 from tenantry.tenant t, generate_series(1, ${ROWS}) g;
    insert into item select * from plain_item; grant select on plain_item to bench_plain`)
  await stage.central('vacuum analyze item')
  await stage.central('vacuum analyze plain_item')
  await stage.tenantry.protect('item')
  return tenants
}

/** An instance and a plain pool, both through one PgBouncer. */
async function throughBouncer(stage, open) {
  const { rows } = await stage.admin(
    "select 'tn_' || id || '_login' as user, login_password as password from tenantry.instance",
  )
  const { host, port, user, password } = stage.plain
  const bouncer = await startPgBouncer({ host, port, poolSize: POOL_SIZE, logins: [...rows, { user, password }] })
  open.push(bouncer.close)
  const url = new URL(stage.adminUrl)
  Object.assign(url, { username: rows[0].user, password: rows[0].password, port: bouncer.port })
  const tenantry = createTenantry({ adminUrl: stage.adminUrl, databaseUrl: url.href, migrations: '/nonexistent' })
  open.push(() => tenantry.close())
  await tenantry.start()
  const pool = new pg.Pool({ ...stage.plain, port: bouncer.port, max: POOL_SIZE })
  open.push(() => pool.end())
  return { tenantry, pool, bouncer }
}

function modesOf({ tenantry, pool, tenants }) {
  const pick = () => tenants[Math.floor(Math.random() * tenants.length)]
  const anyId = () => 1 + Math.floor(Math.random() * ROWS)
  const expectOne = ({ rows }) => {
    if (rows.length !== 1) throw new Error(`${rows.length} rows instead of one`)
  }
  const operations = {
    raw: async () => expectOne(await pool.query(PLAIN, [anyId(), pick()])),
    query: () => tenantry.run(pick(), async () => expectOne(await tenantry.pool.query(POINT, [anyId()]))),
    checkout: () => tenantry.run(pick(), () => checkedOut(tenantry.pool, anyId(), expectOne)),
    'begin, set_config, query, commit': () => usual(pool, [anyId(), pick()], expectOne),
  }
  const mode = (name, inFlight) => ({
    key: `${name} @${inFlight}`,
    baseline: name === 'raw' ? undefined : `raw @${inFlight}`,
    inFlight,
    operation: operations[name],
  })
  return [
    ...['raw', 'query'].flatMap((name) => [1, 8, 64].map((inFlight) => mode(name, inFlight))),
    ...['checkout', 'begin, set_config, query, commit'].map((name) => mode(name, 8)),
  ]
}

async function checkedOut(pool, id, expectOne) {
  const client = await pool.connect()
  try {
    expectOne(await client.query(POINT, [id]))
  } finally {
    client.release()
  }
}

/** What most libraries do: four round trips for one statement. */
async function usual(pool, values, expectOne) {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query("select set_config('app.tenant', $1, true)", [values[1]])
    expectOne(await client.query(PLAIN, values))
    await client.query('commit')
  } finally {
    client.release()
  }
}

const CPU_STATEMENTS = 4_000

/** CPU a statement of the backends, of PgBouncer and of Node.js, from the scheduler's accounts (Linux only). */
async function cpuNotes(modes, bouncer) {
  const notes = []
  for (const { key, inFlight, operation } of modes) {
    const lane = async (count) => {
      for (let at = 0; at < count / inFlight; at++) await operation()
    }
    const lanes = (count) => Promise.all(Array.from({ length: inFlight }, () => lane(count)))
    await lanes(500)
    const before = await cpuOf(bouncer.pid)
    if (before === undefined) return ['CPU a statement is read on Linux only.']
    await lanes(CPU_STATEMENTS)
    const after = await cpuOf(bouncer.pid)
    const micros = (part) => round((after[part] - before[part]) / CPU_STATEMENTS, 1)
    notes.push(
      `CPU a statement, ${key}: server ${micros('server')} µs, PgBouncer ${micros('bouncer')} µs, Node ${micros('node')} µs`,
    )
  }
  return notes
}

/** Microseconds so far; undefined where there is no /proc. */
async function cpuOf(bouncer) {
  const { user, system } = process.cpuUsage()
  const sum = { server: 0, bouncer: 0, node: user + system }
  const pids = await readdir('/proc').catch(() => undefined)
  if (pids === undefined) return undefined
  for (const pid of pids.filter((name) => /^\d+$/.test(name))) {
    const title = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const isBackend = /^postgres: .*(bench_plain|tn_[0-9a-f]{8}_login) tenantry 127\.0\.0\.1/.test(title)
    if (!isBackend && Number(pid) !== bouncer) continue
    const micros = Number((await readFile(`/proc/${pid}/schedstat`, 'utf8')).split(' ')[0]) / 1000
    sum[isBackend ? 'server' : 'bouncer'] += micros
  }
  return sum
}
