// Whether migrations of a tenant kept to its schema.
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'

// Whatever a transaction reads, writes or alters it locks until it ends, so its locks tell what it touched without a scan
// of the catalog. Shared tables may be read and written; nothing but its own schema may be altered, and of the schemas of
// other tenants, and of the reference, nothing may be touched.
const selectEscaped = `
with outside as materialized (
  select c.relname, n.nspname, l.mode
    from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
   where l.pid = pg_backend_pid() and l.locktype = 'relation'
     and l.database = (select oid from pg_database where datname = current_database())
     and n.nspname not in ('pg_toast', 'pg_catalog') and n.nspname not like 'pg\\_temp\\_%'
     and n.nspname <> all ($1::text[])
)
select distinct case when t.is_tenants and o.nspname <> 'tenantry_reference'
         then 'another tenant’s ' || quote_ident(o.relname) else format('%I.%I', o.nspname, o.relname) end as name
  from outside o cross join lateral (select o.nspname = 'tenantry_reference'
    or exists (select from tenantry.tenant where schema_name = o.nspname)
    or exists (select from tenantry.tenant where archived_schema = o.nspname) as is_tenants) t
 where o.mode = 'AccessExclusiveLock' or t.is_tenants
 order by name limit 5`

/**
 * Call before the migrations run, and what it returns when they have, in the same transaction: that throws MIGRATION_FAILED
 * where they altered something outside of these schemas, or touched another tenant's.
 */
export function watchEscape(tx: Sql, schemas: readonly string[]): () => Promise<void> {
  // A cursor sees the catalog as it was when it was declared, dropped tables too, and the locks as they are when it is read.
  const declared = tx.query(`declare tenantry_escape no scroll cursor for ${selectEscaped}`, [schemas])
  declared.catch(() => {})
  return async () => {
    const [, before, now] = await Promise.all([
      declared,
      tx.query<{ name: string }>('fetch all from tenantry_escape'),
      escapedNow(tx, schemas),
      tx.query('close tenantry_escape'),
    ])
    refuse([...before.rows, ...now], schemas)
  }
}

/** As the end of `watchEscape`, for a transaction whose beginning nobody saw: what was dropped does not show. */
export async function refuseEscape(tx: Sql, schemas: readonly string[]): Promise<void> {
  refuse(await escapedNow(tx, schemas), schemas)
}

async function escapedNow(tx: Sql, schemas: readonly string[]): Promise<readonly { readonly name: string }[]> {
  return (await tx.query<{ name: string }>(selectEscaped, [schemas])).rows
}

function refuse(escaped: readonly { readonly name: string }[], schemas: readonly string[]): void {
  if (escaped.length === 0) return
  const where = schemas.length === 1 ? `the schema ${schemas[0] ?? ''}` : `their ${schemas.length} schemas`
  const names = [...new Set(escaped.map(({ name }) => name))].join(', ')
  throw new TenantryError('MIGRATION_FAILED', `Tenant migrations reached outside of ${where}: ${names}.`, {
    fix: 'Leave schema names out of tenant migrations; what tenants share belongs into migrations/shared.',
  })
}
