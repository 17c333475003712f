// Puts the parts together into what `tenantry.teams` offers. The organization's row is held by every change.
import type { Sql } from '../../engine/sql/database.ts'
import { newId } from '../../kernel/ids.ts'
import { readRole } from '../../tenants/authority.ts'
import type { TenantFact } from '../../tenants/events.ts'
import type { TenantRef } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'
import type { Organization, OrganizationRef, Team, TeamMember, TeamRole, Teams } from './organization.ts'
import { checkRole, checkTeam, checkUserId, memberNotFound } from './organization-input.ts'
import { isMember } from './organization-members.ts'
import {
  findOrganization,
  inOrganization,
  type OrganizationsOptions,
  recordChange,
  slugTaken,
} from './organization-row.ts'
import { holdTenant, placeIn } from './organization-tenants.ts'
import { findTeam, listTeams, teamColumns, teamMembers, teamRoles, type TeamRow, toTeam } from './team-store.ts'

/**
 * The teams of an instance's organizations.
 *
 * @example
 * ```ts
 * const teams = createTeams({ database, clock: systemClock, reservedSlugs })
 * await teams.create('acme-holding', { name: 'Auditors' })
 * await teams.setRole('acme-holding', 'auditors', { tenant: 'acme-corp', role: 'guest' })
 * ```
 */
export function createTeams(options: OrganizationsOptions): Teams {
  const { database } = options
  const teamOf = async (ref: OrganizationRef, team: string) =>
    findTeam(database, (await findOrganization(database, ref)).id, team)
  return {
    create: (ref, input, act = {}) => create(options, ref, { input, act }),
    list: async (ref, query = {}) => listTeams(database, (await findOrganization(database, ref)).id, query),
    get: teamOf,
    delete: (ref, team, act = {}) => remove(options, ref, { team, act }),
    addMember: (ref, team, act) => addMember(options, ref, { team, act }),
    removeMember: (ref, team, act) => removeMember(options, ref, { team, act }),
    members: async (ref, team) => teamMembers(database, (await teamOf(ref, team)).id),
    setRole: (ref, team, act) => setRole(options, ref, { team, act }),
    roles: async (ref, team) => teamRoles(database, (await teamOf(ref, team)).id),
  }
}

async function create(
  options: OrganizationsOptions,
  ref: OrganizationRef,
  { input, act }: { readonly input: { readonly name: string; readonly slug?: string }; readonly act: ActOptions },
): Promise<Team> {
  const { name, slug } = checkTeam(input)
  return inOrganization(options, ref, async (tx, organization) => {
    const { rows } = await tx
      .query<TeamRow>(
        `insert into tenantry.team (id, organization_id, slug, name, created_at) values ($1, $2, $3, $4, $5)
         returning ${teamColumns}`,
        [newId(), organization.id, slug, name, new Date(options.clock.now())],
      )
      .catch((error: unknown) => {
        throw slugTaken(error, 'team_organization_id_slug_key')
      })
    if (rows[0] === undefined) throw new Error('an insert returned no row')
    const team = toTeam(rows[0])
    await record(options, tx, { done: 'created', action: 'create', organization, team, act })
    return team
  })
}

interface Named<A = ActOptions> {
  /** Slug or id. */
  readonly team: string
  readonly act: A
}

async function remove(options: OrganizationsOptions, ref: OrganizationRef, { team: named, act }: Named): Promise<Team> {
  return inOrganization(options, ref, async (tx, organization) => {
    const team = await findTeam(tx, organization.id, named)
    await tx.query('delete from tenantry.team where id = $1', [team.id])
    await record(options, tx, { done: 'deleted', action: 'delete', organization, team, act })
    return team
  })
}

type MemberAct = { readonly userId: string } & ActOptions

async function addMember(
  options: OrganizationsOptions,
  ref: OrganizationRef,
  { team: named, act }: Named<MemberAct>,
): Promise<TeamMember> {
  const userId = checkUserId(act.userId)
  return inOrganization(options, ref, async (tx, organization) => {
    const team = await findTeam(tx, organization.id, named)
    if (!(await isMember(tx, organization.id, userId))) throw memberNotFound('organization')
    const { rowCount } = await tx.query(
      `insert into tenantry.team_member (organization_id, team_id, user_id) values ($1, $2, $3) on conflict do nothing`,
      [organization.id, team.id, userId],
    )
    if (rowCount === 1) {
      const detail = { userId }
      await record(options, tx, { done: 'member_added', action: 'add_member', organization, team, act, detail })
    }
    return memberOf(tx, team, userId)
  })
}

async function removeMember(
  options: OrganizationsOptions,
  ref: OrganizationRef,
  { team: named, act }: Named<MemberAct>,
): Promise<TeamMember> {
  const userId = checkUserId(act.userId)
  return inOrganization(options, ref, async (tx, organization) => {
    const team = await findTeam(tx, organization.id, named)
    const member = await memberOf(tx, team, userId)
    await tx.query('delete from tenantry.team_member where team_id = $1 and user_id = $2', [team.id, userId])
    const detail = { userId }
    await record(options, tx, { done: 'member_removed', action: 'remove_member', organization, team, act, detail })
    return member
  })
}

async function memberOf(tx: Sql, team: Team, userId: string): Promise<TeamMember> {
  const [member] = await teamMembers(tx, team.id, userId)
  if (member === undefined) throw memberNotFound('team')
  return member
}

type RoleAct = { readonly tenant: TenantRef; readonly role: string | null } & ActOptions

async function setRole(
  options: OrganizationsOptions,
  ref: OrganizationRef,
  { team: named, act }: Named<RoleAct>,
): Promise<readonly TeamRole[]> {
  const role = checkRole(act.role)
  return inOrganization(options, ref, async (tx, organization) => {
    const team = await findTeam(tx, organization.id, named)
    const tenant = await holdTenant(options, tx, act.tenant)
    await placeIn(tx, organization.id, tenant)
    if (role !== null) await readRole(tx, tenant.id, role)
    if (await saveRole(tx, { team, tenantId: tenant.id, role })) {
      const detail = { role }
      await record(options, tx, { done: 'role_set', action: 'set_role', organization, team, tenant, act, detail })
    }
    return teamRoles(tx, team.id)
  })
}

interface NewRole {
  readonly team: Team
  readonly tenantId: string
  readonly role: string | null
}

/** Whether that changed anything. */
async function saveRole(tx: Sql, { team, tenantId, role }: NewRole): Promise<boolean> {
  const { rowCount } =
    role === null
      ? await tx.query('delete from tenantry.team_role where team_id = $1 and tenant_id = $2', [team.id, tenantId])
      : await tx.query(
          `insert into tenantry.team_role (organization_id, team_id, tenant_id, role) values ($1, $2, $3, $4)
           on conflict (team_id, tenant_id) do update set role = excluded.role where team_role.role <> excluded.role`,
          [team.organizationId, team.id, tenantId, role],
        )
  return rowCount === 1
}

interface Change {
  /** Past tense, for the event. */
  readonly done: string
  readonly action: string
  readonly organization: Organization
  readonly team: Team
  readonly tenant?: TenantFact['tenant']
  readonly act: ActOptions
  readonly detail?: Readonly<Record<string, unknown>>
}

async function record({ clock }: OrganizationsOptions, tx: Sql, change: Change): Promise<void> {
  const { done, action, organization, team, tenant = null, act } = change
  const detail = { teamId: team.id, team: team.slug, ...change.detail }
  const names = { event: `team.${done}`, action: `team.${action}` }
  await recordChange(clock, tx, { ...names, organization, tenant, actor: act.actor, detail })
}
