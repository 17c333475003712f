// Accepting an invitation: one transaction that holds the tenant's row and the invitation's, so that of two who hold the
// same token one is told that it was used, and an inviter who was demoted meanwhile gives nothing any more.
import type { Sql } from '../../engine/sql/database.ts'
import { sqlStateOf } from '../../engine/sql/database-errors.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { VerifiedUser } from '../../tenants/access.ts'
import { admit } from '../../tenants/admission.ts'
import { type Authority, readMembership, readRole, refuseOutranked, refuseUncovered } from '../../tenants/authority.ts'
import { recordFact } from '../../tenants/events.ts'
import { lockTenant } from '../../tenants/lock.ts'
import type { TenantRecord } from '../../tenants/record.ts'
import type { InvitationsOptions } from './create-invitations.ts'
import type { AcceptedInvitation, AcceptOptions } from './invitation.ts'
import { checkUser, invitationNotFound } from './invitation-input.ts'
import {
  type InvitationRow,
  isExpired,
  lockInvitation,
  markAccepted,
  tenantOfToken,
  toInvitation,
} from './invitation-store.ts'
import { hashOf, isToken } from './invitation-token.ts'

const NO_TRANSACTION = '25P01'

type Guest = ReturnType<typeof checkUser>

/** Makes the user a member; throws as Invitations.accept says. */
export async function acceptInvitation(
  options: InvitationsOptions,
  token: string,
  { user, act }: { readonly user: VerifiedUser; readonly act: AcceptOptions },
): Promise<AcceptedInvitation> {
  const guest = checkUser(user)
  if (!isToken(token)) throw invitationNotFound()
  const tokenHash = hashOf(token)
  const run = (tx: Sql) => acceptIn(options, tx, { tokenHash, guest, act })
  if (act.within !== undefined) return inSavepoint(act.within, run)
  const accepted = await options.database.transaction(run)
  options.onChange?.(accepted.tenantId)
  return accepted
}

interface Acceptance {
  readonly tokenHash: Buffer
  readonly guest: Guest
  readonly act: AcceptOptions
}

async function acceptIn(
  options: InvitationsOptions,
  tx: Sql,
  { tokenHash, guest, act }: Acceptance,
): Promise<AcceptedInvitation> {
  const tenantId = await tenantOfToken(tx, tokenHash)
  if (tenantId === undefined) throw invitationNotFound()
  // The tenant first, as every change of its members does.
  const tenant = await lockTenant(tx, { column: 'id', value: tenantId }, options.lockTimeoutMs)
  const row = await lockInvitation(tx, tokenHash)
  if (tenant === undefined) throw invitationNotFound()
  const at = new Date(options.clock.now())
  // Whose it is comes first: nobody else learns more than that.
  refuseOthers(row, guest)
  refuseVoid(row, at)
  admit({ ...tenant, provisioned: tenant.provisionedAt !== null, migrationVersion: 0 })
  await refuseGuest(tx, row, guest)
  await refuseInviter(tx, row)
  await saveMember(tx, row, { guest, at })
  const invitation = toInvitation(await markAccepted(tx, row.id, { userId: guest.userId, at }), at.getTime())
  const accepted = { invitation, tenantId, userId: guest.userId, role: row.role }
  await record(tx, { accepted, tenant, at, actor: act.actor })
  await act.afterAccept?.(tx, accepted)
  return accepted
}

function refuseOthers(row: InvitationRow, { verifiedEmail }: Guest): void {
  if (verifiedEmail === row.email) return
  throw new TenantryError('INVITATION_EMAIL_MISMATCH', 'The invitation is for another, verified e-mail address.')
}

function refuseVoid(row: InvitationRow, at: Date): void {
  if (row.state === 'accepted') throw new TenantryError('INVITATION_USED', 'The invitation was accepted already.')
  if (row.state === 'revoked') throw new TenantryError('INVITATION_REVOKED', 'The invitation was revoked.')
  if (isExpired(row, at.getTime())) throw new TenantryError('INVITATION_EXPIRED', 'The invitation has expired.')
}

interface MemberRow {
  readonly user_id: string
  readonly role: string
  readonly state: string
  readonly revoked_at: Date | null
}

/** By address as well: a second account of the same person is not another person. */
async function refuseGuest(tx: Sql, row: InvitationRow, { userId }: Guest): Promise<void> {
  const { rows } = await tx.query<MemberRow>(
    `select user_id, role, state, revoked_at from tenantry.member
      where tenant_id = $1 and (user_id = $2 or email = $3)`,
    [row.tenant_id, userId, row.email],
  )
  for (const member of rows) refuseOnceThere(row, member)
  const own = rows.find((member) => member.user_id === userId)
  if (own?.state === 'active' && own.role !== row.role) {
    throw new TenantryError('MEMBER_EXISTS', 'The user is a member already, with another role.')
  }
}

