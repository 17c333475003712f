// `verify` at the sizes that hurt: 500 shared tables with 1,000 row tenants, and 1,000 schemas of five tables each. The
// catalogue's half first, alone, then the whole with its live probes. Absolute seconds.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { openCentralDatabase } from '../../packages/tenantry/dist/engine/sql/central-database.js'
import { openVerifier } from '../../packages/tenantry/dist/composition/open-verifier.js'
import { checkCatalogue } from '../../packages/tenantry/dist/features/verify/catalogue/check-catalogue.js'
import { catalogueFingerprint } from '../../packages/tenantry/dist/features/verify/catalogue/fingerprint.js'
import { round } from '../src/report.mjs'
import { addRowTenants, openStage } from '../src/stage.mjs'

const SHARED_TABLES = 500
const ROW_TENANTS = 1_000
const SCHEMAS = 1_000
const TABLES_A_SCHEMA = 5

export async function run({ progress, only }) {
  const measured = []
  if ('500 shared tables s'.includes(only)) measured.push(await sharedTables(progress))
  if ('1000 schemas s'.includes(only)) measured.push(await schemas(progress))
  return {
    ratios: Object.fromEntries(
      measured.flatMap(({ key, s, fingerprint, whole }) => [
        [key, s],
        [`${key} whole`, whole],
        [`${key} fingerprint`, fingerprint],
      ]),
    ),
    rows: measured.map(({ key, s, fingerprint, whole, checks, slowest }) => ({
      mode: key,
      'catalogue seconds': s,
      'whole seconds': whole,
      'fingerprint seconds': fingerprint,
      checks,
      slowest,
    })),
  }
}

async function sharedTables(progress) {
  const stage = await openStage()
  try {
    progress('making 500 protected tables and 1,000 tenants')
    await addRowTenants(stage, ROW_TENANTS, 'row-')
    for (let at = 0; at < SHARED_TABLES; at++) {
      const parent = at === 0 ? '' : `, parent_id bigint references shared_${at - 1} (id)`
      await stage.admin(
        `create table shared_${at} (id bigint generated always as identity primary key, name text${parent})`,
      )
      await stage.tenantry.protect(`shared_${at}`)
    }
    return await measure(stage, '500 shared tables s', progress)
  } finally {
    await stage.close()
  }
}

async function schemas(progress) {
  const migrations = await mkdtemp(path.join(os.tmpdir(), 'tenantry-bench-migrations-'))
  await mkdir(path.join(migrations, 'tenant'))
  const names = Array.from({ length: TABLES_A_SCHEMA }, (_, at) => `thing_${at}`)
  const text = names.map(
    (name) => `create table ${name} (id bigint generated always as identity primary key, name text);`,
  )
  await writeFile(path.join(migrations, 'tenant', '0001_tables.sql'), text.join('\n'))
  const stage = await openStage({ migrations, isolation: 'schema' })
  try {
    for (let at = 0; at < SCHEMAS; at++) {
      await stage.tenantry.tenants.create({ name: `t ${at}`, slug: `t-${at}` })
      if (at % 100 === 99) progress(`${at + 1} of ${SCHEMAS} schemas`)
    }
    return await measure(stage, '1000 schemas s', progress)
  } finally {
    await stage.close()
    await rm(migrations, { recursive: true, force: true })
  }
}

async function measure(stage, key, progress) {
  await stage.admin('analyze')
  const { rows } = await stage.central('select id from tenantry.instance')
  const [login, app, central] = ['login', 'app', 'central'].map((part) => `tn_${rows[0].id}_${part}`)
  const roles = { login, app, central }
  const admin = openCentralDatabase({ url: stage.adminUrl })
  try {
    const times = []
    const onProgress = (done, total, what) => {
      times.push({ what, at: performance.now() })
      if (done % 10 === 0 || done === total) progress(`${key}: ${done} of ${total}`)
    }
    const startedAt = performance.now()
    const checks = await checkCatalogue(admin, { roles, loginUser: login, sharedSchemas: ['public'], onProgress })
    const s = round((performance.now() - startedAt) / 1000)
    const failed = checks.filter(({ ok }) => !ok)
    if (failed.length > 0)
      throw new Error(`verify found ${failed.length} violations, the first: ${JSON.stringify(failed[0])}`)
    const fingerprintAt = performance.now()
    await catalogueFingerprint(admin, roles)
    const fingerprint = round((performance.now() - fingerprintAt) / 1000)
    const whole = await measureWhole(stage, key, progress)
    return { key, s, fingerprint, whole, checks: checks.length, slowest: slowestOf(times) }
  } finally {
    await admin.close()
  }
}

/** Catalogue, live probes and the stored, signed report. */
async function measureWhole(stage, key, progress) {
  const verifier = await openVerifier(stage.adminUrl)
  try {
    const startedAt = performance.now()
    const { ok, checks } = await verifier.run({
      onProgress: ({ step, done, of }) =>
        (done % 100 === 0 || done === of) && progress(`${key}: ${step} ${done} of ${of}`),
    })
    const s = round((performance.now() - startedAt) / 1000)
    if (!ok) throw new Error(`verify failed: ${JSON.stringify(checks.find((check) => !check.ok))}`)
    return s
  } finally {
    await verifier.close()
  }
}

function slowestOf(times) {
  const each = times.slice(0, -1).map(({ what, at }, index) => ({ what, ms: times[index + 1].at - at }))
  const [slowest] = each.sort((a, b) => b.ms - a.ms)
  return `${slowest.what} (${Math.round(slowest.ms)} ms)`
}
