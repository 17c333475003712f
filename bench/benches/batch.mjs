// Five point reads of one request: as one batch, against five awaited queries of a plain pool.
import { cpuNotes } from '../src/cpu.mjs'
import { measureRounds } from '../src/rounds.mjs'
import { addRowTenants, openStage } from '../src/stage.mjs'

const TENANTS = 1_000
const ROWS = 100
const READS = 5
const POINT = 'select id, body from item where id = $1'

export async function run({ rounds, progress, only }) {
  const stage = await openStage()
  try {
    progress('preparing data')
    const tenants = await addRowTenants(stage, TENANTS, 'row-')
    await stage.central(`create table plain_item (tenant_id uuid not null, id int not null, body text not null, primary key (tenant_id, id));
      create table item (like plain_item including all);
      insert into plain_item select t.id, g, 'item ' || g from tenantry.tenant t, generate_series(1, ${ROWS}) g;
      insert into item select * from plain_item; grant select on plain_item to bench_plain`)
    await stage.tenantry.protect('item')
    for (const table of ['item', 'plain_item']) await stage.central(`vacuum analyze ${table}`)
    const modes = modesOf(stage, tenants)
    const results = await measureRounds(modes, { rounds, progress, only })
    const notes = await cpuNotes(modes, ['raw awaited @8', 'batch @8', 'scoped awaited @8'], READS)
    const ratios = Object.fromEntries(results.filter(({ ratio }) => ratio).map(({ key, ratio }) => [key, ratio]))
    return {
      ratios,
      notes,
      rows: results.map(({ key, perSecond, ratio }) => ({ mode: key, 'per second': perSecond, ratio: ratio ?? 1 })),
    }
  } finally {
    await stage.close()
  }
}

function modesOf({ tenantry, plainPool }, tenants) {
  const pool = plainPool()
  const pick = () => tenants[Math.floor(Math.random() * tenants.length)]
  const ids = () => Array.from({ length: READS }, () => 1 + Math.floor(Math.random() * ROWS))
  const plain = (tenant, id) => ({
    name: 'plain',
    text: POINT.replace('item', 'plain_item').replace('where', 'where tenant_id = $2 and'),
    values: [id, tenant],
  })
  const scoped = (id) => ({ name: 'point', text: POINT, values: [id] })
  const awaited = async () => {
    const tenant = pick()
    for (const id of ids()) await pool.query(plain(tenant, id))
  }
  const together = async () => {
    const tenant = pick()
    await Promise.all(ids().map((id) => pool.query(plain(tenant, id))))
  }
  const batch = () => tenantry.scope(pick()).batch(ids().map(scoped))
  const scopedAwaited = async () => {
    const scope = tenantry.scope(pick())
    for (const id of ids()) await scope.query(scoped(id))
  }
  return [1, 8, 64].flatMap((inFlight) => [
    { key: `raw awaited @${inFlight}`, inFlight, operation: awaited },
    { key: `batch @${inFlight}`, baseline: `raw awaited @${inFlight}`, inFlight, operation: batch },
    { key: `scoped awaited @${inFlight}`, baseline: `raw awaited @${inFlight}`, inFlight, operation: scopedAwaited },
    { key: `raw Promise.all @${inFlight}`, baseline: `raw awaited @${inFlight}`, inFlight, operation: together },
  ])
}
