// The tenants that rows are split out to: which they are, how far each is, and whether its rows are those of before.
import type { Sql } from '../../engine/sql/database.ts'
import { compareStatement } from './split-sql.ts'
import type { SplitTable } from './split-tables.ts'

export interface SplitTenant {
  readonly id: string
  readonly slug: string
  readonly schema: string
  readonly isolation: string
  readonly isMade: boolean
  /** Null before its rows are copied; `proven` once they were compared: from then on the schema goes its own way. */
  readonly state: 'copying' | 'copied' | 'proven' | null
}

export async function readSplitTenants(sql: Sql, adoptionId: string): Promise<readonly SplitTenant[]> {
  const { rows } = await sql.query<SplitTenant>(
    `select t.id, t.slug, t.schema_name as schema, t.isolation, a.is_made as "isMade", s.state
       from tenantry.adopt_tenant a join tenantry.tenant t on t.id = a.tenant_id
       left join tenantry.adoption_split s on s.adoption_id = a.adoption_id and s.tenant_id = a.tenant_id
      where a.adoption_id = $1 order by t.id`,
    [adoptionId],
  )
  return rows
}

/** The tables whose rows in the tenant's schema are not those of before. */
export async function differing(
  sql: Sql,
  tenant: SplitTenant,
  tables: readonly SplitTable[],
): Promise<readonly string[]> {
  if (tables.length === 0) return []
  const { rows } = await sql.query<{ table: string; same: boolean }>(compareStatement(tenant, tables))
  return rows.filter(({ same }) => !same).map(({ table }) => table)
}
