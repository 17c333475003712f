// Each ORM through the scoped pool against the same ORM on a plain pool without tenancy: one point read at 8 in flight.
// Beside them, in the same rounds, each ORM's documented way to many tenants: a transaction that begins with set_config.
import { measureRounds } from '../src/rounds.mjs'
import { addRowTenants, openStage } from '../src/stage.mjs'
import { drizzleOrm } from '../src/orms/drizzle.mjs'
import { knexOrm } from '../src/orms/knex.mjs'
import { kyselyOrm } from '../src/orms/kysely.mjs'
import { prismaOrm } from '../src/orms/prisma.mjs'
import { typeOrm } from '../src/orms/typeorm.mjs'

const ORMS = [drizzleOrm, kyselyOrm, prismaOrm, knexOrm, typeOrm]
const TENANTS = 1_000
const ROWS = 200
const IN_FLIGHT = 8

export async function run({ rounds, progress, only }) {
  const stage = await openStage()
  try {
    progress('preparing data')
    const tenants = await prepare(stage)
    const wanted = ORMS.filter(({ name }) => only === '' || only.startsWith(name))
    const modes = []
    for (const orm of wanted) modes.push(...(await modesOf(stage, orm, tenants)))
    const results = await measureRounds(modes, { rounds, progress, only })
    const ratios = Object.fromEntries(results.filter(({ ratio }) => ratio).map(({ key, ratio }) => [key, ratio]))
    return {
      ratios,
      rows: results.map(({ key, perSecond, ratio }) => ({ mode: key, 'per second': perSecond, ratio: ratio ?? 1 })),
    }
  } finally {
    await stage.close()
  }
}

async function prepare(stage) {
  const tenants = await addRowTenants(stage, TENANTS, 'row-')
  // The pattern's table is protected as guides for the ORMs show it: a policy on a setting that anyone can set.
  const columns = 'id int not null, body text not null, amount numeric not null, primary key (tenant_id, id)'
  await stage.central(`create table plain_item (tenant_id uuid not null, ${columns});
    create table item (tenant_id uuid not null, ${columns});
    create table pattern_item (tenant_id uuid not null, ${columns});
    insert into plain_item select t.id, g, 'item ' || g, g * 1.5 from tenantry.tenant t, generate_series(1, ${ROWS}) g;
    insert into item select * from plain_item;
    insert into pattern_item select * from plain_item;
    alter table pattern_item enable row level security;
    create policy by_setting on pattern_item using (tenant_id = (select current_setting('app.tenant', true)::uuid));
    grant select on plain_item, pattern_item to bench_plain`)
  for (const table of ['item', 'plain_item', 'pattern_item']) await stage.central(`vacuum analyze ${table}`)
  await stage.tenantry.protect('item')
  return tenants
}

async function modesOf({ tenantry, plainPool }, { name, open }, tenants) {
  const pick = () => tenants[Math.floor(Math.random() * tenants.length)]
  const anyId = () => 1 + Math.floor(Math.random() * ROWS)
  const pool = plainPool()
  const plain = await open({ pool }, 'plain_item')
  const scoped = await open({ pool: tenantry.pool, tenantry }, 'item')
  const pattern = await open({ pool }, 'pattern_item')
  const expectOne = (rows, id) => {
    if (rows.length !== 1 || rows[0].id !== id) throw new Error(`${name} found ${rows.length} rows`)
  }
  const asked = async (ask) => {
    const id = anyId()
    expectOne(await ask(id), id)
  }
  const baseline = `${name} plain @${IN_FLIGHT}`
  const mode = (key, operation, rest = { baseline }) => ({ key, inFlight: IN_FLIGHT, operation, ...rest })
  return [
    mode(baseline, () => asked((id) => plain.find(id, pick())), {}),
    mode(`${name} @${IN_FLIGHT}`, () => tenantry.run(pick(), () => asked((id) => scoped.find(id)))),
    mode(`${name} pattern @${IN_FLIGHT}`, () => asked((id) => pattern.findInTransaction(id, pick()))),
  ]
}
