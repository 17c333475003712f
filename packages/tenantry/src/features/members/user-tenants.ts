// The tenants that a user belongs to, whichever way: by rows of their own, by organizations, by teams.
import type { Sql } from '../../engine/sql/database.ts'
import { checkLimit, readTextCursor, textCursor } from '../../tenants/paging.ts'
import type { Page } from '../../tenants/tenant.ts'
import type { UserTenant } from './member.ts'

const BELONGING = `
  from tenantry.tenants_of($1) way
  join tenantry.tenant t on t.id = way.tenant_id and t.status not in ('deleted', 'purged')
 cross join lateral (
   select w.role, w.source from tenantry.memberships_of(t.id, $1) w
    where w.expires_at is null or w.expires_at > clock_timestamp() limit 1) m`

/** A page of a user's tenants by their slugs, deleted ones left out. Throws INVALID_INPUT. */
export async function tenantsOfUser(
  sql: Sql,
  userId: string,
  query: { readonly limit?: number; readonly cursor?: string },
): Promise<Page<UserTenant>> {
  const limit = checkLimit(query.limit)
  const { rows } = await sql.query<UserTenant>(
    `select t.id as "tenantId", t.slug, t.name, t.status, m.role, m.source ${BELONGING}
      where $2::text is null or t.slug > $2 order by t.slug limit $3`,
    [userId, readTextCursor(query.cursor), limit + 1],
  )
  const { rows: counted } = await sql.query<{ total: number }>(`select count(*)::integer as total ${BELONGING}`, [
    userId,
  ])
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > limit && last !== undefined ? textCursor(last.slug) : null,
    total: counted[0]?.total ?? 0,
  }
}
