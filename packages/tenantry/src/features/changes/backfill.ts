// Fills the new column of rows that were there before a change, range of blocks by range of blocks. Each batch notes in
// its own transaction how far it came, so that nothing is done twice and nothing is passed over, whoever goes on.
import { setTimeout as sleep } from 'node:timers/promises'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { sqlStateOf } from '../../engine/sql/database-errors.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { quoteIdentifier as quote } from '../../kernel/identifiers.ts'
import type { BackfillOptions, ColumnChange } from './change.ts'
import { readStatus } from './change-ledger.ts'
import { namesOf } from './column-steps.ts'
import { withLockRetries } from './lock-retries.ts'

// Below PostgreSQL's deadlock_timeout of a second: of a batch and an application that wait for each other it is the batch
// that gives up, and takes its turn again.
const LOCK_TIMEOUT_MS = 500
const DEFAULT_BATCH_MS = 100
const DEFAULT_RETRIES = 20
const FIRST_BLOCKS = 8
const MOST_BLOCKS = 8_192
const POLL_MS = 50

export interface Backfill {
  readonly database: CentralDatabase
  readonly change: ColumnChange
  readonly options: BackfillOptions
}

interface Target {
  readonly tenantId: string | null
  readonly relation: string
  readonly file: string | null
  readonly nextBlock: string
}

/** `elsewhere`: what is open, another process has in hand. */
type Batch = 'ours' | 'elsewhere' | 'over'

