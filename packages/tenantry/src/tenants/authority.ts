// How far somebody's power over a tenant's members reaches: their own place in it, or the permissions of a key. Read in
// the transaction that acts, under the tenant's row, so that no decision rests on a role that was just taken away.
import type { Sql } from '../engine/sql/database.ts'
import { TenantryError } from '../kernel/errors.ts'
import { covers, type Membership, type OnBehalfOf, type Permission } from './access.ts'

/** A role as far as rights go. */
export interface RoleRights {
  readonly name: string
  readonly rank: number
  readonly permissions: readonly Permission[]
}

/** What bounds an act. A key has no place in the tenant and so no rank: its permissions alone bound it. */
export interface Authority {
  readonly rank: number | null
  readonly permissions: readonly Permission[]
}

interface MembershipRow {
  readonly role: string
  readonly rank: number
  readonly permissions: readonly Permission[]
  readonly source: Membership['source']
  readonly read_only: boolean
  readonly expires_at: Date | null
}

/** The user's effective membership of a tenant, its strongest way in; null for none. */
export async function readMembership(sql: Sql, tenantId: string, userId: string): Promise<Membership | null> {
  const { rows } = await sql.query<MembershipRow>(
    `select role, rank, permissions, source, read_only, expires_at from tenantry.memberships_of($1, $2)
      where expires_at is null or expires_at > now() limit 1`,
    [tenantId, userId],
  )
  const [row] = rows
  if (row === undefined) return null
  const { role, rank, permissions, source } = row
  const expiresAt = row.expires_at?.getTime() ?? null
  return { tenantId, userId, role, rank, permissions, source, readOnly: row.read_only, expiresAt }
}

/** A role of the tenant, its own or a built-in one that can be given. Throws ROLE_NOT_FOUND. */
export async function readRole(sql: Sql, tenantId: string, name: string): Promise<RoleRights> {
  const { rows } = await sql.query<RoleRights>(
    `select name, rank, permissions from tenantry.role
      where name = $2 and (tenant_id = $1 or tenant_id is null) and name <> 'support'`,
    [tenantId, name],
  )
  if (rows[0] !== undefined) return rows[0]
  throw new TenantryError('ROLE_NOT_FOUND', 'The tenant has no role of this name.', { field: 'role' })
}

/** What bounds whoever an act is on behalf of; undefined for central power. Throws NOT_A_MEMBER, PERMISSION_DENIED. */
export async function readAuthority(
  sql: Sql,
  tenantId: string,
  onBehalfOf: OnBehalfOf | undefined,
): Promise<Authority | undefined> {
  if (onBehalfOf === undefined) return undefined
  if ('permissions' in onBehalfOf) return { rank: null, permissions: onBehalfOf.permissions }
  const membership = await readMembership(sql, tenantId, onBehalfOf.userId)
  if (membership === null) throw new TenantryError('NOT_A_MEMBER', 'The user is not an active member of the tenant.')
  if (!membership.readOnly) return membership
  throw new TenantryError('PERMISSION_DENIED', 'The user may only read in this tenant.')
}

/** Throws RANK_TOO_LOW where a role ranks above who gives or takes it, or allows what they may not. */
export function refuseOutranked(authority: Authority | undefined, role: RoleRights): void {
  if (authority === undefined) return
  const ranksAbove = authority.rank !== null && role.rank > authority.rank
  if (!ranksAbove && role.permissions.every((permission) => covers(authority.permissions, permission))) return
  throw new TenantryError('RANK_TOO_LOW', `The role ${role.name} reaches further than who gives or takes it.`)
}

/** Throws PERMISSION_DENIED where the act itself is not covered. */
export function refuseUncovered(authority: Authority | undefined, needed: Permission): void {
  if (authority === undefined || covers(authority.permissions, needed)) return
  throw new TenantryError('PERMISSION_DENIED', `This needs the permission ${needed}.`)
}

/** Who asks, for the audit log, where the call does not say: the user it is on behalf of, or the library. */
export function actorOf(act: { readonly actor?: string; readonly onBehalfOf?: OnBehalfOf }): string {
  if (act.actor !== undefined) return act.actor
  return act.onBehalfOf !== undefined && 'userId' in act.onBehalfOf ? `user:${act.onBehalfOf.userId}` : 'library'
}
