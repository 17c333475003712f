// A tenant that is deleted leaves its organization, and its teams' roles in it end; purge proves that nothing is left.
import type { Sql } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Participant } from '../../tenants/participant.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import { recordChange } from './organization-row.ts'

/** The part that organizations take in the life of a tenant. */
export function organizationsParticipant(clock: Clock): Participant {
  const leave = async (tx: Sql, tenant: Tenant): Promise<void> => {
    const { rows } = await tx.query<{ id: string; slug: string }>(
      `with gone as (delete from tenantry.organization_tenant where tenant_id = $1 returning organization_id)
       select o.id, o.slug from gone join tenantry.organization o on o.id = gone.organization_id`,
      [tenant.id],
    )
    for (const organization of rows) {
      const names = { event: 'organization.tenant_removed', action: 'organization.remove_tenant' }
      await recordChange(clock, tx, { ...names, organization, tenant, actor: 'system' })
    }
  }
  return {
    name: 'organizations',
    archive: leave,
    purge: leave,
    leftovers: async (tx, tenant) => [
      ...(await found(tx, 'organization_tenant', tenant)),
      ...(await found(tx, 'team_role', tenant)),
    ],
  }
}

async function found(tx: Sql, table: 'organization_tenant' | 'team_role', tenant: Tenant): Promise<readonly string[]> {
  const { rows } = await tx.query(`select from tenantry.${table} where tenant_id = $1 limit 1`, [tenant.id])
  return rows.length === 0 ? [] : [`rows of tenantry.${table}`]
}
