// org: organizations, their tenants and members, and all users across their tenants.
import {
  type Organization,
  type OrganizationMember,
  organizationRoles,
  type OrganizationTenant,
  type OrganizationUser,
} from '../../../features/organizations/organization.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { actionOf, type Actions, pageQueryOf } from '../actions.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { withTarget } from '../open-target.ts'
import type { TargetOrganizations } from '../organizations-target.ts'
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

const paged = pageOptionNames
const organization = 'organization'
const actions: Actions<TargetOrganizations> = {
  create: { words: ['name'], options: ['slug', 'owner', 'metadata'], act: create },
  list: { words: [], options: [...paged, 'user'], act: list },
  show: { words: [organization], act: show },
  update: { words: [organization], options: ['name', 'metadata'], act: update },
  delete: { words: [organization], options: ['yes'], act: remove },
  members: {
    words: [organization],
    options: paged,
    act: async (run, on) => printPage(run, await on.members(word(run, 0), pageQueryOf(run)), memberView),
  },
  'set-member': { words: [organization, 'user'], options: ['role', 'email'], act: setMember },
  'remove-member': { words: [organization, 'user'], options: ['yes'], act: removeMember },
  tenants: {
    words: [organization],
    options: paged,
    act: async (run, on) => printPage(run, await on.tenants(word(run, 0), pageQueryOf(run)), tenantView),
  },
  'add-tenant': { words: [organization, 'tenant'], options: ['memberRole'], act: addTenant },
  'remove-tenant': { words: [organization, 'tenant'], options: ['yes'], act: removeTenant },
  users: {
    words: [organization],
    options: paged,
    act: async (run, on) => printPage(run, await on.users(word(run, 0), pageQueryOf(run)), userView),
  },
}

export const organizationCommand: CommandSpec = {
  name: 'org',
  group: 'Tenants:',
  summary: 'Make and change organizations, their tenants and members; list all users across their tenants.',
  notes: [
    'Actions: create, list, show, update, delete; members, set-member, remove-member; tenants, add-tenant,',
    'remove-tenant; users. What deletes or removes asks first.',
  ],
  arguments: [
    ['<action>', 'create, list, show and so on'],
    ['[organization]', 'slug or id; for create the name'],
    whatArgument,
  ],
  options: [
    { flags: '--slug <slug>', description: 'create: made from the name where it is left out' },
    { flags: '--owner <user>', description: 'create: id of the user who owns it' },
    { flags: '--name <name>', description: 'update: another name' },
    { flags: '--metadata <json>', description: 'create, update: a JSON object' },
    { flags: '--role <role>', description: 'set-member: member where it is left out', choices: organizationRoles },
    { flags: '--email <address>', description: 'set-member: e-mail address of the user' },
    { flags: '--member-role <role>', description: 'add-tenant: the role that plain members have in the tenant' },
    { flags: '--no-member-role', description: 'add-tenant: plain members have none there' },
    { flags: '--user <user>', description: 'list: only those that this user belongs to' },
    ...pageOptions,
    { flags: '--yes', description: 'delete, remove-member, remove-tenant: do not ask' },
  ],
  examples: [
    { line: 'org create "Acme Group" --slug acme-group --owner user-1', explains: 'an organization and its owner' },
    { line: 'org add-tenant acme-group acme --member-role guest', explains: 'its members are guests there' },
    { line: 'org set-member acme-group user-2 --role admin', explains: 'admin in each of its tenants' },
    { line: 'org users acme-group --search ada', explains: 'all users across its tenants, with their roles' },
    { line: 'org remove-tenant acme-group acme --yes', explains: 'in a script' },
  ],
  exits: groupExits,
  async run(run) {
    const action = actionOf(run, 'org', actions)
    await withTarget(run, ({ organizations }) => action.act(run, organizations))
    return undefined
  },
}

async function create(run: CommandRun, organizations: TargetOrganizations): Promise<void> {
  const [ownerUserId, metadata] = [run.input.text('owner'), run.input.jsonObject('metadata')]
  const made = await organizations.create({
    name: word(run, 0),
    ...given(run, 'slug'),
    ...(ownerUserId !== undefined && { ownerUserId }),
    ...(metadata !== undefined && { metadata }),
  })
  printDone(run, made, `Organization created: ${plain(made.slug)}`)
}

async function list(run: CommandRun, organizations: TargetOrganizations): Promise<void> {
  const [user, query] = [run.input.text('user'), pageQueryOf(run)]
  const page = await (user === undefined ? organizations.list(query) : organizations.organizationsOf(user, query))
  printPage(run, page, organizationView)
}

