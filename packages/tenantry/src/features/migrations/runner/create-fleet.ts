// `tenantry.migrations`: status, up, retry, drift and runs over all tenants of an instance.
import type { CentralDatabase, Sql } from '../../../engine/sql/database.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { newId } from '../../../kernel/ids.ts'
import type { TenantRoles } from '../../../tenants/options.ts'
import { tenantKey } from '../../../tenants/reference.ts'
import { getTenant } from '../../../tenants/registry.ts'
import type { TenantRef } from '../../../tenants/tenant.ts'
import type { Migrations } from '../create-migrations.ts'
import type { FleetMigrations, FleetStatus, MigrateOptions, MigrationRun } from '../fleet.ts'
import type { MigrationFile, MigrationFiles } from '../migration-file.ts'
import { pendingFiles, readLedger } from '../migration-ledger.ts'
import { migrationWarnings } from '../migration-warnings.ts'
import { driftOf } from '../drift.ts'
import { chainOf, ensureReference, refuseOtherThanApplied } from '../reference.ts'
import { leavesTransactions } from './apply-tenant.ts'
import { batchSizeFor } from './batch-size.ts'
import { FleetRun, type RunOutcome } from './fleet-run.ts'
import { type Chosen, MIGRATABLE, countProven, readPending, readStatus } from './fleet-store.ts'
import { Heartbeat, type LeaseTimes, leaseTimes, openRun, stopRun } from './lease.ts'
import { checkNumbers, type RunNumbers } from './run-options.ts'
import { schemaTarget } from './tenant-target.ts'
import { endRun, readRun, readRuns, setShared } from './run-store.ts'

export interface FleetOptions {
  readonly database: CentralDatabase
  /** Opens connections of a run's own, so that it does not take those that serve. */
  readonly open: (connections: number) => CentralDatabase
  readonly migrations: Migrations
  readonly files: MigrationFiles
  readonly roles: TenantRoles
  /** Default: a heartbeat a second, dead after five silent ones. */
  readonly times?: LeaseTimes
  /** How long the server may be away in the middle of a run before it ends as failed. Default: 60 s. */
  readonly outageMs?: number
}

const OUTAGE_MS = 60_000

/**
 * Migrations over all tenants, from files that were read before.
 *
 * @example
 * ```ts
 * const fleet = createFleetMigrations({ database, open, migrations, files, roles: instance.roles })
 * const run = await fleet.up({ canary: ['acme-corp'], waves: [0.01, 0.1, 1] })
 * ```
 */
export function createFleetMigrations(options: FleetOptions): FleetMigrations {
  return {
    status: () => statusOf(options),
    up: (given = {}) => up(options, given, false),
    retry: (given = {}) => up(options, given, true),
    drift: async (selection = {}) => driftOf(options, await choose(options.database, selection, false)),
    runs: () => readRuns(options.database),
    stop: (runId, { actor = 'library' } = {}) => stop(options, { id: runId, actor }),
  }
}

async function stop(
  { database, times = leaseTimes }: FleetOptions,
  told: { readonly id: string; readonly actor: string },
): Promise<MigrationRun> {
  await stopRun(database, told, times)
  return readRun(database, told.id)
}

async function statusOf({ database, files }: FleetOptions): Promise<FleetStatus> {
  const { shared, ...status } = await readStatus(database, chainOf(files.tenant))
  const applied = new Set(shared)
  return {
    ...status,
    target: files.tenant.at(-1)?.name ?? null,
    shared: {
      applied: applied.size,
      pending: files.shared.map(({ name }) => name).filter((name) => !applied.has(name)),
    },
    warnings: migrationWarnings(files),
  }
}

async function up(options: FleetOptions, given: MigrateOptions, onlyFailed: boolean): Promise<MigrationRun> {
  const numbers = checkNumbers(given)
  const { database, files } = options
  const chosen = await choose(database, given, onlyFailed)
  const canary = await Promise.all((given.canary ?? []).map((ref) => idOf(database, ref)))
  const nothing = await nothingToDo(options, chosen, given.dryRun === true)
  if (nothing !== undefined) return nothing
  const runId = newId()
  const actor = given.actor ?? 'library'
  // Files that run outside of a transaction do so beside the one that holds their tenant.
  const own = options.open((leavesTransactions(files.tenant) ? 2 : 1) * numbers.connections + 1)
  try {
    const target = files.tenant.at(-1)?.name ?? null
    await openRun(own, { id: runId, actor, target }, options.times ?? leaseTimes)
    const outcome = await runUnderLease({ ...options, database: own }, { runId, actor, numbers, chosen, canary, given })
    const run = await readRun(own, runId)
    return outcome === undefined ? run : { ...run, ...outcome }
  } finally {
    await own.close()
  }
}

/** Ids where tenants were named. Throws TENANT_NOT_FOUND. */
async function choose(database: CentralDatabase, given: MigrateOptions, onlyFailed: boolean): Promise<Chosen> {
  const { tenants, filter = {} } = given
  const ids = tenants === undefined ? null : await Promise.all(tenants.map((ref) => idOf(database, ref)))
  return { ids, plan: filter.plan ?? null, isolation: filter.isolation ?? null, onlyFailed }
}

