// Support accesses in the life of their tenant: a deletion ends them, a purge removes them.
import type { Sql } from '../../engine/sql/database.ts'
import type { Participant } from '../../tenants/participant.ts'
import { type AccessRow, accessColumns, recordAccess, toAccess } from './support-store.ts'

/** The part that support accesses take in the life of a tenant. What its audit trails say of them stays. */
export const supportParticipant: Participant = {
  name: 'support',
  async archive(tx, tenant) {
    const { rows } = await tx.query<AccessRow>(
      `update tenantry.support_access a set ended_at = now()
        where a.tenant_id = $1 and a.ended_at is null and a.expires_at > now() returning ${accessColumns}`,
      [tenant.id],
    )
    for (const row of rows) {
      await recordAccess(tx, { verb: 'end', tenant, access: toAccess(row), actor: 'system', at: new Date() })
    }
  },
  async purge(tx, tenant) {
    await tx.query('delete from tenantry.support_access where tenant_id = $1', [tenant.id])
  },
  leftovers: async (tx, tenant) => ((await hasAccess(tx, tenant.id)) ? ['support accesses'] : []),
}

async function hasAccess(tx: Sql, tenantId: string): Promise<boolean> {
  return (
    (await tx.query('select from tenantry.support_access where tenant_id = $1 limit 1', [tenantId])).rows.length > 0
  )
}
