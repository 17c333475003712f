// Which tenants an organization owns, and the role that its plain members have in each.
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { readRole } from '../../tenants/authority.ts'
import { lockTenant } from '../../tenants/lock.ts'
import { readTenantCursor, tenantCursor } from '../../tenants/paging.ts'
import { tenantKey, tenantNotFound } from '../../tenants/reference.ts'
import type { Page, Tenant, TenantRef } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'
import { refuseUpdate } from '../../tenants/update.ts'
import type { ListQuery, OrganizationRef, OrganizationTenant } from './organization.ts'
import { checkQuery, checkTenant, notItsTenant } from './organization-input.ts'
import { findOrganization, inOrganization, type OrganizationsOptions, recordChange } from './organization-row.ts'

interface Place {
  readonly organization_id: string
  readonly member_role: string | null
}

const view = ({ id, slug, name, status }: Tenant, memberRole: string | null): OrganizationTenant => ({
  ...{ tenantId: id, slug, name, status },
  memberRole,
})

/** Throws ORGANIZATION_NOT_FOUND, ORGANIZATION_CONFLICT, TENANT_NOT_FOUND, TENANT_DELETED, ROLE_NOT_FOUND, TENANT_BUSY. */
export async function addTenant(
  options: OrganizationsOptions,
  ref: OrganizationRef,
  {
    input,
    act,
  }: { readonly input: { readonly tenant: TenantRef; readonly memberRole?: string | null }; act: ActOptions },
): Promise<OrganizationTenant> {
  const { tenant: named, memberRole } = checkTenant(input)
  return inOrganization(options, ref, async (tx, organization) => {
    const tenant = await holdTenant(options, tx, named)
    refuseUpdate(tenant, undefined)
    const before = await placeOf(tx, tenant.id)
    if (before !== undefined && before.organization_id !== organization.id) {
      throw new TenantryError('ORGANIZATION_CONFLICT', 'The tenant belongs to an organization already.')
    }
    const role = memberRole === undefined ? (before?.member_role ?? null) : memberRole
    if (before?.member_role === role) return view(tenant, role)
    if (role !== null) await readRole(tx, tenant.id, role)
    await tx.query(
      `insert into tenantry.organization_tenant (tenant_id, organization_id, member_role) values ($1, $2, $3)
       on conflict (tenant_id) do update set member_role = excluded.member_role`,
      [tenant.id, organization.id, role],
    )
    await recordChange(options.clock, tx, {
      ...{ organization, tenant, actor: act.actor, detail: { memberRole: role } },
      event: before === undefined ? 'organization.tenant_added' : 'organization.tenant_changed',
      action: 'organization.add_tenant',
    })
    return view(tenant, role)
  })
}

/** Takes the tenant out, and its teams' roles with it. Throws ORGANIZATION_NOT_FOUND, TENANT_NOT_FOUND, TENANT_BUSY. */
export async function removeTenant(
  options: OrganizationsOptions,
  ref: OrganizationRef,
  { tenant: named, act }: { readonly tenant: TenantRef; readonly act: ActOptions },
): Promise<OrganizationTenant> {
  return inOrganization(options, ref, async (tx, organization) => {
    const tenant = await holdTenant(options, tx, named)
    const place = await placeIn(tx, organization.id, tenant)
    await tx.query('delete from tenantry.organization_tenant where tenant_id = $1', [tenant.id])
    await recordChange(options.clock, tx, {
      ...{ event: 'organization.tenant_removed', action: 'organization.remove_tenant' },
      ...{ organization, tenant, actor: act.actor },
    })
    return view(tenant, place.member_role)
  })
}

/** The tenant's row, held until the transaction ends. Throws TENANT_NOT_FOUND, TENANT_BUSY. */
export async function holdTenant(options: OrganizationsOptions, tx: Sql, ref: TenantRef): Promise<Tenant> {
  const key = tenantKey(ref)
  const tenant = await lockTenant(tx, key, options.lockTimeoutMs)
  if (tenant === undefined) throw tenantNotFound(key)
  return tenant
}

/** The tenant's place in this organization. Throws TENANT_NOT_FOUND where it has none. */
export async function placeIn(tx: Sql, organizationId: string, tenant: Tenant): Promise<Place> {
  const place = await placeOf(tx, tenant.id)
  if (place?.organization_id === organizationId) return place
  throw notItsTenant()
}

async function placeOf(tx: Sql, tenantId: string): Promise<Place | undefined> {
  const { rows } = await tx.query<Place>(
    'select organization_id, member_role from tenantry.organization_tenant where tenant_id = $1',
    [tenantId],
  )
  return rows[0]
}

const matching = `ot.organization_id = $1
  and ($2::text is null or position($2 in lower(t.slug)) > 0 or position($2 in lower(t.name)) > 0)`

/** A page of the organization's tenants, newest first. Throws ORGANIZATION_NOT_FOUND, INVALID_INPUT. */
export async function listTenants(
  { database }: OrganizationsOptions,
  ref: OrganizationRef,
  options: ListQuery,
): Promise<Page<OrganizationTenant>> {
  const { limit, search, cursor } = checkQuery(options)
  const before = readTenantCursor(cursor)
  const { id } = await findOrganization(database, ref)
  const from = 'from tenantry.organization_tenant ot join tenantry.tenant t on t.id = ot.tenant_id'
  const { rows } = await database.query<OrganizationTenant>(
    `select t.id as "tenantId", t.slug, t.name, t.status, ot.member_role as "memberRole" ${from}
      where ${matching} and ($3::uuid is null or t.id < $3) order by t.id desc limit $4`,
    [id, search, before, limit + 1],
  )
  const { rows: counted } = await database.query<{ total: number }>(
    `select count(*)::integer as total ${from} where ${matching}`,
    [id, search],
  )
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > limit && last !== undefined ? tenantCursor({ id: last.tenantId }) : null,
    total: counted[0]?.total ?? 0,
  }
}
