// `tenantry verify`, the catalogue's half: whether everything that isolation rests on is there and unaltered, read
// from pg_catalog in a number of queries that does not grow with the tables.
import { type Check, check } from '../../../control/admin-requirements.ts'
import type { InstanceRoles } from '../../../control/instance.ts'
import type { Sql } from '../../../engine/sql/database.ts'

export interface CatalogueOptions {
  readonly roles: InstanceRoles
  /** Who the scoped pool logs in as; the instance's own login, or the user of DATABASE_URL. */
  readonly loginUser: string
  /** Schemas that every tenant's search_path ends with. */
  readonly sharedSchemas: readonly string[]
  readonly onProgress?: (done: number, total: number, what: string) => void
}

const FORCED = `
  select format('%I.%I', n.nspname, c.relname) as subject
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where not (c.relrowsecurity and c.relforcerowsecurity)
     and exists (select from pg_policy p where p.polrelid = c.oid and p.polname in ('tenantry_tenant', 'tenantry_guard'))`

/** Examines the catalogue. A check that holds appears once; each violation of one appears with its subject and fix. */
export async function checkCatalogue(sql: Sql, options: CatalogueOptions): Promise<readonly Check[]> {
  const name = 'row-level security is enabled and forced'
  const { rows } = await sql.query<{ subject: string }>(FORCED)
  options.onProgress?.(1, 1, name)
  if (rows.length === 0) return [{ name, ok: true }]
  return rows.map(({ subject }) =>
    check(name, false, {
      subject,
      fix: `alter table ${subject} enable row level security, force row level security;`,
    }),
  )
}