/** Fills every target that is open; returns when none is, or when the signal says so. */
export async function runBackfill(backfill: Backfill): Promise<void> {
  const { database, change, options } = backfill
  const { batchMs = DEFAULT_BATCH_MS, pauseMs = 0, signal } = options
  let blocks = FIRST_BLOCKS
  while (signal?.aborted !== true) {
    const startedAt = performance.now()
    const batch = await takeBatch(backfill, blocks)
    if (batch === 'over') return
    if (options.onProgress !== undefined) {
      const { targets, done, filled } = await readStatus(database, change.name)
      options.onProgress({ targets, done, filled })
    }
    const tookMs = performance.now() - startedAt
    blocks = Math.max(1, Math.min(MOST_BLOCKS, tookMs > batchMs ? Math.floor(blocks / 2) : blocks * 2))
    const waitMs = batch === 'elsewhere' ? POLL_MS : pauseMs
    if (waitMs > 0) await sleep(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  }
}

async function takeBatch(backfill: Backfill, blocks: number): Promise<Batch> {
  const { database, change, options } = backfill
  let taken: Target | undefined
  try {
    return await withLockRetries(
      database,
      {
        ...{
          lockTimeoutMs: LOCK_TIMEOUT_MS,
          lockRetries: options.lockRetries ?? DEFAULT_RETRIES,
          signal: options.signal,
        },
        what: `the backfill of ${change.table}`,
      },
      async (tx) => {
        taken = (await tx.query<Target>(claimTarget, [change.name])).rows[0]
        if (taken === undefined) {
          const { rows } = await tx.query<{ open: boolean }>(anyOpen, [change.name])
          return rows[0]?.open === true ? 'elsewhere' : 'over'
        }
        await fillBlocks(tx, { change, target: taken, blocks })
        return 'ours'
      },
    )
  } catch (error) {
    if (options.signal?.aborted === true) return 'over'
    if (taken === undefined || isLost(error)) throw error
    await noteFailure(database, { change, target: taken, error })
    return 'ours'
  }
}

const isLost = (error: unknown) => error instanceof TenantryError && error.code === 'DATABASE_UNAVAILABLE'

const claimTarget = `
select tenant_id as "tenantId", relation, file::text as file, next_block::text as "nextBlock" from tenantry.change_target
 where change = $1 and state = 'open' order by tenant_id, relation limit 1 for update skip locked`

const anyOpen = `select exists (select from tenantry.change_target where change = $1 and state = 'open') as open`

interface Piece {
  readonly change: ColumnChange
  readonly target: Target
  readonly blocks: number
}

async function fillBlocks(tx: Sql, { change, target, blocks }: Piece): Promise<void> {
  const schema = await enterSchema(tx, change, target)
  const size = schema === undefined ? undefined : await measure(tx, target.relation)
  // The tenant was deleted, or the table dropped: what is gone has no rows to fill.
  if (size === undefined) return noteProgress(tx, { change, target, next: 0, filled: 0, end: 0, file: null })
  const from = target.file === size.file ? Number(target.nextBlock) : 0
  const next = Math.min(from + blocks, size.blocks)
  // Setting it to what it is: the trigger fills it, by the same rule as for everything else.
  const to = quote(change.to.name)
  const { rowCount } = await tx.query(
    `update only ${quote(target.relation)} set ${to} = ${to}
      where ctid >= $1::tid and ctid < $2::tid and ${to} is null and (${change.forward}) is not null`,
    [`(${from},0)`, `(${next},0)`],
  )
  await noteProgress(tx, { change, target, next, filled: rowCount ?? 0, end: size.blocks, file: size.file })
}

/** Puts the schema of the target in front; undefined where the tenant has none to work in. Holds the tenant till then. */
async function enterSchema(tx: Sql, change: ColumnChange, { tenantId }: Target): Promise<string | undefined> {
  let schema = change.schema ?? 'public'
  if (tenantId !== null) {
    const { rows } = await tx.query<{ name: string }>(
      `select schema_name as name from tenantry.tenant
        where id = $1 and status not in ('deleted', 'purged') and provisioned_at is not null for share`,
      [tenantId],
    )
    if (rows[0] === undefined) return undefined
    schema = rows[0].name
  }
  await tx.query(`set local search_path = ${quote(schema)}, pg_temp`)
  return schema
}

interface Size {
  readonly blocks: number
  readonly file: string
}

async function measure(tx: Sql, relation: string): Promise<Size | undefined> {
  const { rows } = await tx.query<Size>(
    `select (pg_relation_size(oid) / current_setting('block_size')::bigint)::float8 as blocks, pg_relation_filenode(oid)::text as file
       from pg_class where oid = to_regclass(quote_ident($1))`,
    [relation],
  )
  return rows[0]
}

interface Progress {
  readonly change: ColumnChange
  readonly target: Target
  readonly next: number
  readonly filled: number
  readonly end: number
  readonly file: string | null
}

async function noteProgress(tx: Sql, { change, target, next, filled, end, file }: Progress): Promise<void> {
  await tx.query(
    `update tenantry.change_target set next_block = $4::bigint, filled = filled + $5, blocks = $6::bigint, file = $7::bigint, updated_at = now(),
            state = case when $4::bigint >= $6::bigint then 'done' else 'open' end
      where change = $1 and tenant_id is not distinct from $2::uuid and relation = $3`,
    [change.name, target.tenantId, target.relation, next, filled, end, file],
  )
}

interface Failed {
  readonly change: ColumnChange
  readonly target: Target
  readonly error: unknown
}

async function noteFailure(database: CentralDatabase, { change, target, error }: Failed): Promise<void> {
  const code = error instanceof TenantryError ? error.code : 'DATABASE_ERROR'
  await database.query(
    `update tenantry.change_target set state = 'failed', error_code = $4, sql_state = $5, updated_at = now()
      where change = $1 and tenant_id is not distinct from $2::uuid and relation = $3`,
    [change.name, target.tenantId, target.relation, code, sqlStateOf(error) ?? null],
  )
}

// The table itself, its partitions and its children: whatever has rows of its own. With the trigger, because a table that
// no migration has expanded yet is not there to be filled.
const tree = (root: string) => `
with recursive tree (tenant_id, oid) as (
  ${root}
  union all select t.tenant_id, i.inhrelid from pg_inherits i join tree t on t.oid = i.inhparent)
insert into tenantry.change_target (change, tenant_id, relation)
select $1, t.tenant_id, c.relname from tree t join pg_class c on c.oid = t.oid where c.relkind = 'r'
    on conflict (change, tenant_id, relation) do nothing`

const insertShared = tree(`
  select null::uuid, c.oid from pg_class c join pg_trigger g on g.tgrelid = c.oid and g.tgname = $3
   where c.relname = $2 and c.relnamespace = to_regnamespace(quote_ident($4))`)

const insertTenants = tree(`
  select t.id, c.oid from tenantry.tenant t join pg_namespace n on n.nspname = t.schema_name
    join pg_class c on c.relnamespace = n.oid and c.relname = $2
    join pg_trigger g on g.tgrelid = c.oid and g.tgname = $3
   where t.isolation = 'schema' and t.provisioned_at is not null and t.status not in ('deleted', 'purged')`)

// Those without a file had no rows to fill when it was their turn: their tenant was deleted, and may be back.
const reopen = {
  new: `state = 'done' and file is null`,
  failed: `state = 'failed' or (state = 'done' and file is null)`,
  all: `state <> 'open'`,
} as const

/** Notes what there is to fill: tables that came since, and of those that are known the ones asked for, from their start. */
export async function openTargets(tx: Sql, change: ColumnChange, again: keyof typeof reopen): Promise<void> {
  const values = [change.name, change.table, namesOf(change).trigger]
  const isOpenable = `change = $1 and (${reopen[again]}) and (tenant_id is null or exists (
    select from tenantry.tenant t where t.id = tenant_id and t.status not in ('deleted', 'purged')))`
  await tx.query(
    `update tenantry.change_target set state = 'open', error_code = null, sql_state = null, next_block = 0, file = null
      where ${isOpenable}`,
    [change.name],
  )
  if (change.set === 'tenant') await tx.query(insertTenants, values)
  else await tx.query(insertShared, [...values, change.schema ?? 'public'])
}
