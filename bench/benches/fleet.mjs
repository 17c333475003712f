// Migrations over a fleet: nothing to do, and a column more, over 5,000 schemas against one by one on one connection; new
// tenants from the snapshot and from warm schemas; the backfill of an adoption against one by hand; Node's memory.
// BENCH_TENANTS takes fewer.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createTenantry } from 'tenantry'
import { measureBackfill } from '../src/adopt-backfill.mjs'
import { addPlainSchemas, addSchemaTenants, FIRST } from '../src/fleet-stage.mjs'
import { measureProvisioning, timed } from '../src/provisioning.mjs'
import { median, round } from '../src/report.mjs'
import { addRowTenants, openStage } from '../src/stage.mjs'

const TENANTS = Number(process.env.BENCH_TENANTS ?? 5_000)
/** Schemas that the baseline goes over, one by one. */
const PLAIN = Math.min(1_000, TENANTS)
const COLUMNS = 3

export async function run({ rounds, progress }) {
  const fleet = await measureFleet({ rounds, progress })
  const provisioning = await measureProvisioning({ rounds: Math.min(rounds, 5), progress })
  const stage = await openStage()
  const backfill = await measureBackfill(stage, { progress }).finally(() => stage.close())
  return {
    ratios: {
      ...fleet.ratios,
      snapshot: round(provisioning.snapshot, 3),
      'warm ms': round(provisioning['warm ms'], 2),
      'warm create ms': round(provisioning['warm create ms'], 2),
      backfill: backfill.ratio,
    },
    rows: fleet.rows,
    notes: backfill.rows.map(({ mode, ...figures }) => `${mode}: ${figures['rows/s']} rows/s`),
  }
}

async function measureFleet({ rounds, progress }) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-bench-fleet-'))
  await mkdir(path.join(folder, 'tenant'))
  await writeFile(path.join(folder, 'tenant', '0001_first.sql'), FIRST)
  const stage = await openStage({ migrations: folder, isolation: 'schema' })
  try {
    await stage.tenantry.migrations.up()
    await stage.tenantry.tenants.create({ name: 'First', slug: 'first' })
    await addSchemaTenants(stage, { folder, count: TENANTS, progress })
    await addRowTenants(stage, TENANTS, 'row-')
    await addPlainSchemas(stage, PLAIN)
    const status = []
    const nothing = []
    for (let at = 0; at < rounds; at++) {
      status.push(await timed(() => stage.tenantry.migrations.status()))
      nothing.push(await timed(() => stage.tenantry.migrations.up()))
    }
    const columns = []
    for (let at = 0; at < COLUMNS; at++) {
      columns.push(await oneColumn(stage, { folder, at }))
      progress(`column ${at + 1} of ${COLUMNS}`)
    }
    const of = (key) => round(median(columns.map((each) => each[key])), 1)
    return {
      ratios: {
        'no-op ms': round(median(status), 1),
        'nothing to do ms': round(median(nothing), 1),
        'add column': round(median(columns.map(({ fleet, plain }) => fleet / plain)), 2),
        'rss MB': Math.round(process.memoryUsage.rss() / 1e6),
      },
      rows: [
        { mode: 'one by one, one connection', 'schemas/s': of('plain') },
        { mode: 'migrations.up()', 'schemas/s': of('fleet') },
      ],
    }
  } finally {
    await stage.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Schemas a second, of a fleet that is migrated and proven, and of schemas that are walked as rivals walk them. */
async function oneColumn(stage, { folder, at }) {
  const text = `alter table invoice add column extra_${at} int`
  await writeFile(path.join(folder, 'tenant', `000${at + 2}_column.sql`), text)
  // Files are read when an instance starts.
  const tenantry = createTenantry({ adminUrl: stage.adminUrl, migrations: folder, isolation: 'schema' })
  await tenantry.start()
  const plain = () => timed(() => oneByOne(stage, text))
  const fleet = () =>
    timed(async () => {
      const { state, done } = await tenantry.migrations.up({ connections: 4 })
      if (state !== 'complete' || done < TENANTS) throw new Error(`The run ended ${state} with ${done} done.`)
    })
  const first = at % 2 === 0 ? await fleet() : await plain()
  const second = at % 2 === 0 ? await plain() : await fleet()
  await tenantry.close()
  const [fleetMs, plainMs] = at % 2 === 0 ? [first, second] : [second, first]
  return { fleet: (TENANTS * 1000) / fleetMs, plain: (PLAIN * 1000) / plainMs }
}

async function oneByOne(stage, text) {
  for (let n = 1; n <= PLAIN; n++) {
    await stage.admin('begin')
    await stage.admin(`set local search_path = plain_${n}`)
    await stage.admin(`select version from public.plain_ledger where schema_name = 'plain_${n}'`)
    await stage.admin(text)
    await stage.admin(`insert into public.plain_ledger values ('plain_${n}', 1)`)
    await stage.admin('commit')
  }
}
