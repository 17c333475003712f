// What tenants carry: their ledgers, and the state that says how much of it is proven.
import type { Sql } from '../../../engine/sql/database.ts'
import type { MigrationFile } from '../migration-file.ts'
import type { LedgerEntry } from '../migration-ledger.ts'
import { forgetSteps } from '../outside/step-store.ts'
import { chainOf } from '../reference.ts'
import type { Goal } from './apply-batch.ts'

/** A tenant with a schema of its own. */
export interface TenantSchema {
  readonly id: string
  readonly slug: string
  readonly schemaName: string
}

/** The ledgers of these tenants, by id; one that carries nothing has none. */
export async function readLedgers(
  tx: Sql,
  tenants: readonly TenantSchema[],
): Promise<ReadonlyMap<string, readonly LedgerEntry[]>> {
  const { rows } = await tx.query<{ id: string; files: readonly LedgerEntry[] }>(
    `select tenant_id as id, json_agg(json_build_object('name', name, 'checksum', checksum) order by name) as files
       from tenantry.migration where tenant_id = any ($1::uuid[]) group by tenant_id`,
    [tenants.map(({ id }) => id)],
  )
  return new Map(rows.map(({ id, files }) => [id, files]))
}

export interface Proven {
  readonly goal: Goal
  readonly pending: readonly MigrationFile[]
  readonly tenants: readonly TenantSchema[]
  /** Of one tenant. */
  readonly durationMs: number
}

const insertLedger = `
insert into tenantry.migration (tenant_id, name, checksum)
select tenant.id, file.name, file.checksum
  from unnest($1::uuid[]) as tenant (id), unnest($2::text[], $3::text[]) as file (name, checksum)`

const upsertProven = `
insert into tenantry.migration_state as state (tenant_id, state, newest, chain, fingerprint, duration_ms, run_id)
select id, 'proven', $2, $3, $4, $5, $6 from unnest($1::uuid[]) as tenant (id)
on conflict (tenant_id) do update set state = 'proven', newest = $2, chain = $3, fingerprint = $4, duration_ms = $5,
  run_id = $6, attempts = 0, updated_at = now()`

const upsertPartial = `
insert into tenantry.migration_state as state (tenant_id, state, newest, chain, run_id) values ($1, 'partial', $2, $3, $4)
on conflict (tenant_id) do update set state = 'partial', newest = $2, chain = $3, fingerprint = null, run_id = $4, updated_at = now()`

/** Writes down what a tenant carries on its way, of which nothing is proven yet. */
export async function writePartial(
  tx: Sql,
  tenantId: string,
  {
    carried,
    added,
    runId,
  }: {
    readonly carried: readonly LedgerEntry[]
    readonly added: readonly LedgerEntry[]
    readonly runId: string | null
  },
): Promise<void> {
  await Promise.all([
    tx.query(insertLedger, [[tenantId], added.map(({ name }) => name), added.map(({ checksum }) => checksum)]),
    tx.query('update tenantry.tenant set migration_version = $2 where id = $1', [tenantId, carried.length]),
    tx.query(upsertPartial, [tenantId, carried.at(-1)?.name ?? null, chainOf(carried), runId]),
    forgetSteps(
      tx,
      tenantId,
      added.map(({ name }) => name),
    ),
  ])
}

/** Writes down that these tenants carry all files now, and that their schemas were seen to be as the reference. */
export async function writeProven(tx: Sql, { goal, pending, tenants, durationMs }: Proven): Promise<void> {
  const { reference, files, runId } = goal
  const ids = tenants.map(({ id }) => id)
  const names = pending.map(({ name }) => name)
  await Promise.all([
    pending.length > 0 && tx.query(insertLedger, [ids, names, pending.map(({ checksum }) => checksum)]),
    tx.query(
      `update tenantry.tenant set migration_version = $2 where id = any ($1::uuid[]) and migration_version <> $2`,
      [ids, files.length],
    ),
    tx.query(upsertProven, [ids, reference.newest, reference.chain, reference.fingerprint, durationMs, runId]),
  ])
}
