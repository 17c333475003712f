// A tenant's single statement against the same statement without tenancy: point read and a list of 100 rows.
import { cpuNotes } from '../src/cpu.mjs'
import { measureRounds } from '../src/rounds.mjs'
import { addRowTenants, openStage } from '../src/stage.mjs'

const TENANTS = 1_000
const ROWS = 200
const SCHEMAS = 50
const POINT = 'select id, body, amount from item where id = $1'
const CPU_KEYS = ['raw @8', 'raw pipelined @64', 'query row @8', 'query row @64', 'query schema @8'].concat(
  'checkout row @8',
)
const LIST = 'select id, body, amount from item order by id limit 100'

export async function run({ rounds, progress, only }) {
  const stage = await openStage()
  try {
    progress('preparing data')
    const context = await prepare(stage)
    const modes = modesOf(stage, context)
    const results = await measureRounds(modes, { rounds, progress, only })
    const cpu = only ? [] : await cpuNotes(modes, CPU_KEYS)
    const ratios = Object.fromEntries(results.filter(({ ratio }) => ratio).map(({ key, ratio }) => [key, ratio]))
    const rows = results.map(({ key, perSecond, ratio }) => ({ mode: key, 'per second': perSecond, ratio: ratio ?? 1 }))
    return { ratios, rows, notes: cpu }
  } finally {
    await stage.close()
  }
}

async function prepare(stage) {
  const tenants = await addRowTenants(stage, TENANTS, 'row-')
  const table = '(id int not null, body text not null, amount numeric not null'
  await stage.central(`create table plain_item (tenant_id uuid not null, ${table.slice(1)}, primary key (tenant_id, id));
    create table item (tenant_id uuid not null, ${table.slice(1)}, primary key (tenant_id, id));
    insert into plain_item select t.id, g, 'item ' || g, g * 1.5 from tenantry.tenant t, generate_series(1, ${ROWS}) g;
    insert into item select * from plain_item; grant select on plain_item to bench_plain`)
  await stage.central('vacuum analyze item')
  await stage.central('vacuum analyze plain_item')
  await stage.tenantry.protect('item')
  const schemas = []
  for (let at = 1; at <= SCHEMAS; at++) {
    const tenant = await stage.tenantry.tenants.create({
      name: `Schema ${at}`,
      slug: `schema-${at}`,
      isolation: 'schema',
    })
    schemas.push(tenant.id)
    await stage.central(`create table ${tenant.schemaName}.item ${table}, primary key (id));
      insert into ${tenant.schemaName}.item select g, 'item ' || g, g * 1.5 from generate_series(1, ${ROWS}) g`)
    await stage.central(
      `select tenantry.guard_schema($1, $2, 'tn_' || i.id || '_app', 'tn_' || i.id || '_central') from tenantry.instance i`,
      [tenant.id, tenant.schemaName],
    )
  }
  return { tenants, schemas }
}

function modesOf(stage, { tenants, schemas }) {
  const { tenantry } = stage
  const rawPool = stage.plainPool()
  const pipelined = pipelinedClients(stage, 4)
  const pick = (list) => list[Math.floor(Math.random() * list.length)]
  const anyId = () => 1 + Math.floor(Math.random() * ROWS)
  const expect = (rows, count) => {
    if (rows.length !== count) throw new Error(`${rows.length} rows instead of ${count}`)
  }
  const operations = {
    raw: async (kind) => expect((await rawPool.query(plainQuery(kind, pick(tenants), anyId()))).rows, countOf(kind)),
    'raw pipelined': async (kind) =>
      expect((await pipelined(plainQuery(kind, pick(tenants), anyId()))).rows, countOf(kind)),
    'query row': (kind) =>
      tenantry.run(pick(tenants), async () =>
        expect((await tenantry.pool.query(scopedQuery(kind, anyId()))).rows, countOf(kind)),
      ),
    'query schema': (kind) =>
      tenantry.run(pick(schemas), async () =>
        expect((await tenantry.pool.query(scopedQuery(kind, anyId()))).rows, countOf(kind)),
      ),
    'checkout row': (kind) => checkedOut(tenantry, pick(tenants), scopedQuery(kind, anyId())),
    'checkout schema': (kind) => checkedOut(tenantry, pick(schemas), scopedQuery(kind, anyId())),
    sequential: (kind) => sequential(rawPool, plainQuery(kind, pick(tenants), anyId())),
  }
  const mode = (name, inFlight, kind = 'point') => {
    const suffix = kind === 'point' ? `@${inFlight}` : `${kind} @${inFlight}`
    const baseline = name === 'raw' ? undefined : `raw ${suffix}`
    return { key: `${name} ${suffix}`, baseline, inFlight, operation: () => operations[name](kind) }
  }
  return [
    ...['raw', 'query row'].flatMap((name) => [1, 8, 64].map((inFlight) => mode(name, inFlight))),
    ...['query schema', 'checkout row', 'checkout schema', 'sequential'].map((name) => mode(name, 8)),
    ...['query schema', 'raw pipelined'].map((name) => mode(name, 64)),
    ...['raw', 'query row', 'query schema', 'checkout row', 'sequential'].map((name) => mode(name, 8, 'list')),
    ...['raw', 'query row'].map((name) => mode(name, 64, 'list')),
  ]
}

const countOf = (kind) => (kind === 'point' ? 1 : 100)

const scopedQuery = (kind, id) =>
  kind === 'point' ? { name: 'point', text: POINT, values: [id] } : { name: 'list', text: LIST, values: [] }

const plainQuery = (kind, tenantId, id) =>
  kind === 'point'
    ? {
        name: 'point',
        text: POINT.replace('item where', 'plain_item where tenant_id = $2 and'),
        values: [id, tenantId],
      }
    : { name: 'list', text: LIST.replace('item order', 'plain_item where tenant_id = $1 order'), values: [tenantId] }

function checkedOut(tenantry, tenant, query) {
  return tenantry.run(tenant, async () => {
    const client = await tenantry.pool.connect()
    try {
      await client.query(query)
    } finally {
      client.release()
    }
  })
}

/** What most libraries do: four round trips for one statement. */
async function sequential(pool, query) {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query("select set_config('app.tenant', $1, true)", [query.values.at(-1)])
    await client.query(query)
    await client.query('commit')
  } finally {
    client.release()
  }
}

function pipelinedClients(stage, count) {
  const clients = Array.from({ length: count }, () => stage.plainClient({ pipeline: true }))
  let next = 0
  return async (query) => (await clients[next++ % count]).query(query)
}
