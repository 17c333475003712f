// The rows of members: reading one, a page of them, and writing one as it is after a change.
import type { Sql } from '../../engine/sql/database.ts'
import { checkFilter, checkLimit, readTextCursor, textCursor } from '../../tenants/paging.ts'
import type { JsonObject, Page } from '../../tenants/tenant.ts'
import type { ListMembers, Member, MemberState } from './member.ts'
import { checkState } from './member-input.ts'

interface MemberRow {
  readonly tenant_id: string
  readonly user_id: string
  readonly email: string | null
  readonly role: string
  readonly state: MemberState
  readonly invited_by: string | null
  readonly invited_at: Date | null
  readonly joined_at: Date | null
  readonly suspended_at: Date | null
  readonly revoked_at: Date | null
  readonly metadata: JsonObject
  readonly created_at: Date
  readonly updated_at: Date
}

const COLUMNS = `tenant_id, user_id, email, role, state, invited_by, invited_at, joined_at, suspended_at, revoked_at,
  metadata, created_at, updated_at`

const time = (value: Date | null): string | null => value?.toISOString() ?? null

function toMember(row: MemberRow): Member {
  return {
    ...{ tenantId: row.tenant_id, userId: row.user_id, email: row.email, role: row.role, state: row.state },
    ...{ invitedBy: row.invited_by, invitedAt: time(row.invited_at), joinedAt: time(row.joined_at) },
    ...{ suspendedAt: time(row.suspended_at), revokedAt: time(row.revoked_at), metadata: row.metadata },
    ...{ createdAt: row.created_at.toISOString(), updatedAt: row.updated_at.toISOString() },
  }
}

/** A member of any state; undefined where nobody of that id ever was one. */
export async function findMember(sql: Sql, tenantId: string, userId: string): Promise<Member | undefined> {
  const { rows } = await sql.query<MemberRow>(
    `select ${COLUMNS} from tenantry.member where tenant_id = $1 and user_id = $2`,
    [tenantId, userId],
  )
  return rows[0] && toMember(rows[0])
}

/** Writes the member as it is now, new or changed, and returns what is stored. */
export async function saveMember(tx: Sql, member: Omit<Member, 'createdAt'>): Promise<Member> {
  const { rows } = await tx.query<MemberRow>(
    `insert into tenantry.member as m (tenant_id, user_id, email, role, state, invited_by, invited_at, joined_at,
            suspended_at, revoked_at, metadata, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
     on conflict (tenant_id, user_id) do update
        set email = $3, role = $4, state = $5, invited_by = $6, invited_at = $7, joined_at = $8, suspended_at = $9,
            revoked_at = $10, metadata = $11, updated_at = $12
     returning ${COLUMNS}`,
    [
      ...[member.tenantId, member.userId, member.email, member.role, member.state, member.invitedBy],
      ...[member.invitedAt, member.joinedAt, member.suspendedAt, member.revokedAt],
      ...[JSON.stringify(member.metadata), member.updatedAt],
    ],
  )
  const [saved] = rows
  if (saved === undefined) throw new Error('a row that was just written was not returned')
  return toMember(saved)
}

const MATCHING = `tenant_id = $1 and ($2::text is null or state = $2) and ($3::text is null or role = $3)
  and ($4::text is null or position(lower($4) in lower(user_id)) > 0 or position(lower($4) in email) > 0)`

/** A page of a tenant's members by their user ids. Throws INVALID_INPUT. */
export async function listMembers(sql: Sql, tenantId: string, query: ListMembers): Promise<Page<Member>> {
  const limit = checkLimit(query.limit)
  const filter = [
    tenantId,
    checkState(query.state),
    checkFilter('role', query.role),
    checkFilter('search', query.search),
  ]
  const { rows } = await sql.query<MemberRow>(
    `select ${COLUMNS} from tenantry.member
      where ${MATCHING} and ($5::text is null or user_id > $5) order by user_id limit $6`,
    [...filter, readTextCursor(query.cursor), limit + 1],
  )
  const { rows: counted } = await sql.query<{ total: number }>(
    `select count(*)::integer as total from tenantry.member where ${MATCHING}`,
    filter,
  )
  const items = rows.slice(0, limit).map(toMember)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > limit && last !== undefined ? textCursor(last.userId) : null,
    total: counted[0]?.total ?? 0,
  }
}
