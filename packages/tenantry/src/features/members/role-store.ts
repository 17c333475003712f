// The rows of roles, and what refers to one.
import type { Sql } from '../../engine/sql/database.ts'
import type { Role } from './member.ts'

interface RoleRow {
  readonly name: string
  readonly rank: number
  readonly permissions: readonly string[]
  readonly description: string | null
  readonly is_built_in: boolean
}

const COLUMNS = 'name, rank, permissions, description, tenant_id is null as is_built_in'

function toRole({ name, rank, permissions, description, is_built_in }: RoleRow): Role {
  return { name, rank, permissions, description, isBuiltIn: is_built_in }
}

/** The built-in roles, then the tenant's own, each by rank. */
export async function listRoles(sql: Sql, tenantId: string): Promise<readonly Role[]> {
  const { rows } = await sql.query<RoleRow>(
    `select ${COLUMNS} from tenantry.role where tenant_id = $1 or tenant_id is null
      order by is_built_in desc, rank desc, name`,
    [tenantId],
  )
  return rows.map(toRole)
}

export async function findRole(sql: Sql, tenantId: string, name: string): Promise<Role | undefined> {
  const { rows } = await sql.query<RoleRow>(
    `select ${COLUMNS} from tenantry.role where name = $2 and (tenant_id = $1 or tenant_id is null)`,
    [tenantId, name],
  )
  return rows[0] && toRole(rows[0])
}

/** Writes a role of the tenant's own, new or changed. */
export async function saveRole(tx: Sql, tenantId: string, role: Omit<Role, 'isBuiltIn'> & { at: Date }): Promise<void> {
  await tx.query(
    `insert into tenantry.role (tenant_id, name, rank, permissions, description, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $6)
     on conflict (tenant_id, name) do update set rank = $3, permissions = $4, description = $5, updated_at = $6`,
    [tenantId, role.name, role.rank, [...role.permissions], role.description, role.at],
  )
}

export async function deleteRole(tx: Sql, tenantId: string, name: string): Promise<void> {
  await tx.query('delete from tenantry.role where tenant_id = $1 and name = $2', [tenantId, name])
}

/** Whether a member, an invitation, a team or an organization of the tenant has the role. */
export async function isRoleInUse(sql: Sql, tenantId: string, name: string): Promise<boolean> {
  const { rows } = await sql.query<{ used: boolean }>(
    `select exists (select from tenantry.member where tenant_id = $1 and role = $2 and state <> 'revoked')
         or exists (select from tenantry.invitation where tenant_id = $1 and role = $2 and state = 'pending')
         or exists (select from tenantry.team_role where tenant_id = $1 and role = $2)
         or exists (select from tenantry.organization_tenant where tenant_id = $1 and member_role = $2) as used`,
    [tenantId, name],
  )
  return rows[0]?.used !== false
}
