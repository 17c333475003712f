// The role of a gateway: nobody can log in as it; the gateway's own login is made a member by whoever runs it.
import type { AdminFacts } from '../../control/admin-facts.ts'
import { readRoleFacts } from '../../control/admin-facts.ts'
import { roleMark } from '../../control/roles.ts'
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../../kernel/identifiers.ts'
import type { Gateway } from './claims.ts'

export function gatewayRole(instanceId: string, gateway: Gateway): string {
  return `tn_${instanceId}_${gateway}`
}

export interface GatewayRole {
  readonly role: string
  readonly instanceId: string
  readonly admin: AdminFacts
}

/** Makes the role where it is missing. Throws ROLE_CONFLICT where one of that name is not ours, or has been given more. */
export async function ensureGatewayRole(tx: Sql, { role, instanceId, admin }: GatewayRole): Promise<void> {
  const mark = roleMark(instanceId, admin.database)
  const found = (await readRoleFacts(tx, [role])).get(role)
  if (found === undefined) {
    await tx.query(
      `create role ${quoteIdentifier(role)} nologin noinherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
       comment on role ${quoteIdentifier(role)} is ${quoteLiteral(mark)}`,
    )
  } else if (found.comment !== mark) {
    throw new TenantryError('ROLE_CONFLICT', `The role ${role} was not made for this database.`)
  } else if (found.canLogin || found.attributes.length > 0) {
    throw new TenantryError('ROLE_CONFLICT', `The role ${role} has been given more than Tenantry gave it.`, {
      fix: `Take its attributes away (${found.attributes.join(', ') || 'LOGIN'}), then try again.`,
    })
  }
  await tx.query(
    `grant usage on schema tenantry to ${quoteIdentifier(role)};
     grant execute on function tenantry.external_tenant_id(text), tenantry.claimed_tenant_id() to ${quoteIdentifier(role)}`,
  )
}

/** Drops the role unless something else depends on it; says whether it is gone. Never another's role. */
export async function dropGatewayRole(tx: Sql, { role, instanceId }: Omit<GatewayRole, 'admin'>): Promise<boolean> {
  const { rows } = await tx.query<{ database: string; used: boolean; comment: string | null }>(
    `select current_database()::text as database, shobj_description(r.oid, 'pg_authid') as comment,
            exists (select from pg_shdepend d where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid) as used
       from pg_roles r where r.rolname = $1`,
    [role],
  )
  const found = rows[0]
  if (found === undefined) return true
  if (found.used || found.comment !== roleMark(instanceId, found.database)) return false
  await tx.query(`drop role ${quoteIdentifier(role)}`)
  return true
}
