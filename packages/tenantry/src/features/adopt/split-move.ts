// Moves the rows of one tenant: first nobody may write them in the tables of before any more, then they are copied in
// batches, each of which also writes down how far it is, then they are compared. Can be gone on with at any point.
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { copyAlongKey, copyBlocks, HINDRANCES, sequenceStatements } from './split-sql.ts'
import type { SplitTable } from './split-tables.ts'
import { differing, type SplitTenant } from './split-tenants.ts'
import type { StageContext } from './stages/context.ts'

export interface Move {
  readonly context: StageContext
  readonly tenant: SplitTenant
  readonly tables: readonly SplitTable[]
}

/** Throws ADOPT_MISMATCH where what was copied is not what was there. */
export async function moveTenant(move: Move): Promise<void> {
  const { context, tenant, tables } = move
  if (tenant.state === 'proven') return
  if (tenant.state !== 'copied') {
    await closeTenant(move)
    await beginCopy(move)
    for (const table of tables) await copyTable(move, table)
    await endCopy(move)
  }
  await prove(move)
  context.progress({ stage: 'split', subject: tenant.slug, done: 1, total: 1 })
}

// Waits for whoever is writing the tenant's rows; see `tenantry.adopt_moved`.
function closeTenant({ context, tenant }: Move): Promise<unknown> {
  return context.session.transaction(tenant.slug, (tx) =>
    tx.query(
      `update tenantry.adopt_tenant set moved_at = clock_timestamp() where adoption_id = $1 and tenant_id = $2 and moved_at is null`,
      [context.adoptionId, tenant.id],
    ),
  )
}

function beginCopy({ context, tenant }: Move): Promise<void> {
  const place = [context.adoptionId, tenant.id]
  return context.session.transaction(tenant.slug, async (tx) => {
    const begun = await tx.query('select from tenantry.adoption_split where adoption_id = $1 and tenant_id = $2', place)
    if (begun.rows.length > 0) return
    const { rows } = await tx.query<{ remove: string; restore: string[] }>(HINDRANCES, [tenant.schema])
    for (const { remove } of rows) await tx.query(remove)
    await tx.query(
      `insert into tenantry.adoption_split (adoption_id, tenant_id, state, restore) values ($1, $2, 'copying', $3)`,
      [...place, rows.flatMap(({ restore }) => restore)],
    )
  })
}

interface Cursor {
  readonly part: number
  readonly cursor: readonly string[] | null
  readonly copied: number
}

async function copyTable(move: Move, table: SplitTable): Promise<void> {
  const { context } = move
  const { session, rest } = context
  for (;;) {
    session.signal?.throwIfAborted()
    const startedAt = performance.now()
    const { part, copied } = await session.transaction(
      move.tenant.slug,
      (tx) => copyBatch(tx, move, table),
      'set local synchronous_commit = off',
    )
    context.progress({ stage: 'split', subject: `${move.tenant.slug} ${table.table}`, done: copied, total: null })
    if (part >= table.parts.length) return
    await rest.after('split', performance.now() - startedAt)
  }
}

// Where it is is read by the transaction itself: one whose end was not heard of may have been committed.
async function copyBatch(tx: Sql, move: Move, table: SplitTable): Promise<Cursor> {
  const place = [move.context.adoptionId, move.tenant.id, table.table]
  const { rows } = await tx.query<Cursor>(
    `insert into tenantry.adoption_split_table (adoption_id, tenant_id, table_name) values ($1, $2, $3)
     on conflict (adoption_id, tenant_id, table_name) do update set part = adoption_split_table.part
     returning part, cursor, copied::float8 as copied`,
    place,
  )
  const from = rows[0] ?? { part: 0, cursor: null, copied: 0 }
  const part = table.parts[from.part]
  if (part === undefined) return from
  const copy = table.primaryKey.length > 0 ? copyKeys : copyBlockRange
  const { last, rows: copied } = await copy(tx, { ...move, table, part, after: from.cursor })
  // A part that has no more is left behind.
  const to = { part: last === null ? from.part + 1 : from.part, cursor: last, copied: from.copied + copied }
  await tx.query(
    `update tenantry.adoption_split_table set part = $4, cursor = $5, copied = $6
      where adoption_id = $1 and tenant_id = $2 and table_name = $3`,
    [...place, to.part, to.cursor, to.copied],
  )
  return to
}

interface Batch extends Move {
  readonly table: SplitTable
  readonly part: string
  readonly after: readonly string[] | null
}

interface Copied {
  /** Null where there was nothing left. */
  readonly last: readonly string[] | null
  readonly rows: number
}

async function copyKeys(tx: Sql, { context, tenant, table, part, after }: Batch): Promise<Copied> {
  const text = copyAlongKey(tenant, table, { part, after, size: context.batchSize })
  const { rows } = await tx.query<Copied>(text, after === null ? undefined : [after])
  return rows[0] ?? { last: null, rows: 0 }
}

const ROWS_A_BLOCK = 50

async function copyBlockRange(tx: Sql, { context, tenant, table, part, after }: Batch): Promise<Copied> {
  const size = context.batchSize
  const { rows } = await tx.query<{ blocks: number }>(
    `select ceil(pg_relation_size($1::regclass) / current_setting('block_size')::numeric)::float8 as blocks`,
    [part],
  )
  const from = Number(after?.[0] ?? 0)
  if (from >= (rows[0]?.blocks ?? 0)) return { last: null, rows: 0 }
  const to = from + Math.max(1, Math.ceil(size / ROWS_A_BLOCK))
  const { rowCount } = await tx.query(copyBlocks(tenant, table, { part, after, size }), [from, to])
  return { last: [String(to)], rows: rowCount ?? 0 }
}

function endCopy({ context, tenant, tables }: Move): Promise<void> {
  const place = [context.adoptionId, tenant.id]
  return context.session.transaction(tenant.slug, async (tx) => {
    const { rows } = await tx.query<{ restore: string[] }>(
      `update tenantry.adoption_split set state = 'copied' where adoption_id = $1 and tenant_id = $2 and state = 'copying'
       returning restore`,
      place,
    )
    // None where it was done before, by a transaction whose end was not heard of.
    if (rows.length === 0) return
    const statements = tables.flatMap((table) => sequenceStatements(tenant, table))
    for (const statement of [...(rows[0]?.restore ?? []), ...statements]) await tx.query(statement)
  })
}

function prove({ context, tenant, tables }: Move): Promise<void> {
  return context.session.transaction(tenant.slug, async (tx) => {
    const [table] = await differing(tx, tenant, tables)
    if (table !== undefined) {
      throw new TenantryError('ADOPT_MISMATCH', `The rows of ${tenant.slug} are not all in its own ${table}.`, {
        fix: 'Find out what wrote there meanwhile, then `tenantry adopt revert --to keys` and apply again.',
      })
    }
    await tx.query(`update tenantry.adoption_split set state = 'proven' where adoption_id = $1 and tenant_id = $2`, [
      context.adoptionId,
      tenant.id,
    ])
  })
}
