// Provisioning a schema tenant with 30 tables, against the same DDL (schema, tables, indexes, keys, guards, grants)
// sent by hand in one flush.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { median, round } from '../src/report.mjs'
import { openStage } from '../src/stage.mjs'

const TABLES = 30
const TENANTS_A_ROUND = 3

export async function run({ rounds, progress }) {
  const migrations = await mkdtemp(path.join(os.tmpdir(), 'tenantry-bench-migrations-'))
  await mkdir(path.join(migrations, 'tenant'))
  await writeFile(path.join(migrations, 'tenant', '0001_tables.sql'), tables())
  const stage = await openStage({ migrations, isolation: 'schema' })
  try {
    const { rows } = await stage.central('select id from tenantry.instance')
    const roles = { app: `tn_${rows[0].id}_app`, central: `tn_${rows[0].id}_central` }
    await one(stage, roles, { name: 'warm-up', tenantFirst: true })
    const measured = []
    for (let at = 0; at < rounds; at++) {
      for (let each = 0; each < TENANTS_A_ROUND; each++)
        measured.push(await one(stage, roles, { name: `${at}-${each}`, tenantFirst: at % 2 === 0 }))
      progress(`round ${at + 1} of ${rounds}`)
    }
    const ratio = round(median(measured.map(({ tenant, plain }) => tenant / plain)), 3)
    const ms = (key) => round(median(measured.map((each) => each[key])), 1)
    return {
      ratios: { schema: ratio, 'schema ms': ms('tenant'), 'one flush ms': ms('plain') },
      rows: [
        { mode: 'one flush', ms: ms('plain'), ratio: 1 },
        { mode: 'tenants.create', ms: ms('tenant'), ratio },
      ],
    }
  } finally {
    await stage.close()
    await rm(migrations, { recursive: true, force: true })
  }
}

const names = Array.from({ length: TABLES }, (_, at) => `thing_${at + 1}`)

function tables() {
  return names
    .map(
      (name, at) => `create table ${name} (id bigint generated always as identity primary key, name text not null,
  kind int not null default 0, parent_id bigint${at === 0 ? '' : ` references ${names[at - 1]} (id)`}, created_at timestamptz not null default now());
create index on ${name} (name);
create index on ${name} (kind, created_at);`,
    )
    .join('\n')
}

/** The same work by hand: what the guard function does, written out. */
function plainScript(schema, { app, central }) {
  const test = "((select tenantry.current_tenant_id()) = '00000000-0000-7000-8000-000000000000'::uuid)"
  const guards = [...names].map(
    (name) => `alter table ${name} enable row level security, force row level security;
grant select, insert, update, delete on ${name} to ${app}, ${central};
grant usage, select on sequence ${name}_id_seq to ${app};
create policy tenantry_guard on ${name} to ${app} using ${test} with check ${test};
create policy tenantry_central on ${name} to ${central} using (true) with check (true);`,
  )
  return `begin; create schema ${schema}; grant usage on schema ${schema} to ${app}, ${central};
set local search_path = ${schema}; ${tables()} ${guards.join('\n')} commit;`
}

async function one(stage, roles, { name, tenantFirst }) {
  const timed = async (work) => {
    const startedAt = performance.now()
    await work()
    return performance.now() - startedAt
  }
  const makeTenant = () => timed(() => stage.tenantry.tenants.create({ name, slug: `t-${name}` }))
  const plain = () => timed(() => stage.admin(plainScript(`plain_${name.replaceAll('-', '_')}`, roles)))
  if (tenantFirst) return { tenant: await makeTenant(), plain: await plain() }
  const first = await plain()
  return { plain: first, tenant: await makeTenant() }
}