async function show(run: CommandRun, organizations: TargetOrganizations): Promise<void> {
  const found = await organizations.get(word(run, 0))
  if (run.json) return run.output.json(found)
  const fields = [
    ['Name', found.name],
    ['Slug', found.slug],
    ['Id', found.id],
    ['Metadata', JSON.stringify(found.metadata)],
    ['Created', timeText(found.createdAt)],
    ['Updated', timeText(found.updatedAt)],
  ] as const
  for (const line of fieldLines(fields)) run.output.line(line)
}

async function update(run: CommandRun, organizations: TargetOrganizations): Promise<void> {
  const metadata = run.input.jsonObject('metadata')
  const change = { ...given(run, 'name'), ...(metadata !== undefined && { metadata }) }
  if (Object.keys(change).length === 0) {
    throw new TenantryError('USAGE', 'There is nothing to change.', { fix: 'Give --name or --metadata.' })
  }
  const changed = await organizations.update(word(run, 0), change)
  printDone(run, changed, `Organization updated: ${plain(changed.slug)}`)
}

async function remove(run: CommandRun, organizations: TargetOrganizations): Promise<void> {
  await sure(run, `delete the organization '${word(run, 0)}' and its teams`)
  const gone = await organizations.delete(word(run, 0))
  printDone(run, gone, `Organization deleted: ${plain(gone.slug)}`)
}

async function setMember(run: CommandRun, organizations: TargetOrganizations): Promise<void> {
  const role = organizationRoles.find((one) => one === run.input.text('role'))
  const input = { userId: word(run, 1), ...given(run, 'email'), ...(role !== undefined && { role }) }
  const member = await organizations.setMember(word(run, 0), input)
  printDone(run, member, `Member of ${plain(word(run, 0))}: ${plain(member.userId)} (${member.role})`)
}

async function removeMember(run: CommandRun, organizations: TargetOrganizations): Promise<void> {
  await sure(run, `take '${word(run, 1)}' out of the organization '${word(run, 0)}'`)
  const member = await organizations.removeMember(word(run, 0), word(run, 1))
  printDone(run, member, `Taken out of ${plain(word(run, 0))}: ${plain(member.userId)}`)
}

async function addTenant(run: CommandRun, organizations: TargetOrganizations): Promise<void> {
  const memberRole = run.input.clearable('memberRole')
  const input = { tenant: word(run, 1), ...(memberRole !== undefined && { memberRole }) }
  const added = await organizations.addTenant(word(run, 0), input)
  const role = added.memberRole === null ? 'no role for its members' : `${added.memberRole} for its members`
  printDone(run, added, `Tenant of ${plain(word(run, 0))}: ${plain(added.slug)} (${plain(role)})`)
}

async function removeTenant(run: CommandRun, organizations: TargetOrganizations): Promise<void> {
  await sure(run, `take the tenant '${word(run, 1)}' out of the organization '${word(run, 0)}'`)
  const removed = await organizations.removeTenant(word(run, 0), word(run, 1))
  printDone(run, removed, `Taken out of ${plain(word(run, 0))}: ${plain(removed.slug)}`)
}

const organizationView: PageView<Organization> = {
  columns: [
    { title: 'SLUG', width: 24 },
    { title: 'NAME', width: 24, cut: 40 },
    { title: 'ID', width: 36 },
    { title: 'CREATED' },
  ],
  row: ({ slug, name, id, createdAt }) => [slug, name, id, timeText(createdAt)],
}
const memberView: PageView<OrganizationMember> = {
  columns: [
    { title: 'USER', width: 24 },
    { title: 'E-MAIL', width: 24, cut: 40 },
    { title: 'ROLE', width: 7 },
    { title: 'SINCE' },
  ],
  row: ({ userId, email, role, createdAt }) => [userId, email ?? '-', role, timeText(createdAt)],
}
const tenantView: PageView<OrganizationTenant> = {
  columns: [
    { title: 'SLUG', width: 24 },
    { title: 'NAME', width: 24, cut: 40 },
    { title: 'STATUS', width: 9 },
    { title: 'MEMBER ROLE' },
  ],
  row: ({ slug, name, status, memberRole }) => [slug, name, status, memberRole ?? '-'],
}
const userView: PageView<OrganizationUser> = {
  columns: [
    { title: 'USER', width: 24 },
    { title: 'E-MAIL', width: 24, cut: 40 },
    { title: 'ORGANIZATION', width: 12 },
    { title: 'TENANTS' },
  ],
  row: ({ userId, email, organizationRole, tenants }) => [
    ...[userId, email ?? '-', organizationRole ?? '-'],
    tenants.map(({ slug, role, state }) => `${slug}: ${role}${state === 'active' ? '' : ` (${state})`}`).join(', '),
  ],
}
