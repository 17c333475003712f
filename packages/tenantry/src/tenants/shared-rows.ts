// A tenant's rows in the shared tables, found through the catalog: every table that carries the tenant policy.
import type { CentralDatabase, Sql } from '../engine/sql/database.ts'
import { deletionPlan, type DeletionGroup, type ForeignKey } from './deletion-plan.ts'

const BATCH_ROWS = 10_000

export interface SharedTable {
  /** Quoted and qualified. */
  readonly name: string
  /** Whether this login sees every row: a table whose policies hide rows would look empty. */
  readonly visible: boolean
}

const selectSharedTables = `
select format('%I.%I', n.nspname, c.relname) as name,
       not c.relrowsecurity or (not c.relforcerowsecurity and pg_has_role(c.relowner, 'usage'))
         or (pg_has_role($1, 'usage')
             and exists (select from pg_policy p
                          where p.polrelid = c.oid and p.polname = 'tenantry_central' and p.polpermissive
                            and p.polcmd = '*' and pg_get_expr(p.polqual, p.polrelid) = 'true')
             and not exists (select from pg_policy p where p.polrelid = c.oid and not p.polpermissive)) as visible
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenantry_tenant')
   and exists (select from pg_attribute a
                where a.attrelid = c.oid and a.attname = 'tenant_id' and a.atttypid = 'uuid'::regtype
                  and not a.attisdropped)
 order by name`

/** The protected shared tables, and whether a member of the central role sees all their rows. */
export async function sharedTables(sql: Sql, centralRole: string): Promise<readonly SharedTable[]> {
  const { rows } = await sql.query<SharedTable>(selectSharedTables, [centralRole])
  return rows
}

const selectForeignKeys = `
select format('%I.%I', n.nspname, c.relname) as "from", format('%I.%I', fn.nspname, f.relname) as "to"
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  join pg_class f on f.oid = k.confrelid join pg_namespace fn on fn.oid = f.relnamespace
 where k.contype = 'f'
   and exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenantry_tenant')`

/** Deletes the tenant's rows from every protected shared table. Repeating it goes on where it stopped. */
export async function deleteSharedRows(database: CentralDatabase, tenantId: string, centralRole: string) {
  const tables = await sharedTables(database, centralRole)
  const { rows: foreignKeys } = await database.query<ForeignKey>(selectForeignKeys)
  const plan = deletionPlan(
    tables.map((table) => table.name),
    foreignKeys,
  )
  for (const group of plan) await deleteGroup(database, group, tenantId)
}

async function deleteGroup(sql: Sql, group: DeletionGroup, tenantId: string): Promise<void> {
  const [first = ''] = group.tables
  if (!group.batched) {
    const parts = group.tables.map((table, index) => `d${index} as (delete from ${table} where tenant_id = $1)`)
    await sql.query(`with ${parts.join(', ')} select`, [tenantId])
    return
  }
  const batch = `delete from ${first} t using (select ctid, tableoid from ${first} where tenant_id = $1 limit ${BATCH_ROWS}) b
    where t.ctid = b.ctid and t.tableoid = b.tableoid and t.tenant_id = $1`
  for (let deleted = BATCH_ROWS; deleted >= BATCH_ROWS; ) deleted = (await sql.query(batch, [tenantId])).rowCount ?? 0
}

/** Names of the shared tables that still hold rows of the tenant, or that cannot be looked into. */
export async function remainingSharedRows(sql: Sql, tenantId: string, centralRole: string): Promise<readonly string[]> {
  const remaining: string[] = []
  for (const { name, visible } of await sharedTables(sql, centralRole)) {
    if (!visible) {
      remaining.push(`${name} (rows hidden by its policies)`)
      continue
    }
    const { rows } = await sql.query<{ found: boolean }>(
      `select exists (select from ${name} where tenant_id = $1) as found`,
      [tenantId],
    )
    if (rows[0]?.found === true) remaining.push(name)
  }
  return remaining
}
