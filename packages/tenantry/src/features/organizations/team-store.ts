// Reading teams: the rows, their mapping, and pages of them.
import type { Sql } from '../../engine/sql/database.ts'
import { readTenantCursor, tenantCursor } from '../../tenants/paging.ts'
import type { Page } from '../../tenants/tenant.ts'
import type { ListQuery, Team, TeamMember, TeamRole } from './organization.ts'
import { checkQuery, keyOf, teamNotFound } from './organization-input.ts'

export interface TeamRow {
  readonly id: string
  readonly organization_id: string
  readonly slug: string
  readonly name: string
  readonly created_at: Date
}

export const teamColumns = 'id, organization_id, slug, name, created_at'

export const toTeam = (row: TeamRow): Team => ({
  id: row.id,
  organizationId: row.organization_id,
  slug: row.slug,
  name: row.name,
  createdAt: row.created_at.toISOString(),
})

/** A team of the organization, by slug or id. Throws TEAM_NOT_FOUND. */
export async function findTeam(sql: Sql, organizationId: string, named: string): Promise<Team> {
  const key = keyOf(named)
  if (key === undefined) throw teamNotFound()
  const { rows } = await sql.query<TeamRow>(
    `select ${teamColumns} from tenantry.team where organization_id = $1 and ${key.column} = $2`,
    [organizationId, key.value],
  )
  if (rows[0] !== undefined) return toTeam(rows[0])
  throw teamNotFound()
}

const matching = `organization_id = $1
  and ($2::text is null or position($2 in slug) > 0 or position($2 in lower(name)) > 0)`

/** A page of an organization's teams, newest first. Throws INVALID_INPUT. */
export async function listTeams(sql: Sql, organizationId: string, options: ListQuery): Promise<Page<Team>> {
  const { limit, search, cursor } = checkQuery(options)
  const { rows } = await sql.query<TeamRow>(
    `select ${teamColumns} from tenantry.team
      where ${matching} and ($3::uuid is null or id < $3) order by id desc limit $4`,
    [organizationId, search, readTenantCursor(cursor), limit + 1],
  )
  const { rows: counted } = await sql.query<{ total: number }>(
    `select count(*)::integer as total from tenantry.team where ${matching}`,
    [organizationId, search],
  )
  const items = rows.slice(0, limit).map(toTeam)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > limit && last !== undefined ? tenantCursor(last) : null,
    total: counted[0]?.total ?? 0,
  }
}

/** The members of a team by their ids, or the one who is named. */
export async function teamMembers(sql: Sql, teamId: string, userId?: string): Promise<readonly TeamMember[]> {
  const { rows } = await sql.query<{ team_id: string; user_id: string; created_at: Date }>(
    `select team_id, user_id, created_at from tenantry.team_member
      where team_id = $1 and ($2::text is null or user_id = $2) order by user_id`,
    [teamId, userId ?? null],
  )
  return rows.map((row) => ({
    ...{ teamId: row.team_id, userId: row.user_id },
    createdAt: row.created_at.toISOString(),
  }))
}

/** The roles of a team, by the slugs of their tenants. */
export async function teamRoles(sql: Sql, teamId: string): Promise<readonly TeamRole[]> {
  const { rows } = await sql.query<TeamRole>(
    `select r.team_id as "teamId", r.tenant_id as "tenantId", t.slug, r.role
       from tenantry.team_role r join tenantry.tenant t on t.id = r.tenant_id
      where r.team_id = $1 order by t.slug`,
    [teamId],
  )
  return rows
}