async function idOf(database: CentralDatabase, ref: TenantRef): Promise<string> {
  const key = tenantKey(ref)
  return key.column === 'id' ? key.value : (await getTenant(database, ref)).id
}

/** The answer where there is nothing to do, or nothing may be done; no run is written down for it. */
async function nothingToDo(
  { database, files }: FleetOptions,
  chosen: Chosen,
  dryRun: boolean,
): Promise<MigrationRun | undefined> {
  const chain = chainOf(files.tenant)
  const [pending, upToDate, ledger] = await Promise.all([
    readPending(database, chain, chosen),
    countProven(database, chain, chosen),
    readLedger(database, null),
  ])
  const shared = pendingFiles(files.shared, ledger).map(({ name }) => name)
  if (!dryRun && (pending.length > 0 || shared.length > 0)) return undefined
  if (pending.length > 0) await refuseOtherThanApplied(database, files.tenant)
  const at = new Date().toISOString()
  return {
    ...{ runId: newId(), state: 'complete', target: files.tenant.at(-1)?.name ?? null, dryRun, shared, upToDate },
    ...{ total: pending.length, done: 0, failed: 0, wave: 0, failures: [], reason: null },
    ...{ startedAt: at, finishedAt: at, durationMs: 0 },
  }
}

interface Leased {
  readonly runId: string
  readonly actor: string
  readonly numbers: RunNumbers
  readonly chosen: Chosen
  readonly canary: readonly string[]
  readonly given: MigrateOptions
}

/** Runs, and writes the end down. Returns the end where it could not be written, because another has the run. */
async function runUnderLease(options: FleetOptions, leased: Leased): Promise<RunOutcome | undefined> {
  const { database } = options
  let run: FleetRun | undefined
  const none = { total: 0, upToDate: 0, done: 0, failed: 0, wave: 0 }
  const heartbeat = new Heartbeat(database, leased.runId, {
    times: options.times ?? leaseTimes,
    tally: () => run?.tally ?? none,
  })
  try {
    run = await prepare(options, leased, heartbeat)
    const outcome = await run.run()
    await close(options, { leased, heartbeat, outcome })
    run.tellEnd(outcome.state)
    return outcome.state === 'interrupted' ? outcome : undefined
  } catch (error) {
    const reason = error instanceof TenantryError ? error.message : 'It failed before any tenant was touched.'
    await close(options, { leased, heartbeat, outcome: { state: 'failed', reason } }).catch(() => {})
    throw error
  } finally {
    await heartbeat.close()
  }
}

interface Closing {
  readonly leased: Leased
  readonly heartbeat: Heartbeat
  readonly outcome: RunOutcome
}

async function close({ database }: FleetOptions, { leased, heartbeat, outcome }: Closing): Promise<void> {
  await heartbeat.beat()
  await heartbeat.close()
  const { state, reason } = outcome
  await database.transaction((tx) => endRun(tx, { id: leased.runId, actor: leased.actor, state, reason }))
}

/** What goes before the first tenant: the shared tables, and the reference. */
async function prepare(options: FleetOptions, leased: Leased, heartbeat: Heartbeat): Promise<FleetRun> {
  const { database, files, roles } = options
  const { runId, numbers, chosen, canary, given } = leased
  const shared = await options.migrations.applyShared(database)
  if (shared.length > 0) await setShared(database, runId, shared)
  await refuseOtherThanApplied(database, files.tenant)
  const reference = await ensureReference(database, files.tenant, roles)
  const pending = await pendingOfFleet(database, files.tenant)
  // Code can do with one tenant what it does with no other, and what it touches is told apart by transaction only.
  const isAlone = leavesTransactions(pending) || pending.some(({ run }) => run !== undefined)
  const goal = { files: files.tenant, reference, roles, lockTimeoutMs: numbers.lockTimeoutMs, runId }
  return new FleetRun({
    ...{ database, runId, chosen, canary, numbers },
    ...{ chain: reference.chain, target: schemaTarget(database, goal) },
    batchSize: isAlone
      ? 1
      : await batchSizeFor(database, { wanted: numbers.batchSize, connections: numbers.connections }),
    upToDate: await countProven(database, reference.chain, chosen),
    signal: given.signal,
    onProgress: given.onProgress,
    heartbeat,
    outageMs: options.outageMs ?? OUTAGE_MS,
  })
}

/** The files that some tenant lacks. */
async function pendingOfFleet(sql: Sql, files: readonly MigrationFile[]): Promise<readonly MigrationFile[]> {
  const { rows } = await sql.query<{ name: string }>(
    `select m.name from tenantry.tenant t join tenantry.migration m on m.tenant_id = t.id where ${MIGRATABLE}
      group by m.name having count(*) = (select count(*) from tenantry.tenant t where ${MIGRATABLE})`,
  )
  const carried = new Set(rows.map(({ name }) => name))
  return files.filter(({ name }) => !carried.has(name))
}
