// What verify keeps in the control plane: its runs, the seed of its key, and the audit entry where the catalogue has
// changed between two runs.
import type { KeyObject } from 'node:crypto'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { fails } from './check.ts'
import { keyOfSeed, signReport, type UnsignedReport, type VerifyReport } from './report.ts'

const MAKE_SEED = `
  insert into tenantry.verify_key (seed)
  select sha256(convert_to(string_agg(gen_random_uuid()::text, ''), 'UTF8')) from generate_series(1, 4)
  on conflict do nothing`

const PREVIOUS = `
  select fingerprint, parts from tenantry.verify_run where fingerprint is not null order by seq desc limit 1`

const INSERT_RUN = `
  insert into tenantry.verify_run (id, started_at, finished_at, ok, half, read_only, fingerprint, parts, failed, report,
    signature) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

const INSERT_AUDIT = `
  insert into tenantry.audit_entry (id, actor, action, detail) values ($1, $2, $3, $4)`

const LAST = 'select report from tenantry.verify_run order by seq desc limit 1'

/** The key that signs this instance's reports, made where there is none. */
export async function readKey(sql: Sql): Promise<KeyObject> {
  const read = () => sql.query<{ seed: Buffer }>('select seed from tenantry.verify_key')
  let { rows } = await read()
  if (rows.length === 0) {
    await sql.query(MAKE_SEED)
    rows = (await read()).rows
  }
  const seed = rows[0]?.seed
  if (seed === undefined) throw new TenantryError('INTERNAL', 'The key that signs reports could not be made.')
  return keyOfSeed(seed)
}

export type Unstored = Omit<UnsignedReport, 'changed'>

/** Signs and stores a run. Where the catalogue is not what it was, an audit entry names the parts that changed. */
export async function storeRun(database: CentralDatabase, run: Unstored, actor: string): Promise<VerifyReport> {
  const key = await readKey(database)
  return database.transaction(async (tx) => {
    // Runs that end together take turns, so that each is compared with the one before it.
    await tx.query('select 1 from tenantry.instance for update')
    const { rows } = await tx.query<{ fingerprint: string; parts: Readonly<Record<string, string>> }>(PREVIOUS)
    const before = run.fingerprint === null ? undefined : rows[0]
    const changed = before === undefined ? null : changedParts(before.parts, run.parts ?? {})
    const report = signReport({ ...run, changed }, key)
    await insertRun(tx, report)
    if (before !== undefined && changed !== null && changed.length > 0) {
      const detail = { parts: changed, before: before.fingerprint, after: run.fingerprint }
      await tx.query(INSERT_AUDIT, [newId(), actor, 'verify.catalogue_changed', JSON.stringify(detail)])
    }
    return report
  })
}

async function insertRun(tx: Sql, report: VerifyReport): Promise<void> {
  const failed = report.checks
    .filter((check) => fails(check, report.allowSkipped))
    .map(({ name, subject }) => ({ name, subject }))
  await tx.query('update tenantry.verify_run set report = null where report is not null')
  await tx.query(INSERT_RUN, [
    ...[newId(), report.startedAt, report.finishedAt, report.ok, report.only, report.readOnly, report.fingerprint],
    ...[report.parts === null ? null : JSON.stringify(report.parts), JSON.stringify(failed)],
    ...[JSON.stringify(report), report.signature],
  ])
}

function changedParts(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].filter((name) => before[name] !== after[name]).sort()
}

/** The newest run's report. Throws VERIFY_NOT_RUN where there is none. */
export async function readLastReport(sql: Sql): Promise<VerifyReport> {
  const { rows } = await sql.query<{ report: VerifyReport | null }>(LAST)
  const report = rows[0]?.report
  if (report) return report
  throw new TenantryError('VERIFY_NOT_RUN', 'Verify has not run on this instance yet.')
}
