// Owners: one active one at least once there is one, and the tenant's `ownerUserId`, which is always one of them.
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { type Act, record } from './member-act.ts'
import type { Member } from './member.ts'

/** Whether a member is one of those of whom one has to stay. */
export function isActiveOwner(member: Pick<Member, 'role' | 'state'> | undefined): boolean {
  return member?.role === 'owner' && member.state === 'active'
}

const OWNERS = `from tenantry.member where tenant_id = $1 and role = 'owner' and state = 'active'`

/** The active owners' user ids, whoever joined first in front. */
export async function activeOwners(sql: Sql, tenantId: string): Promise<readonly string[]> {
  const { rows } = await sql.query<{ userId: string }>(
    `select user_id as "userId" ${OWNERS} order by joined_at, user_id`,
    [tenantId],
  )
  return rows.map(({ userId }) => userId)
}

/** Throws LAST_OWNER where a change would leave the tenant without an active owner. */
export async function refuseLastOwner(act: Act, before: Member, after: Pick<Member, 'role' | 'state'>): Promise<void> {
  if (!isActiveOwner(before) || isActiveOwner(after)) return
  const owners = await activeOwners(act.tx, act.tenant.id)
  if (owners.some((userId) => userId !== before.userId)) return
  throw new TenantryError('LAST_OWNER', `The tenant ${act.tenant.slug} would be left without an active owner.`)
}

/** Lets `ownerUserId` follow the owners: it moves on when that user is none any more. */
export async function settleOwner(act: Act, preferred?: string): Promise<void> {
  const { tx, tenant, at } = act
  const owners = await activeOwners(tx, tenant.id)
  const kept = [preferred, tenant.ownerUserId].find((userId) => userId != null && owners.includes(userId))
  const owner = kept ?? owners[0]
  if (owner === undefined || owner === tenant.ownerUserId) return
  await tx.query(
    'update tenantry.tenant set owner_user_id = $2, updated_at = $3, version = version + 1 where id = $1',
    [tenant.id, owner, at],
  )
  await record(act, 'tenant.update', { changed: ['ownerUserId'] })
}
