// Puts the parts together into what `tenantry.organizations` offers.
import { isDeepStrictEqual } from 'node:util'
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { readTenantCursor, tenantCursor } from '../../tenants/paging.ts'
import type { Page } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'
import type { CreateOrganization, ListQuery, Organization, OrganizationRef, Organizations } from './organization.ts'
import { checkChange, checkOrganization, checkQuery, checkUserId, organizationNotFound } from './organization-input.ts'
import { listMembers, removeMember, saveMember, setMember } from './organization-members.ts'
import {
  findOrganization,
  inOrganization,
  organizationColumns,
  type OrganizationRow,
  type OrganizationsOptions,
  recordChange,
  slugTaken,
  toOrganization,
} from './organization-row.ts'
import { addTenant, listTenants, removeTenant } from './organization-tenants.ts'
import { listUsers } from './organization-users.ts'

/**
 * The organizations of an instance.
 *
 * @example
 * ```ts
 * const organizations = createOrganizations({ database, clock: systemClock, reservedSlugs })
 * await organizations.create({ name: 'Acme Holding', ownerUserId: 'user-1' })
 * await organizations.addTenant('acme-holding', { tenant: 'acme-corp', memberRole: 'guest' })
 * ```
 */
export function createOrganizations(options: OrganizationsOptions): Organizations {
  return {
    create: (input, act = {}) => create(options, input, act),
    get: (ref) => findOrganization(options.database, ref),
    list: (query = {}) => list(options, query, null),
    update: (ref, change, act = {}) => update(options, ref, { change, act }),
    delete: (ref, act = {}) => remove(options, ref, act),
    addTenant: (ref, input, act = {}) => addTenant(options, ref, { input, act }),
    removeTenant: (ref, tenant, act = {}) => removeTenant(options, ref, { tenant, act }),
    tenants: (ref, query = {}) => listTenants(options, ref, query),
    setMember: (ref, input, act = {}) => setMember(options, ref, { input, act }),
    removeMember: (ref, userId, act = {}) => removeMember(options, ref, { userId, act }),
    members: (ref, query = {}) => listMembers(options, ref, query),
    users: (ref, query = {}) => listUsers(options, ref, query),
    organizationsOf: async (userId, query = {}) => list(options, query, checkUserId(userId)),
  }
}

async function create(
  options: OrganizationsOptions,
  input: CreateOrganization,
  act: ActOptions,
): Promise<Organization> {
  const { name, slug, ownerUserId, metadata } = checkOrganization(input, options.reservedSlugs)
  return options.database.transaction(async (tx) => {
    const values = [newId(), slug, name, JSON.stringify(metadata), new Date(options.clock.now())]
    const { rows } = await tx
      .query<OrganizationRow>(
        `insert into tenantry.organization (id, slug, name, metadata, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $5) returning ${organizationColumns}`,
        values,
      )
      .catch((error: unknown) => {
        throw slugTaken(error, 'organization_slug_key')
      })
    const organization = onlyOne(rows)
    if (ownerUserId !== null) {
      await saveMember(tx, { organizationId: organization.id, userId: ownerUserId, email: null, role: 'owner' })
    }
    await record(options, tx, { verb: 'create', organization, act, detail: { ownerUserId } })
    return organization
  })
}

async function update(
  options: OrganizationsOptions,
  ref: OrganizationRef,
  { change, act }: { readonly change: Parameters<Organizations['update']>[1]; readonly act: ActOptions },
): Promise<Organization> {
  const given = checkChange(change)
  return inOrganization(options, ref, async (tx, before) => {
    const after = { ...before, ...given }
    const changed = (['name', 'metadata'] as const).filter((field) => !isDeepStrictEqual(before[field], after[field]))
    if (changed.length === 0) return before
    const { rows } = await tx.query<OrganizationRow>(
      `update tenantry.organization set name = $2, metadata = $3, updated_at = $4 where id = $1
       returning ${organizationColumns}`,
      [before.id, after.name, JSON.stringify(after.metadata), new Date(options.clock.now())],
    )
    await record(options, tx, { verb: 'update', organization: before, act, detail: { changed } })
    return onlyOne(rows)
  })
}

async function remove(options: OrganizationsOptions, ref: OrganizationRef, act: ActOptions): Promise<Organization> {
  return inOrganization(options, ref, async (tx, organization) => {
    const { rows } = await tx.query('select from tenantry.organization_tenant where organization_id = $1 limit 1', [
      organization.id,
    ])
    if (rows.length > 0) {
      throw new TenantryError('ORGANIZATION_CONFLICT', `The organization ${organization.slug} still owns tenants.`, {
        fix: 'Take its tenants out of it first.',
      })
    }
    for (const table of ['team', 'organization_member']) {
      await tx.query(`delete from tenantry.${table} where organization_id = $1`, [organization.id])
    }
    await tx.query('delete from tenantry.organization where id = $1', [organization.id])
    await record(options, tx, { verb: 'delete', organization, act })
    return organization
  })
}

const matching = `($1::text is null or position($1 in slug) > 0 or position($1 in lower(name)) > 0)
  and ($2::text is null or exists (select from tenantry.organization_member m
    where m.organization_id = organization.id and m.user_id = $2))`

/** A page of organizations, newest first; those of one user where one is named. */
async function list(
  { database }: OrganizationsOptions,
  query: ListQuery,
  userId: string | null,
): Promise<Page<Organization>> {
  const { limit, search, cursor } = checkQuery(query)
  const { rows } = await database.query<OrganizationRow>(
    `select ${organizationColumns} from tenantry.organization
      where ${matching} and ($3::uuid is null or id < $3) order by id desc limit $4`,
    [search, userId, readTenantCursor(cursor), limit + 1],
  )
  const { rows: counted } = await database.query<{ total: number }>(
    `select count(*)::integer as total from tenantry.organization where ${matching}`,
    [search, userId],
  )
  const items = rows.slice(0, limit).map(toOrganization)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > limit && last !== undefined ? tenantCursor(last) : null,
    total: counted[0]?.total ?? 0,
  }
}

const past = { create: 'created', update: 'updated', delete: 'deleted' } as const

interface Change {
  readonly verb: keyof typeof past
  readonly organization: Organization
  readonly act: ActOptions
  readonly detail?: Readonly<Record<string, unknown>>
}

async function record(options: OrganizationsOptions, tx: Sql, change: Change): Promise<void> {
  const { verb, organization, act, detail = {} } = change
  const names = { event: `organization.${past[verb]}`, action: `organization.${verb}` }
  await recordChange(options.clock, tx, { ...names, organization, actor: act.actor, detail })
}

function onlyOne(rows: readonly OrganizationRow[]): Organization {
  if (rows[0] !== undefined) return toOrganization(rows[0])
  throw organizationNotFound()
}
