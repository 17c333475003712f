// Loads rows into a table of a tenant. PostgreSQL refuses COPY FROM under row-level security, so the rows are copied into
// a temporary table that ends with the transaction, and inserted from there, where each one meets the policies.
import type { CheckedOutClient } from './checked-out-client.ts'
import { columnList, type CopyTarget } from './copy-target.ts'
import type { Submittable } from './pg.ts'

export interface CopyInTarget extends CopyTarget {
  /** Where no columns are named: really all of them, the tenant's own included. */
  readonly every: boolean
}

const STAGE =
  'select $1::pg_catalog.regclass::pg_catalog.text as "table", tenantry.copy_stage($1::pg_catalog.regclass, $2, $3) as columns'
const STAGED = 'pg_temp.tenantry_stage'

/**
 * Runs a COPY … FROM STDIN stream against the target, in the open transaction or in one of its own; resolves with how many
 * rows it loaded. A failure is told to the stream, and takes back everything, or leaves the transaction failed that was open.
 */
export async function copyIn(client: CheckedOutClient, stream: Submittable, target: CopyInTarget): Promise<number> {
  const isOurs = !client.isInTransaction
  try {
    const loaded = await throughStage(client, stream, target)
    if (isOurs) await client.control('commit')
    client.tellEnd(stream)
    return loaded
  } catch (error) {
    if (isOurs) await rollback(client)
    throw error
  }
}

async function rollback(client: CheckedOutClient): Promise<void> {
  // A connection that died took the transaction with it; the first error is the one to report.
  if (client.isInTransaction) await client.control('rollback').catch(() => undefined)
}

async function throughStage(client: CheckedOutClient, stream: Submittable, target: CopyInTarget): Promise<number> {
  const { table, columns, options, every } = target
  const run = (text: string, values: unknown[] = []) => client.queryInTransaction({ text, values }, 'begin', false)
  const { rows } = await run(STAGE, [table, columns ?? null, every])
  const [stage] = rows as { table: string; columns: readonly string[] }[]
  const list = columnList(stage?.columns ?? [])
  stream.text = `copy ${STAGED} (${list}) from stdin${options}`
  await client.submit(stream, { staged: true })
  // COPY gives values to columns that are always generated as identity; so must this.
  const insert = `insert into ${stage?.table ?? ''} (${list}) overriding system value select ${list} from ${STAGED}`
  const inserted = await run(insert)
  await run('select tenantry.copy_unstage()')
  return inserted.rowCount ?? 0
}
