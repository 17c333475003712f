// Fills the tenant column of one table or partition, batch by batch along its primary key, or by blocks without one.
import type { Sql } from '../../../engine/sql/database.ts'
import { quoteIdentifier } from '../../../kernel/identifiers.ts'
import type { AdoptTable } from '../plan.ts'
import type { AdoptFacts, KeyColumn, Leaf } from './adopt-facts.ts'
import type { StageContext } from './context.ts'
import type { AdoptSession } from './session.ts'
import { asValue, type TenantSource } from './tenant-source.ts'

export interface FillLeaf {
  readonly table: AdoptTable
  readonly facts: AdoptFacts
  readonly leaf: Leaf
  readonly source: TenantSource
  /** What this walk is; each has a cursor of its own. */
  readonly pass: string
}

// Of the table's rows, those without a tenant; `empty` takes those with one.
const NULL_VALUE = 'null::uuid'

/** The UPDATE of a batch, without its range. */
export function fillStatement(leaf: Leaf, key: readonly KeyColumn[], source: TenantSource): string {
  return `${fillHead(leaf, source)} and ${rangeOf(key, false)}`
}

// A column that is being filled has no statistics yet, or old ones: taken at its word, `is null` of a batch would be a
// handful of rows to the planner, and the join with the tenants a loop over all of them. As a CASE it is half of the rows.
const known = (value: string, isKnown: boolean) => `case when ${value} is null then ${!isKnown} else ${isKnown} end`

function fillHead(leaf: Leaf, source: TenantSource): string {
  const { from, where, value } = source
  if (value === NULL_VALUE) return `update ${leaf.name} r set tenant_id = null where r.tenant_id is not null`
  // A join is faster than asking for each row, and does not touch rows without a tenant.
  if (from.length > 0 && !source.mayDisagree) {
    const all = [...where, known('r.tenant_id', false), known(value, true)]
    return `update ${leaf.name} r set tenant_id = ${value} from ${from.join(', ')} where ${all.join(' and ')}`
  }
  const found = from.length > 0 ? ` and ${asValue(source)} is not null` : ''
  return `update ${leaf.name} r set tenant_id = ${asValue(source)} where r.tenant_id is null${found}`
}

interface Range {
  /** Outside of the range; null for the first one. */
  readonly from: readonly string[] | null
  readonly to: readonly string[]
}

/** The condition of a range whose upper end is $1 and whose lower end $2, both as texts of keys. */
function rangeOf(key: readonly KeyColumn[], isFirst: boolean): string {
  if (key.length === 0) return `r.ctid <= ($1::text[])[1]::tid${isFirst ? '' : ' and r.ctid > ($2::text[])[1]::tid'}`
  const row = (parts: readonly string[]) => (parts.length === 1 ? (parts[0] ?? '') : `(${parts.join(', ')})`)
  const columns = row(key.map(({ name }) => `r.${quoteIdentifier(name)}`))
  const bound = (at: number) => row(key.map(({ type }, index) => `($${at}::text[])[${index + 1}]::${type}`))
  return `${columns} <= ${bound(1)}${isFirst ? '' : ` and ${columns} > ${bound(2)}`}`
}

interface Cursor {
  readonly key: readonly string[] | null
  readonly done: number
  readonly ended: boolean
}

/** Walks the leaf to its end, from where the last walk of this pass stopped. */
export async function fillLeaf(context: StageContext, fill: FillLeaf): Promise<void> {
  const { session, rest } = context
  const { table, rows: total } = fill.table
  let cursor = await readCursor(context, fill)
  while (!cursor.ended) {
    const ranges = await nextRanges(session, fill, { after: cursor.key, size: context.batchSize })
    if (ranges.length === 0) cursor = await endLeaf(context, fill, cursor)
    for (const range of ranges) {
      session.signal?.throwIfAborted()
      const startedAt = performance.now()
      cursor = await fillBatch(context, fill, range)
      context.progress({ stage: 'backfill', subject: table, done: cursor.done, total })
      await rest.after('backfill', performance.now() - startedAt)
    }
  }
  context.progress({ stage: 'backfill', subject: table, done: cursor.done, total })
}

const slotOf = ({ pass, leaf }: FillLeaf): string => `${pass} ${leaf.name}`

async function readCursor({ adoptionId, session }: StageContext, fill: FillLeaf): Promise<Cursor> {
  const rows = await session.read<{ cursor: { key: string[]; ended: boolean } | null; done: string }>(
    `select cursor -> $3 as cursor, backfilled as done from tenantry.adoption_table where adoption_id = $1 and table_name = $2`,
    [adoptionId, fill.table.table, slotOf(fill)],
  )
  const { key = null, ended = false } = rows[0]?.cursor ?? {}
  return { key: key?.length === 0 ? null : key, ended, done: Number(rows[0]?.done ?? 0) }
}

