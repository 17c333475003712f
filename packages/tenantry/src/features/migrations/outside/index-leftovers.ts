// What a crash leaves of an index that was being built concurrently: an invalid index that only costs.
import type { Sql } from '../../../engine/sql/database.ts'
import { quoteIdentifier } from '../../../kernel/identifiers.ts'
import type { OutsideStatement } from './statement-kinds.ts'

interface FoundIndex {
  readonly schema: string
  readonly name: string
  readonly valid: boolean
}

const selectBuilt = `
select n.nspname as schema, c.relname as name, i.indisvalid as valid
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
 where c.relname = $1 and i.indrelid = to_regclass($2)`

// REINDEX CONCURRENTLY builds beside the old index, under its name with _ccnew; with _ccold it is on its way out.
const selectRebuilt = `
select n.nspname as schema, c.relname as name, i.indisvalid as valid
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
 where not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$' and n.nspname = current_schema()`

/** Drops what an attempt before left of the statement; whether there is nothing left to do, because it had finished. */
export async function dropLeftovers(session: Sql, statement: OutsideStatement): Promise<boolean> {
  const found = await leftoversOf(session, statement)
  for (const { schema, name, valid } of found) {
    if (valid) return true
    await session.query(`drop index concurrently if exists ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`)
  }
  return false
}

async function leftoversOf(session: Sql, { kind, index, table }: OutsideStatement): Promise<readonly FoundIndex[]> {
  if (kind === 'build index') return (await session.query<FoundIndex>(selectBuilt, [index, table])).rows
  return kind === 'reindex' ? (await session.query<FoundIndex>(selectRebuilt)).rows : []
}
