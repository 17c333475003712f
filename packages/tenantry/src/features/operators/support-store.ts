// Rows of support accesses, and how their end is recorded: in the tenant's audit trail and in the instance's.
import type { Sql } from '../../engine/sql/database.ts'
import { recordEntry, recordFact, type TenantFact } from '../../tenants/events.ts'
import type { SupportAccess } from './operator.ts'

export interface AccessRow {
  readonly id: string
  readonly tenant_id: string
  readonly user_id: string
  readonly reason: string
  readonly may_write: boolean
  readonly opened_by: string
  readonly created_at: Date
  readonly expires_at: Date
  readonly ended_at: Date | null
}

/** The columns of an AccessRow; of the table by the alias `a`. */
export const accessColumns =
  'a.id, a.tenant_id, a.user_id, a.reason, a.may_write, a.opened_by, a.created_at, a.expires_at, a.ended_at'

export function toAccess(row: AccessRow): SupportAccess {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    userId: row.user_id,
    reason: row.reason,
    mayWrite: row.may_write,
    openedBy: row.opened_by,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  }
}

export interface AccessChange {
  readonly verb: 'open' | 'end'
  readonly tenant: NonNullable<TenantFact['tenant']>
  readonly access: SupportAccess
  readonly actor: string
  readonly at: Date
}

const past = { open: 'opened', end: 'ended' } as const

/** Records a change of an access: the tenant's event and entry, and one among those of the instance. */
export async function recordAccess(tx: Sql, { verb, tenant, access, actor, at }: AccessChange): Promise<void> {
  const { id, userId, mayWrite, expiresAt, reason } = access
  const action = `support.${verb}`
  const detail = { accessId: id, userId, mayWrite, expiresAt }
  await recordFact(tx, { event: `support.${past[verb]}`, action, tenant, actor, at, reason, detail })
  await recordEntry(tx, { action, tenant: null, actor, at, reason, detail: { ...detail, tenantId: tenant.id } })
}

/** Ends what a user has open in any tenant. */
export async function endAccessesOf(
  tx: Sql,
  { userId, actor, at }: { readonly userId: string; readonly actor: string; readonly at: Date },
): Promise<readonly SupportAccess[]> {
  const { rows } = await tx.query<AccessRow & { readonly slug: string; readonly plan: string | null }>(
    `update tenantry.support_access a set ended_at = now() from tenantry.tenant t
      where t.id = a.tenant_id and a.user_id = $1 and a.ended_at is null and a.expires_at > now()
      returning ${accessColumns}, t.slug, t.plan`,
    [userId],
  )
  for (const row of rows) {
    const tenant = { id: row.tenant_id, slug: row.slug, plan: row.plan }
    await recordAccess(tx, { verb: 'end', tenant, access: toAccess(row), actor, at })
  }
  return rows.map(toAccess)
}
