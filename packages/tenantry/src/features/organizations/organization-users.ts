// All users across an organization's tenants, and its own members, in one query: the page, the total, and whether there
// is such an organization at all.
import type { Page } from '../../tenants/tenant.ts'
import type { ListQuery, OrganizationRef, OrganizationUser } from './organization.ts'
import { checkQuery, keyOf, organizationNotFound } from './organization-input.ts'
import { readTextCursor, textCursor } from '../../tenants/paging.ts'
import type { OrganizationsOptions } from './organization-row.ts'

// One more than the page holds is asked for, to know whether another follows.
const selectUsers = (column: 'id' | 'slug') => `
select found.total, found.users
  from tenantry.organization o, lateral (
    with place as (
      select m.user_id, m.email, m.role, m.state, t.id as tenant_id, t.slug
        from tenantry.organization_tenant ot
        join tenantry.tenant t on t.id = ot.tenant_id
        join tenantry.member m on m.tenant_id = ot.tenant_id
       where ot.organization_id = o.id and m.state <> 'revoked'
    ), own as (
      select om.user_id, om.email, om.role from tenantry.organization_member om where om.organization_id = o.id
    ), person as (
      select user_id, coalesce(own.email, p.email) as email, own.role
        from own full join (select user_id, min(email) as email from place group by user_id) p using (user_id)
    ), matching as materialized (
      select * from person
       where $2::text is null or position($2 in lower(user_id)) > 0 or position($2 in email) > 0
    ), page as (
      select * from matching where $3::text is null or user_id > $3 order by user_id limit $4
    )
    select (select count(*)::integer from matching) as total,
      (select json_agg(json_build_object('userId', page.user_id, 'email', page.email, 'organizationRole', page.role,
         'tenants', coalesce((select json_agg(json_build_object('tenantId', place.tenant_id, 'slug', place.slug,
                      'role', place.role, 'state', place.state) order by place.slug)
                      from place where place.user_id = page.user_id), '[]'::json)) order by page.user_id)
         from page) as users
  ) found
 where o.${column} = $1`

interface Found {
  readonly total: number
  /** Null for an empty page. */
  readonly users: readonly OrganizationUser[] | null
}

/** A page of the users, by their ids; those who were revoked are none. Throws ORGANIZATION_NOT_FOUND, INVALID_INPUT. */
export async function listUsers(
  { database }: Pick<OrganizationsOptions, 'database'>,
  ref: OrganizationRef,
  options: ListQuery,
): Promise<Page<OrganizationUser>> {
  const { limit, search, cursor } = checkQuery(options)
  const after = readTextCursor(cursor)
  const key = keyOf(ref)
  if (key === undefined) throw organizationNotFound()
  const { rows } = await database.query<Found>(selectUsers(key.column), [key.value, search, after, limit + 1])
  const [found] = rows
  if (found === undefined) throw organizationNotFound()
  const items = (found.users ?? []).slice(0, limit)
  const last = items.at(-1)
  const isMore = (found.users?.length ?? 0) > limit && last !== undefined
  return { items, nextCursor: isMore ? textCursor(last.userId) : null, total: found.total }
}
