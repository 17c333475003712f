// The keys of a tenant in its life: they work while it is active, end for good when it is deleted, and are gone after a
// purge.
import type { Participant } from '../../tenants/participant.ts'

export function keysParticipant(): Participant {
  return {
    name: 'keys',
    async statusChanged(tx, tenant) {
      if (tenant.status !== 'deleted') return
      await tx.query('update tenantry.api_key set revoked_at = now() where tenant_id = $1 and revoked_at is null', [
        tenant.id,
      ])
    },
    async purge(tx, tenant) {
      await tx.query('delete from tenantry.api_key where tenant_id = $1', [tenant.id])
    },
    async leftovers(tx, tenant) {
      const { rows } = await tx.query<{ count: number }>(
        'select count(*)::integer as count from tenantry.api_key where tenant_id = $1',
        [tenant.id],
      )
      const count = rows[0]?.count ?? 0
      return count === 0 ? [] : [`${count} API keys`]
    },
  }
}
