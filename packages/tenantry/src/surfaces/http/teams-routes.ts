// Teams of an organization: who is in them, and which roles they have in its tenants.
import type { Context } from 'hono'
import type { Teams } from '../../features/organizations/organization.ts'
import type { App, Env } from './app.ts'
import {
  AddTeamMemberSchema,
  CreateTeamSchema,
  ListQuery,
  SetTeamRoleSchema,
  TeamMemberPageSchema,
  TeamMemberSchema,
  TeamPageSchema,
  TeamRolePageSchema,
  TeamSchema,
} from './contract/organizations.ts'
import { endpoint } from './endpoint.ts'
import { bodyOf, paramOf, queryOf } from './input.ts'
import { pageOfAll } from './list-page.ts'
import { actor, organizationOf } from './organizations-routes.ts'
import { teamMemberListing, teamRoleListing } from './team-listings.ts'

const ALL = '/api/organizations/{organization}/teams'
const ONE = `${ALL}/{team}` as const
const tag = 'Organizations'
const team = { tag, answer: TeamSchema }
const list = { tag, query: ListQuery }

const teamOf = (c: Context<Env>) => paramOf(c, 'team')

export function teamsRoutes(app: App, teams: Teams): void {
  collection(app, teams)
  members(app, teams)
  roles(app, teams)
}

function collection(app: App, teams: Teams): void {
  const all = { ...list, summary: 'List the teams of an organization', answer: TeamPageSchema }
  endpoint(app, { ...all, on: `GET ${ALL}`, id: 'listTeams' }, (c) =>
    teams.list(organizationOf(c), queryOf(c, ListQuery)),
  )
  const create = { ...team, summary: 'Make a team in an organization', body: CreateTeamSchema, status: 201 as const }
  endpoint(app, { ...create, on: `POST ${ALL}`, id: 'createTeam' }, async (c) =>
    teams.create(organizationOf(c), await bodyOf(c, CreateTeamSchema), actor(c)),
  )
  endpoint(app, { ...team, on: `GET ${ONE}`, id: 'getTeam', summary: 'Read a team' }, (c) =>
    teams.get(organizationOf(c), teamOf(c)),
  )
  endpoint(app, { ...team, on: `DELETE ${ONE}`, id: 'deleteTeam', summary: 'Remove a team and its roles' }, (c) =>
    teams.delete(organizationOf(c), teamOf(c), actor(c)),
  )
}

function members(app: App, teams: Teams): void {
  const all = { ...list, summary: 'List the members of a team', answer: TeamMemberPageSchema }
  endpoint(app, { ...all, on: `GET ${ONE}/members`, id: 'listTeamMembers' }, async (c) => {
    const query = queryOf(c, ListQuery)
    return pageOfAll(await teams.members(organizationOf(c), teamOf(c)), query, teamMemberListing)
  })
  const add = { tag, summary: 'Put a member of the organization into a team', answer: TeamMemberSchema }
  const given = { ...add, body: AddTeamMemberSchema, id: 'addTeamMember' }
  endpoint(app, { ...given, on: `POST ${ONE}/members` }, async (c) =>
    teams.addMember(organizationOf(c), teamOf(c), { ...(await bodyOf(c, AddTeamMemberSchema)), ...actor(c) }),
  )
  const remove = { tag, summary: 'Take a member out of a team', answer: TeamMemberSchema }
  endpoint(app, { ...remove, on: `DELETE ${ONE}/members/{userId}`, id: 'removeTeamMember' }, (c) =>
    teams.removeMember(organizationOf(c), teamOf(c), { userId: paramOf(c, 'userId'), ...actor(c) }),
  )
}

function roles(app: App, teams: Teams): void {
  const all = { ...list, summary: 'List the roles of a team in tenants', answer: TeamRolePageSchema }
  endpoint(app, { ...all, on: `GET ${ONE}/roles`, id: 'listTeamRoles' }, async (c) => {
    const query = queryOf(c, ListQuery)
    return pageOfAll(await teams.roles(organizationOf(c), teamOf(c)), query, teamRoleListing)
  })
  const set = { tag, summary: 'Give a team a role in a tenant, or take it away', answer: TeamRolePageSchema }
  endpoint(app, { ...set, on: `POST ${ONE}/roles`, id: 'setTeamRole', body: SetTeamRoleSchema }, async (c) => {
    const act = { ...(await bodyOf(c, SetTeamRoleSchema)), ...actor(c) }
    return pageOfAll(await teams.setRole(organizationOf(c), teamOf(c), act), { limit: 100 }, teamRoleListing)
  })
}
