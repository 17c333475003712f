// The fleet as the control plane knows it: who is to be migrated, who carries what, and who failed.
import type { Sql } from '../../../engine/sql/database.ts'
import type { FleetStatus, MigrationFailure } from '../fleet.ts'
import { runColumns, toRun } from './run-store.ts'
import type { LedgerEntry } from '../migration-ledger.ts'
import type { TenantSchema } from './state-store.ts'

/** Which tenants, as ids where they were named. */
export interface Chosen {
  readonly ids: readonly string[] | null
  readonly plan: string | null
  readonly isolation: string | null
  /** Only those whose last attempt failed. */
  readonly onlyFailed: boolean
}

/** Schema tenants that can be entered once they are active: suspended ones too, deleted and unprovisioned ones not. */
export const MIGRATABLE = `t.isolation = 'schema' and t.provisioned_at is not null and t.status in ('active', 'suspended', 'inactive')`

const CHOSEN = `($2::uuid[] is null or t.id = any ($2)) and ($3::text is null or t.plan = $3)
  and ($4::text is null or t.isolation = $4) and (not $5::boolean or s.state = 'failed')`

const isProven = `coalesce(s.state = 'proven' and s.chain = $1, false)`

const chosenValues = (chain: string, { ids, plan, isolation, onlyFailed }: Chosen) => [
  ...[chain, ids, plan, isolation, onlyFailed],
]

/** The tenants that are not proven to be at this chain, oldest first. */
export async function readPending(sql: Sql, chain: string, chosen: Chosen): Promise<readonly TenantSchema[]> {
  const { rows } = await sql.query<TenantSchema>(
    `select t.id, t.slug, t.schema_name as "schemaName"
       from tenantry.tenant t left join tenantry.migration_state s on s.tenant_id = t.id
      where ${MIGRATABLE} and ${CHOSEN} and not ${isProven} order by t.id`,
    chosenValues(chain, chosen),
  )
  return rows
}

/** Tenants whose ledgers are equal. */
export interface LedgerGroup {
  readonly files: readonly LedgerEntry[]
  readonly tenants: readonly TenantSchema[]
}

// Ledgers are compared on the server: those of thousands of tenants are not worth their transfer.
const selectLedgerGroups = `
select g.tenants, coalesce((select json_agg(json_build_object('name', m.name, 'checksum', m.checksum) order by m.name)
    from tenantry.migration m where m.tenant_id = g.sample), '[]') as files
  from (
    select min(l.id::text)::uuid as sample, json_agg(json_build_object('id', l.id, 'slug', l.slug, 'schemaName', l.schema_name) order by l.id) as tenants
      from (select t.id, t.slug, t.schema_name,
                (select string_agg(m.name || ' ' || m.checksum, ',' order by m.name) from tenantry.migration m where m.tenant_id = t.id) as ledger
              from tenantry.tenant t left join tenantry.migration_state s on s.tenant_id = t.id
             where $1::text is null and ${MIGRATABLE} and ${CHOSEN}
               and not exists (select from tenantry.operation o where o.tenant_id = t.id and o.state = 'running')) l
     group by l.ledger) g order by g.sample`

/** The chosen tenants by what they carry; one that is being made or moved is left out. */
export async function readLedgerGroups(
  sql: Sql,
  { ids, plan, isolation, onlyFailed }: Chosen,
): Promise<readonly LedgerGroup[]> {
  return (await sql.query<LedgerGroup>(selectLedgerGroups, [null, ids, plan, isolation, onlyFailed])).rows
}

/** How many of the chosen are at this chain, proven. */
export async function countProven(sql: Sql, chain: string, chosen: Chosen): Promise<number> {
  const { rows } = await sql.query<{ proven: number }>(
    `select count(*)::integer as proven
       from tenantry.tenant t left join tenantry.migration_state s on s.tenant_id = t.id
      where ${MIGRATABLE} and ${CHOSEN} and ${isProven}`,
    chosenValues(chain, chosen),
  )
  return rows[0]?.proven ?? 0
}

