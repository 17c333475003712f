// New schema tenants: from the snapshot, against the same DDL (schema, tables, indexes, keys, guards, grants) sent by hand
// in one flush; and from the pool of warm schemas.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { readInstance } from '../../packages/tenantry/dist/control/instance.js'
import { openCentralDatabase } from '../../packages/tenantry/dist/engine/sql/central-database.js'
import { WarmPool } from '../../packages/tenantry/dist/features/migrations/snapshots/warm-pool.js'
import { createTenants } from '../../packages/tenantry/dist/tenants/create-tenants.js'
import { median } from './report.mjs'
import { openStage } from './stage.mjs'

const TABLES = 30
const names = Array.from({ length: TABLES }, (_, at) => `thing_${at + 1}`)

/** A folder with one tenant migration of 30 tables; `remove()` it afterwards. */
export async function writeMigrations() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-bench-migrations-'))
  await mkdir(path.join(folder, 'tenant'))
  await writeFile(path.join(folder, 'tenant', '0001_tables.sql'), tables())
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

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
export function plainScript(schema, { app, central }) {
  const test = "((select tenantry.current_tenant_id()) = '00000000-0000-7000-8000-000000000000'::uuid)"
  const guards = names.map(
    (name) => `alter table ${name} enable row level security, force row level security;
grant select, insert, update, delete on ${name} to ${app}, ${central};
grant usage, select on sequence ${name}_id_seq to ${app};
create policy tenantry_guard on ${name} to ${app} using ${test};
create policy tenantry_central on ${name} to ${central} using (true) with check (true);`,
  )
  return `begin; create schema ${schema}; grant usage on schema ${schema} to ${app}, ${central};
set local search_path = ${schema}; ${tables()} ${guards.join('\n')} commit;`
}

export async function timed(work) {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

/**
 * What `fleet` reports of provisioning: `snapshot` (create ÷ one flush), `warm ms` (median of the building step of a
 * creation from the pool) and `warm create ms` (of the whole creation, durable registration included).
 */
export async function measureProvisioning({ rounds, progress }) {
  const { folder, remove } = await writeMigrations()
  const stage = await openStage({ migrations: folder, isolation: 'schema' })
  try {
    const snapshot = await measureSnapshot(stage, { rounds, progress })
    return { snapshot, ...(await measureWarm(stage, { folder, tenants: rounds * 4 })) }
  } finally {
    await stage.close()
    await remove()
  }
}

async function measureSnapshot(stage, { rounds, progress }) {
  const { rows } = await stage.central('select id from tenantry.instance')
  const roles = { app: `tn_${rows[0].id}_app`, central: `tn_${rows[0].id}_central` }
  const ratios = []
  for (let at = -1; at < rounds; at++) {
    const tenant = () => timed(() => stage.tenantry.tenants.create({ name: `s${at}`, slug: `s-${at + 1}` }))
    const plain = () => timed(() => stage.admin(plainScript(`plain_s${at + 1}`, roles)))
    const first = at % 2 === 0 ? await tenant() : await plain()
    const second = at % 2 === 0 ? await plain() : await tenant()
    if (at >= 0) ratios.push(at % 2 === 0 ? first / second : second / first)
    progress(`provisioning ${at + 1} of ${rounds}`)
  }
  return median(ratios)
}

async function measureWarm(stage, { folder, tenants: count }) {
  const { readMigrationFiles } = await import('../../packages/tenantry/dist/features/migrations/migration-files.js')
  const database = openCentralDatabase({ url: stage.adminUrl })
  const { roles } = await readInstance(database)
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const files = (await readMigrationFiles(folder)).tenant
  const schemas = new WarmPool({ ...{ database, roles, logger, files }, size: count })
  schemas.refill()
  await schemas.settled()
  let builtSince = 0
  const builds = []
  const creations = []
  const defaults = { isolation: 'schema', autoProvision: true, reservedSlugs: [], purgeAfterDays: 30 }
  const tenants = createTenants({
    ...{ database, roles, logger, defaults, schemas, participants: [], clock: { now: () => Date.now() } },
    onStep: (point) => {
      if (point === 'create:begin:after-commit') builtSince = performance.now()
      if (point === 'create:0:after-commit') builds.push(performance.now() - builtSince)
    },
  })
  // Closed, it still hands out, and makes none anew meanwhile: the handing out is measured, and not the making.
  await schemas.close()
  for (let at = 0; at < count; at++) {
    creations.push(await timed(() => tenants.create({ name: `w${at}`, slug: `w-${at}` })))
  }
  await database.close()
  return { 'warm ms': median(builds), 'warm create ms': median(creations) }
}