// Losing the newest batches in a crash loses how far they were along with them, and what ends the stage is written down
// for good: nothing has to wait for the disk.
const BATCH_SETTINGS = 'set local synchronous_commit = off'
// Triggers of the application that fire on any update would change other columns; the admin may keep them still.
const SILENT = `${BATCH_SETTINGS}; set local session_replication_role = replica`

// A batch that is run twice, because the connection was lost while it was being committed, finds nothing left to fill.
function fillBatch(context: StageContext, fill: FillLeaf, range: Range): Promise<Cursor> {
  const settings = fill.facts.updateTriggers.length > 0 ? SILENT : BATCH_SETTINGS
  const run = async (tx: Sql) => {
    const filled = await fillRange(tx, fill, range)
    return saveCursor(tx, { context, fill }, { key: range.to, ended: false, filled })
  }
  return context.session.transaction(fill.table.table, run, settings)
}

function endLeaf(context: StageContext, fill: FillLeaf, { key }: Cursor): Promise<Cursor> {
  return context.session.transaction(fill.table.table, (tx) =>
    saveCursor(tx, { context, fill }, { key: key ?? [], ended: true, filled: 0 }),
  )
}

interface Saved {
  readonly key: readonly string[]
  readonly ended: boolean
  /** Rows of this batch. */
  readonly filled: number
}

interface Place {
  readonly context: StageContext
  readonly fill: FillLeaf
}

async function saveCursor(tx: Sql, { context, fill }: Place, { key, ended, filled }: Saved): Promise<Cursor> {
  const { rows } = await tx.query<{ done: string }>(
    `update tenantry.adoption_table set cursor = cursor || jsonb_build_object($3::text, $4::jsonb), backfilled = backfilled + $5
      where adoption_id = $1 and table_name = $2 returning backfilled as done`,
    [context.adoptionId, fill.table.table, slotOf(fill), JSON.stringify({ key, ended }), filled],
  )
  return { key, ended, done: Number(rows[0]?.done ?? 0) }
}

interface Next {
  readonly after: readonly string[] | null
  readonly size: number
}

function nextRanges(session: AdoptSession, fill: FillLeaf, next: Next): Promise<readonly Range[]> {
  return fill.facts.primaryKey.length === 0 ? nextBlocks(session, fill, next) : nextKeys(session, fill, next)
}

// So many batches are found at once: what comes in between makes one of them larger, and has its tenant already.
const BATCHES_AHEAD = 20

// A batch ends at the key that is so many rows further on, or at the last one.
async function nextKeys(
  session: AdoptSession,
  { leaf, facts }: FillLeaf,
  { after, size }: Next,
): Promise<readonly Range[]> {
  const key = facts.primaryKey
  const columns = key.map(({ name }) => quoteIdentifier(name))
  const order = columns.join(', ')
  const bound = key.map(({ type }, at) => `($1::text[])[${at + 1}]::${type}`).join(', ')
  const where = after === null ? '' : `where (${order}) > (${bound})`
  const rows = await session.read<{ last: string[] }>(
    `with ahead as materialized (select ${order} from ${leaf.name} ${where} order by ${order} limit ${size * BATCHES_AHEAD}),
       numbered as (select *, row_number() over walk as "tenantry number", lead(1) over walk as "tenantry more" from ahead
         window walk as (order by ${order}))
     select array[${columns.map((column) => `${column}::text`).join(', ')}] as last from numbered
      where "tenantry number" % ${size} = 0 or "tenantry more" is null order by "tenantry number"`,
    after === null ? undefined : [after],
  )
  return rows.map(({ last }, at) => ({ from: rows[at - 1]?.last ?? after, to: last }))
}

const BLOCKS_A_BATCH_ROWS = 50

// Without a key, by blocks; what moves to a later block meanwhile is met there.
async function nextBlocks(session: AdoptSession, { leaf }: FillLeaf, { after, size }: Next): Promise<readonly Range[]> {
  const rows = await session.read<{ blocks: string }>(
    `select ceil(pg_relation_size($1::regclass) / current_setting('block_size')::numeric)::bigint as blocks`,
    [leaf.name],
  )
  const start = after === null ? 0 : Number(/^\((\d+),/.exec(after[0] ?? '')?.[1] ?? 0)
  if (start >= Number(rows[0]?.blocks ?? 0)) return []
  const blocks = Math.max(1, Math.ceil(size / BLOCKS_A_BATCH_ROWS))
  return [{ from: after, to: [`(${start + blocks},0)`] }]
}

async function fillRange(tx: Sql, { leaf, source, facts }: FillLeaf, { from, to }: Range): Promise<number> {
  const text = `${fillHead(leaf, source)} and ${rangeOf(facts.primaryKey, from === null)}`
  const { rowCount } = await tx.query(text, from === null ? [to] : [to, from])
  return rowCount ?? 0
}
