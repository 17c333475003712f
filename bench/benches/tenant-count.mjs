// Row strategy with 10 and with 10,000 tenants: the same number of rows, the same point read. And what 10,000 tenants in
// the registry's cache cost in memory.
import { measureRounds } from '../src/rounds.mjs'
import { round } from '../src/report.mjs'
import { addRowTenants, openStage } from '../src/stage.mjs'

const ROWS = 200_000
const FEW = 10
const MANY = 10_000
const POINT = 'select id, body from item where id = $1'

export async function run({ rounds, progress, only }) {
  const stage = await openStage()
  try {
    progress('preparing data')
    const few = await addRowTenants(stage, FEW, 'few-')
    const many = await addRowTenants(stage, MANY, 'many-')
    for (const [table, prefix, each] of [
      ['few_item', 'few-', ROWS / FEW],
      ['many_item', 'many-', ROWS / MANY],
    ]) {
      await stage.central(`create table ${table} (tenant_id uuid not null, id int not null, body text not null, primary key (tenant_id, id));
        insert into ${table} select t.id, g, 'item ' || g from tenantry.tenant t, generate_series(1, ${each}) g where t.slug like '${prefix}%'`)
      await stage.tenantry.protect(table)
      await stage.central(`vacuum analyze ${table}`)
    }
    const registryMb = await registryGrowth(stage, many)
    const point = (name, tenants, each) => () =>
      stage.tenantry.run(tenants[Math.floor(Math.random() * tenants.length)], () =>
        stage.tenantry.pool.query({
          name,
          text: POINT.replace('item', name),
          values: [1 + Math.floor(Math.random() * each)],
        }),
      )
    const results = await measureRounds(
      [
        { key: 'point 10', inFlight: 8, operation: point('few_item', few, ROWS / FEW) },
        { key: 'point 10000/10', baseline: 'point 10', inFlight: 8, operation: point('many_item', many, ROWS / MANY) },
      ],
      { rounds, progress, only },
    )
    const ratios = Object.fromEntries(results.filter(({ ratio }) => ratio).map(({ key, ratio }) => [key, ratio]))
    return {
      ratios: { ...ratios, 'registry 10000 MB': registryMb },
      rows: results.map(({ key, perSecond, ratio }) => ({ mode: key, 'per second': perSecond, ratio: ratio ?? 1 })),
      notes: [`RSS growth with 10,000 tenants cached: ${registryMb} MB`],
    }
  } finally {
    await stage.close()
  }
}

async function registryGrowth({ tenantry }, tenants) {
  const enter = (id) => tenantry.run(id, () => undefined)
  await enter(tenants[0])
  globalThis.gc?.()
  const before = process.memoryUsage.rss()
  for (let at = 0; at < tenants.length; at += 500) await Promise.all(tenants.slice(at, at + 500).map(enter))
  globalThis.gc?.()
  return round((process.memoryUsage.rss() - before) / 1_048_576, 1)
}
