// What becomes of members and roles when something becomes of their tenant.
import type { Sql } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Participant } from '../../tenants/participant.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import { makeOwner } from './owners.ts'

const TABLES = ['member', 'role'] as const

/**
 * Whoever is named as the owner becomes one. Deleting a tenant ends, for good, what its members were asked and have not
 * answered; the others and the roles stay for a restore, and go with the purge.
 */
export function membersParticipant({ clock }: { readonly clock: Clock }): Participant {
  return {
    name: 'members',
    ownerNamed: async (tx, tenant, { actor, at }) => {
      const { ownerUserId } = tenant
      if (ownerUserId === null) return
      const central = { authority: undefined, onBehalfOf: undefined, userId: undefined }
      await makeOwner({ tx, tenant, actor, at, ...central }, 'member.add', { userId: ownerUserId })
    },
    archive: (tx, tenant) => revokeInvited(tx, tenant, new Date(clock.now())),
    purge: async (tx, tenant) => {
      for (const table of TABLES) await tx.query(`delete from tenantry.${table} where tenant_id = $1`, [tenant.id])
    },
    leftovers: async (tx, tenant) => {
      const counted = TABLES.map(
        (table) => `select '${table}' as name where exists (select from tenantry.${table} where tenant_id = $1)`,
      )
      const { rows } = await tx.query<{ name: string }>(counted.join(' union all '), [tenant.id])
      return rows.map(({ name }) => `rows of tenantry.${name}`)
    },
  }
}

async function revokeInvited(tx: Sql, { id }: Tenant, at: Date): Promise<void> {
  await tx.query(
    `update tenantry.member set state = 'revoked', revoked_at = $2, updated_at = $2
      where tenant_id = $1 and state = 'invited'`,
    [id, at],
  )
}
