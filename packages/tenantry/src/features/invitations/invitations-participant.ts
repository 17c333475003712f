// Invitations in the life of their tenant: void from its deletion on, gone with its purge.
import type { Clock } from '../../kernel/clock.ts'
import type { Participant } from '../../tenants/participant.ts'

/** The part that invitations take in the life of a tenant. */
export function invitationsParticipant(clock: Clock): Participant {
  return {
    name: 'invitations',
    async archive(tx, tenant) {
      await tx.query(
        `update tenantry.invitation set state = 'revoked', revoked_at = $2 where tenant_id = $1 and state = 'pending'`,
        [tenant.id, new Date(clock.now())],
      )
    },
    async purge(tx, tenant) {
      await tx.query('delete from tenantry.invitation where tenant_id = $1', [tenant.id])
    },
    async leftovers(tx, tenant) {
      const { rows } = await tx.query<{ found: number }>(
        'select count(*)::integer as found from tenantry.invitation where tenant_id = $1',
        [tenant.id],
      )
      const found = rows[0]?.found ?? 0
      return found === 0 ? [] : [`${found} invitations`]
    },
  }
}
