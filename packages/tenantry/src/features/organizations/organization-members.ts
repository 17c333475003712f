// The members of an organization. Changes hold its row, so that of two who take each other's ownership the second one
// sees what the first one left.
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Page } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'
import type { ListQuery, OrganizationMember, OrganizationRef, OrganizationRole } from './organization.ts'
import { checkMember, checkQuery, checkUserId, memberNotFound, type NewMember } from './organization-input.ts'
import { readTextCursor, textCursor } from '../../tenants/paging.ts'
import { findOrganization, inOrganization, type OrganizationsOptions, recordChange } from './organization-row.ts'

interface MemberRow {
  readonly organization_id: string
  readonly user_id: string
  readonly email: string | null
  readonly role: OrganizationRole
  readonly created_at: Date
}

const columns = 'organization_id, user_id, email, role, created_at'

const toMember = (row: MemberRow): OrganizationMember => ({
  organizationId: row.organization_id,
  userId: row.user_id,
  email: row.email,
  role: row.role,
  createdAt: row.created_at.toISOString(),
})

/** Throws LAST_OWNER, ORGANIZATION_NOT_FOUND, INVALID_INPUT. */
export async function setMember(
  options: OrganizationsOptions,
  ref: OrganizationRef,
  { input, act }: { readonly input: NewMember; readonly act: ActOptions },
): Promise<OrganizationMember> {
  const { userId, ...given } = checkMember(input)
  return inOrganization(options, ref, async (tx, organization) => {
    const before = await readMember(tx, organization.id, userId)
    const email = given.email ?? before?.email ?? null
    const role = given.role ?? before?.role ?? 'member'
    if (before?.email === email && before.role === role) return toMember(before)
    if (before?.role === 'owner' && role !== 'owner') await refuseLastOwner(tx, organization.id)
    const row = await saveMember(tx, { organizationId: organization.id, userId, email, role })
    await recordChange(options.clock, tx, {
      ...{ event: 'organization.member_set', action: 'organization.set_member', organization, actor: act.actor },
      detail: { userId, role, before: before?.role ?? null },
    })
    return toMember(row)
  })
}

/** Takes a user out, and with that out of its teams. Throws MEMBER_NOT_FOUND, LAST_OWNER, ORGANIZATION_NOT_FOUND. */
export async function removeMember(
  options: OrganizationsOptions,
  ref: OrganizationRef,
  { userId, act }: { readonly userId: string; readonly act: ActOptions },
): Promise<OrganizationMember> {
  checkUserId(userId)
  return inOrganization(options, ref, async (tx, organization) => {
    const before = await readMember(tx, organization.id, userId)
    if (before === undefined) throw memberNotFound('organization')
    if (before.role === 'owner') await refuseLastOwner(tx, organization.id)
    await tx.query('delete from tenantry.organization_member where organization_id = $1 and user_id = $2', [
      organization.id,
      userId,
    ])
    await recordChange(options.clock, tx, {
      ...{ event: 'organization.member_removed', action: 'organization.remove_member', organization },
      ...{ actor: act.actor, detail: { userId, before: before.role } },
    })
    return toMember(before)
  })
}

export interface MemberFacts {
  readonly organizationId: string
  readonly userId: string
  readonly email: string | null
  readonly role: OrganizationRole
}

export async function saveMember(tx: Sql, member: MemberFacts): Promise<MemberRow> {
  const { rows } = await tx.query<MemberRow>(
    `insert into tenantry.organization_member (organization_id, user_id, email, role) values ($1, $2, $3, $4)
     on conflict (organization_id, user_id) do update set email = excluded.email, role = excluded.role
     returning ${columns}`,
    [member.organizationId, member.userId, member.email, member.role],
  )
  if (rows[0] === undefined) throw new Error('an upsert returned no row')
  return rows[0]
}

/** Whether the user belongs to the organization. */
export async function isMember(tx: Sql, organizationId: string, userId: string): Promise<boolean> {
  return (await readMember(tx, organizationId, userId)) !== undefined
}

async function readMember(tx: Sql, organizationId: string, userId: string): Promise<MemberRow | undefined> {
  const { rows } = await tx.query<MemberRow>(
    `select ${columns} from tenantry.organization_member where organization_id = $1 and user_id = $2`,
    [organizationId, userId],
  )
  return rows[0]
}

async function refuseLastOwner(tx: Sql, organizationId: string): Promise<void> {
  const { rows } = await tx.query<{ owners: number }>(
    `select count(*)::integer as owners from tenantry.organization_member where organization_id = $1 and role = 'owner'`,
    [organizationId],
  )
  if ((rows[0]?.owners ?? 0) > 1) return
  throw new TenantryError('LAST_OWNER', 'The organization would be left without an owner.', {
    fix: 'Make another member of the organization owner first.',
  })
}

const matching = `organization_id = $1
  and ($2::text is null or position($2 in lower(user_id)) > 0 or position($2 in email) > 0)`

/** A page of the members, by their user ids. Throws ORGANIZATION_NOT_FOUND, INVALID_INPUT. */
export async function listMembers(
  { database }: OrganizationsOptions,
  ref: OrganizationRef,
  options: ListQuery,
): Promise<Page<OrganizationMember>> {
  const { limit, search, cursor } = checkQuery(options)
  const after = readTextCursor(cursor)
  const { id } = await findOrganization(database, ref)
  const { rows } = await database.query<MemberRow>(
    `select ${columns} from tenantry.organization_member
      where ${matching} and ($3::text is null or user_id > $3) order by user_id limit $4`,
    [id, search, after, limit + 1],
  )
  const { rows: counted } = await database.query<{ total: number }>(
    `select count(*)::integer as total from tenantry.organization_member where ${matching}`,
    [id, search],
  )
  const items = rows.slice(0, limit).map(toMember)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > limit && last !== undefined ? textCursor(last.userId) : null,
    total: counted[0]?.total ?? 0,
  }
}
