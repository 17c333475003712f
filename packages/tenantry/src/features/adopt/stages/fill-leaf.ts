// Fills the tenant column of one table or partition, batch by batch along its primary key, or by blocks without one.
import type { Sql } from '../../../engine/sql/database.ts'
import { quoteIdentifier } from '../../../kernel/identifiers.ts'
import type { AdoptTable } from '../plan.ts'
import type { AdoptFacts, KeyColumn, Leaf } from './adopt-facts.ts'
import type { StageContext } from './context.ts'
import { pause } from './session.ts'
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

function fillHead(leaf: Leaf, source: TenantSource): string {
  const { from, where, value } = source
  if (value === NULL_VALUE) return `update ${leaf.name} r set tenant_id = null where r.tenant_id is not null`
  // A join is faster than asking for each row, and does not touch rows without a tenant.
  if (from.length > 0 && !source.mayDisagree) {
    const all = [...where, 'r.tenant_id is null', `${value} is not null`]
    return `update ${leaf.name} r set tenant_id = ${value} from ${from.join(', ')} where ${all.join(' and ')}`
  }
  const known = from.length > 0 ? ` and ${asValue(source)} is not null` : ''
  return `update ${leaf.name} r set tenant_id = ${asValue(source)} where r.tenant_id is null${known}`
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
  const { session, throttle } = context
  for (;;) {
    const startedAt = performance.now()
    const cursor = await session.transaction(fill.table.table, (tx) => fillBatch(tx, context, fill))
    const { table } = fill.table
    context.progress({ stage: 'backfill', subject: table, done: cursor.done, total: fill.table.rows })
    if (cursor.ended) return
    session.signal?.throwIfAborted()
    if (throttle > 0) await pause((performance.now() - startedAt) * throttle, session.signal)
  }
}

async function fillBatch(tx: Sql, context: StageContext, fill: FillLeaf): Promise<Cursor> {
  const { adoptionId, batchSize } = context
  const slot = `${fill.pass} ${fill.leaf.name}`
  const place = [adoptionId, fill.table.table]
  const { rows } = await tx.query<{ cursor: { key: string[]; ended: boolean } | null; done: string }>(
    `select cursor -> $3 as cursor, backfilled as done from tenantry.adoption_table where adoption_id = $1 and table_name = $2`,
    [...place, slot],
  )
  const from = rows[0]?.cursor ?? null
  const done = Number(rows[0]?.done ?? 0)
  if (from?.ended === true) return { key: from.key, done, ended: true }
  // Triggers of the application that fire on any update would change other columns; the admin may keep them still.
  if (fill.facts.updateTriggers.length > 0) await tx.query('set local session_replication_role = replica')
  const bounds = await nextBounds(tx, fill, { after: from?.key ?? null, size: batchSize })
  const ended = bounds === undefined
  const filled = ended ? 0 : await fillRange(tx, fill, bounds)
  const key = bounds?.to ?? from?.key ?? []
  await tx.query(
    `update tenantry.adoption_table set cursor = cursor || jsonb_build_object($3::text, $4::jsonb), backfilled = backfilled + $5
      where adoption_id = $1 and table_name = $2`,
    [...place, slot, JSON.stringify({ key, ended }), filled],
  )
  return { key, done: done + filled, ended }
}

interface Next {
  readonly after: readonly string[] | null
  readonly size: number
}

function nextBounds(tx: Sql, fill: FillLeaf, next: Next): Promise<Range | undefined> {
  return fill.facts.primaryKey.length === 0 ? nextBlocks(tx, fill, next) : nextKeys(tx, fill, next)
}

// The batch ends at the key that is so many rows further on, or at the last one.
async function nextKeys(tx: Sql, { leaf, facts }: FillLeaf, { after, size }: Next): Promise<Range | undefined> {
  const key = facts.primaryKey
  const columns = key.map(({ name }) => quoteIdentifier(name))
  const order = columns.join(', ')
  const bound = key.map(({ type }, at) => `($1::text[])[${at + 1}]::${type}`).join(', ')
  const where = after === null ? '' : `where (${order}) > (${bound})`
  const backwards = columns.map((column) => `${column} desc`).join(', ')
  const { rows } = await tx.query<{ last: string[] }>(
    `with batch as materialized (select ${order} from ${leaf.name} ${where} order by ${order} limit ${size})
     select array[${columns.map((column) => `${column}::text`).join(', ')}] as last from batch order by ${backwards} limit 1`,
    after === null ? undefined : [after],
  )
  const last = rows[0]?.last
  return last === undefined ? undefined : { from: after, to: last }
}

const BLOCKS_A_BATCH_ROWS = 50

// Without a key, by blocks; what moves to a later block meanwhile is met there.
async function nextBlocks(tx: Sql, { leaf }: FillLeaf, { after, size }: Next): Promise<Range | undefined> {
  const { rows } = await tx.query<{ blocks: string }>(
    `select ceil(pg_relation_size($1::regclass) / current_setting('block_size')::numeric)::bigint as blocks`,
    [leaf.name],
  )
  const start = after === null ? 0 : Number(/^\((\d+),/.exec(after[0] ?? '')?.[1] ?? 0)
  if (start >= Number(rows[0]?.blocks ?? 0)) return undefined
  const blocks = Math.max(1, Math.ceil(size / BLOCKS_A_BATCH_ROWS))
  return { from: after, to: [`(${start + blocks},0)`] }
}

async function fillRange(tx: Sql, { leaf, source, facts }: FillLeaf, { from, to }: Range): Promise<number> {
  const text = `${fillHead(leaf, source)} and ${rangeOf(facts.primaryKey, from === null)}`
  const { rowCount } = await tx.query(text, from === null ? [to] : [to, from])
  return rowCount ?? 0
}
