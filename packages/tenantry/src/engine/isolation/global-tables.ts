// The list of relations that all tenants share on purpose. Being on it grants nothing: it says that whoever reads what
// `verify` found need not be told of them.
import { TenantryError } from '../../kernel/errors.ts'
import { quoteIdentifier } from '../../kernel/identifiers.ts'
import { newId } from '../../kernel/ids.ts'
import type { CentralDatabase, Sql } from '../sql/database.ts'
import { TENANT_POLICY } from './table-facts.ts'

export interface GlobalTable {
  /** Quoted, schema-qualified. */
  readonly table: string
  /** False where it was on the list, or off it, already. */
  readonly changed: boolean
}

interface Relation {
  readonly schema: string
  readonly name: string
  readonly isProtected: boolean
}

const FIND = `
  select n.nspname::text as schema, c.relname::text as name,
         exists (select from pg_policy p where p.polrelid = c.oid and p.polname = '${TENANT_POLICY}') as "isProtected"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.oid = to_regclass($1) and c.relkind in ('r', 'p', 'v', 'm', 'f')`

/**
 * Puts a table, view or foreign table on the list, or gives it another reason. Unqualified names are looked up in
 * `public`. Throws REASON_REQUIRED, TABLE_NOT_FOUND, and TABLE_UNSUPPORTED for a protected table: its rows belong to
 * tenants.
 */
export async function markGlobal(database: CentralDatabase, table: string, reason: string): Promise<GlobalTable> {
  const said = typeof reason === 'string' ? reason.trim() : ''
  if (said === '') throw new TenantryError('REASON_REQUIRED', 'A table was to be marked as global without a reason.')
  return database.transaction(async (tx) => {
    const relation = await findRelation(tx, table)
    const name = qualified(relation)
    if (relation.isProtected) {
      throw new TenantryError('TABLE_UNSUPPORTED', `The table ${name} is protected; its rows belong to tenants.`, {
        fix: 'Leave it protected, or drop its policies first.',
      })
    }
    const { rowCount } = await tx.query(
      `insert into tenantry.global_table (schema_name, table_name, reason) values ($1, $2, $3)
       on conflict (schema_name, table_name) do update set reason = excluded.reason
         where global_table.reason <> excluded.reason`,
      [relation.schema, relation.name, said],
    )
    const changed = rowCount === 1
    if (changed) await record(tx, { action: 'table.marked_global', table: name, reason: said })
    return { table: name, changed }
  })
}

/** Takes a relation off the list again. Throws TABLE_NOT_FOUND where there is none and none was listed. */
export async function unmarkGlobal(database: CentralDatabase, table: string): Promise<GlobalTable> {
  return database.transaction(async (tx) => {
    const relation = await findRelation(tx, table)
    const { rowCount } = await tx.query(
      'delete from tenantry.global_table where schema_name = $1 and table_name = $2',
      [relation.schema, relation.name],
    )
    const name = qualified(relation)
    const changed = rowCount === 1
    if (changed) await record(tx, { action: 'table.unmarked_global', table: name, reason: null })
    return { table: name, changed }
  })
}

const qualified = ({ schema, name }: Relation) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`

async function findRelation(tx: Sql, table: string): Promise<Relation> {
  await tx.query('set local search_path = public, pg_temp')
  const { rows } = await tx.query<Relation>(FIND, [table]).catch((cause: unknown) => {
    throw new TenantryError('TABLE_NOT_FOUND', 'The table name cannot be read.', { cause })
  })
  if (rows[0] === undefined) throw new TenantryError('TABLE_NOT_FOUND', `There is no table ${table}.`)
  return rows[0]
}

interface Entry {
  readonly action: string
  readonly table: string
  readonly reason: string | null
}

async function record(tx: Sql, { action, table, reason }: Entry): Promise<void> {
  await tx.query(
    `insert into tenantry.audit_entry (id, actor, action, reason, detail) values ($1, 'library', $2, $3, jsonb_build_object('table', $4::text))`,
    [newId(), action, reason, table],
  )
}
