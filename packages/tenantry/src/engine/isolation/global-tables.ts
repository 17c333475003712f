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

/** Takes a relation off the list again, one that is no longer there included. Throws TABLE_NOT_FOUND for any other name. */
export async function unmarkGlobal(database: CentralDatabase, table: string): Promise<GlobalTable> {
  return database.transaction(async (tx) => {
    const { rows } = await tx.query<Pick<Relation, 'schema' | 'name'>>(TAKE_OFF, [table]).catch(refuseName)
    const found = rows[0]
    if (found === undefined) return { table: qualified(await findRelation(tx, table)), changed: false }
    await record(tx, { action: 'table.unmarked_global', table: qualified(found), reason: null })
    return { table: qualified(found), changed: true }
  })
}

const TAKE_OFF = `
  delete from tenantry.global_table g using parse_ident($1) p
   where g.schema_name = case when cardinality(p) = 1 then 'public' else p[1] end and g.table_name = p[cardinality(p)]
     and cardinality(p) <= 2
  returning g.schema_name as schema, g.table_name as name`

function refuseName(cause: unknown): never {
  throw new TenantryError('TABLE_NOT_FOUND', 'The table name cannot be read.', { cause })
}

const qualified = ({ schema, name }: Pick<Relation, 'schema' | 'name'>) =>
  `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`

async function findRelation(tx: Sql, table: string): Promise<Relation> {
  await tx.query('set local search_path = public, pg_temp')
  const { rows } = await tx.query<Relation>(FIND, [table]).catch(refuseName)
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