function refuseOnceThere(row: InvitationRow, { state, revoked_at: revokedAt }: MemberRow): void {
  if (state === 'suspended') {
    throw new TenantryError('MEMBER_STATE_CONFLICT', 'The member is suspended; an invitation does not change that.')
  }
  // Otherwise a link that somebody kept would undo that they were taken out.
  if (state === 'revoked' && revokedAt !== null && revokedAt >= row.issued_at) {
    throw new TenantryError('INVITATION_REVOKED', 'The user was taken out of the tenant after this invitation.')
  }
}

/** Throws RANK_TOO_LOW where the inviter could not invite to the role any more, ROLE_NOT_FOUND where that is gone. */
async function refuseInviter(tx: Sql, row: InvitationRow): Promise<void> {
  const role = await readRole(tx, row.tenant_id, row.role)
  if (row.invited_by === null && row.bounds === null) return
  const authority = await inviterNow(tx, row)
  try {
    refuseUncovered(authority, 'invitations:write')
    refuseOutranked(authority, role)
  } catch (error) {
    if (!(error instanceof TenantryError)) throw error
    throw new TenantryError('RANK_TOO_LOW', 'Who sent the invitation cannot give its role any more.', { cause: error })
  }
}

async function inviterNow(tx: Sql, row: InvitationRow): Promise<Authority> {
  if (row.invited_by === null) return { rank: null, permissions: row.bounds ?? [] }
  const membership = await readMembership(tx, row.tenant_id, row.invited_by)
  return membership === null || membership.readOnly ? { rank: 0, permissions: [] } : membership
}

const upsertMember = `
insert into tenantry.member (tenant_id, user_id, email, role, state, invited_by, invited_at, joined_at, created_at, updated_at)
values ($1, $2, $3, $4, 'active', $5, $6, $7, $7, $7)
on conflict (tenant_id, user_id) do update
   set email = excluded.email, role = excluded.role, state = 'active', invited_by = excluded.invited_by,
       invited_at = excluded.invited_at, joined_at = excluded.joined_at, suspended_at = null, revoked_at = null,
       updated_at = excluded.updated_at
 where member.state <> 'active'`

async function saveMember(tx: Sql, row: InvitationRow, { guest, at }: { guest: Guest; at: Date }): Promise<void> {
  const invited = [row.invited_by, row.created_at, at]
  await tx.query(upsertMember, [row.tenant_id, guest.userId, row.email, row.role, ...invited])
}

interface Fact {
  readonly accepted: AcceptedInvitation
  readonly tenant: TenantRecord
  readonly at: Date
  readonly actor: string | undefined
}

async function record(tx: Sql, { accepted, tenant, at, actor }: Fact): Promise<void> {
  const { invitation, userId, role } = accepted
  const who = actor ?? `user:${userId}`
  const detail = { invitationId: invitation.id, userId, role, invitedBy: invitation.invitedBy }
  const fact = { event: 'invitation.accepted', action: 'invitation.accept', tenant, actor: who, at, detail }
  await recordFact(tx, fact)
}

/**
 * Runs a part of the caller's transaction that leaves nothing behind where it throws, whatever the caller does then.
 * Throws INVALID_INPUT where there is no transaction.
 */
async function inSavepoint<T>(tx: Sql, run: (tx: Sql) => Promise<T>): Promise<T> {
  const timeout = await openSavepoint(tx)
  let value: T
  try {
    value = await run(tx)
  } catch (error) {
    // The error of the part is the one to report; a transaction that cannot go back fails at its commit.
    await tx.query('rollback to savepoint tenantry_accept; release savepoint tenantry_accept').catch(() => undefined)
    throw error
  }
  await tx.query('release savepoint tenantry_accept')
  // The wait for the tenant's row was ours alone to bound.
  await tx.query(`select set_config('lock_timeout', $1, true)`, [timeout])
  return value
}

async function openSavepoint(tx: Sql): Promise<string> {
  try {
    await tx.query('savepoint tenantry_accept')
  } catch (error) {
    if (sqlStateOf(error) !== NO_TRANSACTION) throw error
    throw new TenantryError('INVALID_INPUT', '"within" must be a transaction of asCentral().', {
      field: 'within',
      cause: error,
    })
  }
  const { rows } = await tx.query<{ timeout: string }>(`select current_setting('lock_timeout') as timeout`)
  return rows[0]?.timeout ?? '0'
}
