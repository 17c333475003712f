// team: the teams of an organization, who is in them, and which roles they have in its tenants.
import type { Team, TeamMember, TeamRole } from '../../../features/organizations/organization.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { actionOf, type Actions, pageQueryOf } from '../actions.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { withTarget } from '../open-target.ts'
import type { TargetTeams } from '../organizations-target.ts'
import { fieldLines } from '../output.ts'
import { timeText } from '../tenant-view.ts'
import { plain } from '../text.ts'
import {
  given,
  groupExits,
  pageOptionNames,
  pageOptions,
  type PageView,
  printPage,
  sure,
  whatArgument,
  word,
} from './group-actions.ts'
import { printDone } from './lifecycle.ts'

const team = ['organization', 'team'] as const
const actions: Actions<TargetTeams> = {
  list: {
    words: ['organization'],
    options: pageOptionNames,
    act: async (run, on) => printPage(run, await on.list(word(run, 0), pageQueryOf(run)), teamView),
  },
  create: { words: ['organization', 'name'], options: ['slug'], act: create },
  show: { words: team, act: show },
  delete: { words: team, options: ['yes'], act: remove },
  members: {
    words: team,
    options: pageOptionNames,
    act: async (run, on) => printPage(run, await on.members(word(run, 0), word(run, 1), pageQueryOf(run)), memberView),
  },
  'add-member': { words: [...team, 'user'], act: addMember },
  'remove-member': { words: [...team, 'user'], options: ['yes'], act: removeMember },
  roles: {
    words: team,
    options: pageOptionNames,
    act: async (run, on) => printPage(run, await on.roles(word(run, 0), word(run, 1), pageQueryOf(run)), roleView),
  },
  'set-role': { words: [...team, 'tenant'], options: ['role', 'yes'], act: setRole },
}

export const teamCommand: CommandSpec = {
  name: 'team',
  group: 'Tenants:',
  summary: 'Make teams of an organization, put its members into them, and give them roles in its tenants.',
  notes: [
    'Actions: list, create, show, delete; members, add-member, remove-member; roles, set-role. What deletes, removes',
    'or takes a role away asks first.',
  ],
  arguments: [
    ['<action>', 'list, create, show and so on'],
    ['[organization]', 'slug or id'],
    ['[team]', 'slug or id; for create the name'],
    whatArgument,
  ],
  options: [
    { flags: '--slug <slug>', description: 'create: made from the name where it is left out' },
    { flags: '--role <role>', description: 'set-role: a built-in role or one of the tenant' },
    { flags: '--no-role', description: 'set-role: take the role away' },
    ...pageOptions,
    { flags: '--yes', description: 'delete, remove-member, set-role --no-role: do not ask' },
  ],
  examples: [
    { line: 'team create acme-group Auditors', explains: 'slug auditors' },
    { line: 'team add-member acme-group auditors user-2', explains: 'a member of the organization' },
    { line: 'team set-role acme-group auditors acme --role guest', explains: 'in one of its tenants' },
    { line: 'team set-role acme-group auditors acme --no-role --yes', explains: 'and not any more' },
  ],
  exits: groupExits,
  async run(run) {
    const action = actionOf(run, 'team', actions)
    await withTarget(run, ({ teams }) => action.act(run, teams))
    return undefined
  },
}

async function create(run: CommandRun, teams: TargetTeams): Promise<void> {
  const made = await teams.create(word(run, 0), { name: word(run, 1), ...given(run, 'slug') })
  printDone(run, made, `Team created: ${plain(made.slug)}`)
}

async function show(run: CommandRun, teams: TargetTeams): Promise<void> {
  const found = await teams.get(word(run, 0), word(run, 1))
  if (run.json) return run.output.json(found)
  const fields = [
    ['Name', found.name],
    ['Slug', found.slug],
    ['Id', found.id],
    ['Created', timeText(found.createdAt)],
  ] as const
  for (const line of fieldLines(fields)) run.output.line(line)
}

async function remove(run: CommandRun, teams: TargetTeams): Promise<void> {
  await sure(run, `delete the team '${word(run, 1)}' and its roles`)
  const gone = await teams.delete(word(run, 0), word(run, 1))
  printDone(run, gone, `Team deleted: ${plain(gone.slug)}`)
}

async function addMember(run: CommandRun, teams: TargetTeams): Promise<void> {
  const member = await teams.addMember(word(run, 0), word(run, 1), word(run, 2))
  printDone(run, member, `Member of ${plain(word(run, 1))}: ${plain(member.userId)}`)
}

async function removeMember(run: CommandRun, teams: TargetTeams): Promise<void> {
  await sure(run, `take '${word(run, 2)}' out of the team '${word(run, 1)}'`)
  const member = await teams.removeMember(word(run, 0), word(run, 1), word(run, 2))
  printDone(run, member, `Taken out of ${plain(word(run, 1))}: ${plain(member.userId)}`)
}

async function setRole(run: CommandRun, teams: TargetTeams): Promise<void> {
  const role = run.input.clearable('role')
  if (role === undefined) {
    throw new TenantryError('USAGE', 'No role is given.', {
      fix: 'Give it with --role, or take it away with --no-role.',
    })
  }
  if (role === null) await sure(run, `take the role of '${word(run, 1)}' in '${word(run, 2)}' away`)
  const page = await teams.setRole(word(run, 0), word(run, 1), { tenant: word(run, 2), role })
  printDone(run, page, `Role of ${plain(word(run, 1))} in ${plain(word(run, 2))}: ${plain(role ?? 'none')}`)
}

const teamView: PageView<Team> = {
  columns: [
    { title: 'SLUG', width: 24 },
    { title: 'NAME', width: 24, cut: 40 },
    { title: 'ID', width: 36 },
    { title: 'CREATED' },
  ],
  row: ({ slug, name, id, createdAt }) => [slug, name, id, timeText(createdAt)],
}
const memberView: PageView<TeamMember> = {
  columns: [{ title: 'USER', width: 24 }, { title: 'SINCE' }],
  row: ({ userId, createdAt }) => [userId, timeText(createdAt)],
}
const roleView: PageView<TeamRole> = {
  columns: [{ title: 'TENANT', width: 24 }, { title: 'ROLE' }],
  row: ({ slug, role }) => [slug, role],
}