/**
 * Locks the rows of these tenants that can be migrated, but for those that somebody else holds; returns the locked ones,
 * and which others are there still.
 */
export async function lockTenants(
  tx: Sql,
  ids: readonly string[],
): Promise<{ readonly locked: readonly TenantSchema[]; readonly busy: readonly string[] }> {
  const [{ rows: locked }, { rows: there }] = await Promise.all([
    tx.query<TenantSchema>(
      `select t.id, t.slug, t.schema_name as "schemaName" from tenantry.tenant t
        where t.id = any ($1::uuid[]) and ${MIGRATABLE} order by t.id for no key update skip locked`,
      [ids],
    ),
    tx.query<{ id: string }>(`select t.id from tenantry.tenant t where t.id = any ($1::uuid[]) and ${MIGRATABLE}`, [
      ids,
    ]),
  ])
  const held = new Set(locked.map(({ id }) => id))
  return { locked, busy: there.map(({ id }) => id).filter((id) => !held.has(id)) }
}

const insertFailure = `
with state as (
  insert into tenantry.migration_state as state (tenant_id, state, attempts, run_id) values ($2, 'failed', 1, $1)
  on conflict (tenant_id) do update set state = 'failed', attempts = state.attempts + 1, run_id = $1, updated_at = now()
  returning attempts
)
insert into tenantry.migration_failure (run_id, tenant_id, code, sql_state, migration, message, attempts)
select $1, $2, $3, $4, $5, $6, attempts from state
on conflict (run_id, tenant_id) do update set code = $3, sql_state = $4, migration = $5, message = $6,
  attempts = excluded.attempts, failed_at = now()`

/** Writes down why a run left a tenant behind. */
export async function writeFailure(
  tx: Sql,
  runId: string,
  { tenantId, code, sqlState, migration, message }: Omit<MigrationFailure, 'attempts' | 'slug'>,
): Promise<void> {
  await tx.query(insertFailure, [runId, tenantId, code, sqlState, migration, message])
}

interface StatusRow {
  readonly versions: readonly { migration: string | null; tenants: number; upToDate: number; failed: number }[]
  readonly applied: number
  readonly shared: readonly string[]
  readonly run: Parameters<typeof toRun>[0] | null
}

// Tenants that were provisioned before their state was kept have a ledger alone.
const selectStatus = `
select coalesce((select json_agg(v order by v.migration nulls first) from (
    select case when s.tenant_id is null then (select max(m.name) from tenantry.migration m where m.tenant_id = t.id) else s.newest end as migration,
      count(*)::integer as tenants, count(*) filter (where ${isProven})::integer as "upToDate",
      count(*) filter (where s.state = 'failed')::integer as failed
      from tenantry.tenant t left join tenantry.migration_state s on s.tenant_id = t.id
     where ${MIGRATABLE} group by 1) v), '[]') as versions,
  coalesce((select json_agg(m.name order by m.name) from tenantry.migration m where m.tenant_id is null), '[]') as shared,
  (select to_json(run) from (select ${runColumns} from tenantry.migration_run r order by r.started_at desc, r.id desc limit 1) run) as run`

/** What there is to say of the fleet without the folders: in one query. */
export async function readStatus(
  sql: Sql,
  chain: string,
): Promise<
  Pick<FleetStatus, 'total' | 'upToDate' | 'pending' | 'failed' | 'versions' | 'run'> & {
    readonly shared: readonly string[]
  }
> {
  const { rows } = await sql.query<StatusRow>(selectStatus, [chain])
  const { versions = [], shared = [], run = null } = rows[0] ?? {}
  const sum = (key: 'tenants' | 'upToDate' | 'failed') => versions.reduce((total, each) => total + each[key], 0)
  const [total, upToDate, failed] = [sum('tenants'), sum('upToDate'), sum('failed')]
  return {
    ...{ total, upToDate, failed, pending: total - upToDate - failed, shared },
    versions: versions.map(({ migration, tenants }) => ({ migration, tenants })),
    run: run === null ? null : toRun(run),
  }
}
