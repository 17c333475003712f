// Invitations in the control plane's table: the row, its mapping, and the statements.
import type { Sql } from '../../engine/sql/database.ts'
import type { Permission } from '../../tenants/access.ts'
import { tenantCursor } from '../../tenants/paging.ts'
import type { JsonObject, Page } from '../../tenants/tenant.ts'
import type { Invitation } from './invitation.ts'
import { type InvitationQuery, invitationNotFound } from './invitation-input.ts'

/** An invitation as it is stored; whether it has expired is a matter of the time. */
export interface InvitationRow {
  readonly id: string
  readonly tenant_id: string
  readonly email: string
  readonly role: string
  readonly state: 'pending' | 'accepted' | 'revoked'
  readonly invited_by: string | null
  readonly bounds: readonly Permission[] | null
  readonly issued_at: Date
  readonly expires_at: Date
  readonly accepted_at: Date | null
  readonly accepted_by: string | null
  readonly revoked_at: Date | null
  readonly metadata: JsonObject
  readonly created_at: Date
}

const columns = `id, tenant_id, email, role, state, invited_by, bounds, issued_at, expires_at, accepted_at, accepted_by,
  revoked_at, metadata, created_at`

export function toInvitation(row: InvitationRow, now: number): Invitation {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    email: row.email,
    role: row.role,
    state: isExpired(row, now) ? 'expired' : row.state,
    invitedBy: row.invited_by,
    expiresAt: row.expires_at.toISOString(),
    acceptedAt: row.accepted_at?.toISOString() ?? null,
    acceptedBy: row.accepted_by,
    revokedAt: row.revoked_at?.toISOString() ?? null,
    metadata: row.metadata,
    createdAt: row.created_at.toISOString(),
  }
}

export function isExpired(row: Pick<InvitationRow, 'state' | 'expires_at'>, now: number): boolean {
  return row.state === 'pending' && row.expires_at.getTime() <= now
}

export interface NewRow {
  readonly id: string
  readonly tenantId: string
  readonly email: string
  readonly role: string
  readonly tokenHash: Buffer
  readonly invitedBy: string | null
  readonly bounds: readonly Permission[] | null
  readonly issuedAt: Date
  readonly expiresAt: Date
  readonly metadata: JsonObject
}

export async function insertInvitation(tx: Sql, row: NewRow): Promise<InvitationRow> {
  const { rows } = await tx.query<InvitationRow>(
    `insert into tenantry.invitation
       (id, tenant_id, email, role, token_hash, invited_by, bounds, issued_at, expires_at, metadata, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $8) returning ${columns}`,
    [
      ...[row.id, row.tenantId, row.email, row.role, row.tokenHash, row.invitedBy, row.bounds, row.issuedAt],
      ...[row.expiresAt, JSON.stringify(row.metadata)],
    ],
  )
  return found(rows)
}

/** The invitation of an id, in its tenant. Throws INVITATION_NOT_FOUND. */
export async function readInvitation(sql: Sql, tenantId: string, id: string): Promise<InvitationRow> {
  const { rows } = await sql.query<InvitationRow>(
    `select ${columns} from tenantry.invitation where id = $2 and tenant_id = $1`,
    [tenantId, id],
  )
  return found(rows)
}

/** The pending invitation of an address, which there is one of at most. */
export async function readPending(tx: Sql, tenantId: string, email: string): Promise<InvitationRow | undefined> {
  const { rows } = await tx.query<InvitationRow>(
    `select ${columns} from tenantry.invitation where tenant_id = $1 and email = $2 and state = 'pending'`,
    [tenantId, email],
  )
  return rows[0]
}

/** The tenant that a token is for; undefined for an unknown one. */
export async function tenantOfToken(sql: Sql, tokenHash: Buffer): Promise<string | undefined> {
  const { rows } = await sql.query<{ tenant_id: string }>(
    'select tenant_id from tenantry.invitation where token_hash = $1',
    [tokenHash],
  )
  return rows[0]?.tenant_id
}

/** The invitation of a token, its row locked. Throws INVITATION_NOT_FOUND: it may have been sent anew meanwhile. */
export async function lockInvitation(tx: Sql, tokenHash: Buffer): Promise<InvitationRow> {
  const { rows } = await tx.query<InvitationRow>(
    `select ${columns} from tenantry.invitation where token_hash = $1 for update`,
    [tokenHash],
  )
  return found(rows)
}

export async function markRevoked(tx: Sql, id: string, at: Date): Promise<InvitationRow> {
  const { rows } = await tx.query<InvitationRow>(
    `update tenantry.invitation set state = 'revoked', revoked_at = $2 where id = $1 returning ${columns}`,
    [id, at],
  )
  return found(rows)
}

export async function markAccepted(tx: Sql, id: string, by: { userId: string; at: Date }): Promise<InvitationRow> {
  const { rows } = await tx.query<InvitationRow>(
    `update tenantry.invitation set state = 'accepted', accepted_at = $2, accepted_by = $3 where id = $1
     returning ${columns}`,
    [id, by.at, by.userId],
  )
  return found(rows)
}

export type Renewal = Pick<NewRow, 'id' | 'tokenHash' | 'invitedBy' | 'bounds' | 'issuedAt' | 'expiresAt'>

/** Another token and term; whoever renews an invitation vouches for it from then on. */
export async function renewInvitation(tx: Sql, row: Renewal): Promise<InvitationRow> {
  const { rows } = await tx.query<InvitationRow>(
    `update tenantry.invitation
        set token_hash = $2, invited_by = $3, bounds = $4, issued_at = $5, expires_at = $6
      where id = $1 returning ${columns}`,
    [row.id, row.tokenHash, row.invitedBy, row.bounds, row.issuedAt, row.expiresAt],
  )
  return found(rows)
}

const matching = `tenant_id = $1 and ($2::text is null or position($2 in email) > 0)
  and ($3::text is null or case when state = 'pending' and expires_at <= $4 then 'expired' else state end = $3)`

/** A page of a tenant's invitations, newest first. */
export async function listInvitations(
  sql: Sql,
  tenantId: string,
  query: InvitationQuery & { readonly now: number },
): Promise<Page<Invitation>> {
  const filter = [tenantId, query.search, query.state, new Date(query.now)]
  const { rows } = await sql.query<InvitationRow>(
    `select ${columns} from tenantry.invitation
      where ${matching} and ($5::uuid is null or id < $5) order by id desc limit $6`,
    [...filter, query.before, query.limit + 1],
  )
  const { rows: counted } = await sql.query<{ total: number }>(
    `select count(*)::integer as total from tenantry.invitation where ${matching}`,
    filter,
  )
  const items = rows.slice(0, query.limit).map((row) => toInvitation(row, query.now))
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > query.limit && last !== undefined ? tenantCursor(last) : null,
    total: counted[0]?.total ?? 0,
  }
}

function found(rows: readonly InvitationRow[]): InvitationRow {
  if (rows[0] !== undefined) return rows[0]
  throw invitationNotFound()
}
