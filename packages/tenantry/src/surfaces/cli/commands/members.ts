// member: who belongs to a tenant, in which role and state, and who owns it.
import { type AddMember, type ListMembers, type Member, memberStates } from '../../../features/members/member.ts'
import {
  type Action,
  type Actions,
  actionOf,
  noteNextPage,
  pageQueryOf,
  tenantAfterAction,
  wordOf,
} from '../actions.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { confirm } from '../confirm.ts'
import { withTarget } from '../open-target.ts'
import { fieldLines, tableLines } from '../output.ts'
import type { TargetMembers } from '../people-target.ts'
import { timeText } from '../tenant-view.ts'
import { plain } from '../text.ts'
import { printDone } from './lifecycle.ts'

const TENANT_AND_USER = 2

const actions: Actions<TargetMembers> = {
  list: { act: list, words: 1, options: ['role', 'state', 'search', 'limit', 'cursor'] },
  show: { act: show, words: TENANT_AND_USER },
  add: adding('Member added', (members, tenant, input) => members.add(tenant, input)),
  invite: adding('Member invited', (members, tenant, input) => members.invite(tenant, input)),
  accept: verb('Member joined', (members, tenant, userId) => members.accept(tenant, userId)),
  role: { act: changeRole, words: TENANT_AND_USER + 1 },
  suspend: verb('Member suspended', (members, tenant, userId) => members.suspend(tenant, userId)),
  activate: verb('Member activated', (members, tenant, userId) => members.activate(tenant, userId)),
  remove: { act: remove, words: TENANT_AND_USER, options: ['yes'] },
  transfer: { act: transfer, words: TENANT_AND_USER, options: ['from'] },
  bootstrap: { act: bootstrap, words: TENANT_AND_USER, options: ['email', 'metadata'] },
  tenants: { act: tenants, words: 1, options: ['limit', 'cursor'] },
}

export const memberCommand: CommandSpec = {
  name: 'member',
  group: 'Tenants:',
  summary: 'List, add, invite, suspend and remove the members of a tenant; change roles and the owner.',
  notes: [
    'Actions: list, show, add, invite, accept, role, suspend, activate, remove, transfer, bootstrap, tenants.',
    'add lets a user in at once, invite once they accept. transfer makes a member owner, and the owner admin;',
    'bootstrap makes the first owner of a tenant that has none. tenants lists what one user may enter.',
  ],
  arguments: [
    ['<action>', 'one of the above'],
    ['[tenant]', 'slug or id; for list TENANTRY_TENANT where it is left out; for tenants the user'],
    ['[user]', 'the application’s id of the user'],
    ['[role]', 'add and invite: member where it is left out; role: the new one'],
  ],
  options: [
    { flags: '--email <address>', description: 'add, invite, bootstrap: e-mail address of the user' },
    { flags: '--metadata <json>', description: 'add, invite, bootstrap: what else to keep, a JSON object' },
    { flags: '--from <user>', description: 'transfer: which owner; the one the tenant names where it is left out' },
    { flags: '--role <role>', description: 'list: only members with this role' },
    { flags: '--state <state>', description: 'list: only members in this state', choices: memberStates },
    { flags: '--search <text>', description: 'list: part of user id or e-mail address' },
    { flags: '--limit <n>', description: 'list, tenants: how many a page, 1 to 100, default 20' },
    { flags: '--cursor <cursor>', description: 'list, tenants: where the page before has ended' },
    { flags: '--yes', description: 'remove: do not ask' },
  ],
  examples: [
    { line: 'member add acme user-1 admin --email ada@example.com', explains: 'in at once, as admin' },
    { line: 'member list acme --state active', explains: 'who may enter' },
    { line: 'member role acme user-1 member', explains: 'another role' },
    { line: 'member transfer acme user-2 --from user-1', explains: 'another owner' },
    { line: 'member remove acme user-1 --yes', explains: 'out at once, in a script' },
    { line: 'member tenants user-1', explains: 'what user-1 may enter' },
  ],
  exits: {
    3: 'no such tenant, member or role',
    4: 'refused by the state of tenant or member',
    5: 'no target',
    130: 'interrupted at the question; nothing was done',
  },
  async run(run) {
    const action = actionOf(run, 'member', actions)
    await withTarget(run, ({ members }) => action.act(run, members))
    return undefined
  },
}

const tenantOf = (run: CommandRun) => wordOf(run, 1, 'tenant')
const userOf = (run: CommandRun) => wordOf(run, 2, 'user')

function verb(
  done: string,
  act: (members: TargetMembers, tenant: string, userId: string) => Promise<Member>,
): Action<TargetMembers> {
  return {
    words: TENANT_AND_USER,
    act: async (run, members) => printMember(run, await act(members, tenantOf(run), userOf(run)), done),
  }
}

function adding(
  done: string,
  act: (members: TargetMembers, tenant: string, input: AddMember) => Promise<Member>,
): Action<TargetMembers> {
  return {
    words: TENANT_AND_USER + 1,
    options: ['email', 'metadata'],
    act: async (run, members) => {
      const role = run.input.argument(3)
      const input = { ...newMember(run), ...(role !== undefined && { role }) }
      printMember(run, await act(members, tenantOf(run), input), done)
    },
  }
}

function newMember(run: CommandRun): Omit<AddMember, 'role'> {
  const [email, metadata] = [run.input.text('email'), run.input.jsonObject('metadata')]
  return {
    userId: userOf(run),
    ...(email !== undefined && { email }),
    ...(metadata !== undefined && { metadata }),
  }
}

function printMember(run: CommandRun, member: Member, done: string): void {
  printDone(run, member, `${done}: ${plain(member.userId)} (${plain(member.role)}, ${member.state})`)
}

async function list(run: CommandRun, members: TargetMembers): Promise<void> {
  const page = await members.list(tenantAfterAction(run), { ...pageQueryOf(run), ...filterOf(run) })
  if (run.json) return run.output.json(page)
  const columns = [
    { title: 'USER_ID', width: 36 },
    { title: 'ROLE', width: 12 },
    { title: 'JOINED_AT', width: 23 },
    { title: 'STATE' },
  ]
  const rowOf = ({ userId, role, joinedAt, state }: Member) => [userId, role, timeOf(joinedAt), state]
  for (const line of tableLines(columns, page.items.map(rowOf))) run.output.line(line)
  noteNextPage(run, page)
}

function filterOf({ input }: CommandRun): ListMembers {
  const role = input.text('role')
  const state = memberStates.find((each) => each === input.text('state'))
  return { ...(role !== undefined && { role }), ...(state !== undefined && { state }) }
}

function timeOf(time: string | null): string {
  return time === null ? '-' : timeText(time)
}

async function show(run: CommandRun, members: TargetMembers): Promise<void> {
  const member = await members.get(tenantOf(run), userOf(run))
  if (run.json) return run.output.json(member)
  const fields = [
    ['User', member.userId],
    ['E-mail', member.email ?? '-'],
    ['Role', member.role],
    ['State', member.state],
    ['Invited', `${timeOf(member.invitedAt)}${member.invitedBy === null ? '' : ` by ${member.invitedBy}`}`],
    ['Joined', timeOf(member.joinedAt)],
    ['Suspended', timeOf(member.suspendedAt)],
    ['Removed', timeOf(member.revokedAt)],
    ['Metadata', JSON.stringify(member.metadata)],
  ] as const
  for (const line of fieldLines(fields)) run.output.line(line)
}

async function changeRole(run: CommandRun, members: TargetMembers): Promise<void> {
  const change = { role: wordOf(run, 3, 'role') }
  printMember(run, await members.update(tenantOf(run), userOf(run), change), 'Role changed')
}

async function remove(run: CommandRun, members: TargetMembers): Promise<void> {
  const [tenant, userId] = [tenantOf(run), userOf(run)]
  if (!run.input.flag('yes')) {
    const message = `Are you sure you want to remove ${plain(userId)} from ${plain(tenant)}? (yes/no)`
    await confirm(run.io, { message, expected: 'yes', option: '--yes' })
  }
  printMember(run, await members.revoke(tenant, userId), 'Member removed')
}

async function transfer(run: CommandRun, members: TargetMembers): Promise<void> {
  const from = run.input.text('from')
  const input = { to: userOf(run), ...(from !== undefined && { from }) }
  printMember(run, await members.transferOwnership(tenantOf(run), input), 'Ownership transferred')
}

async function bootstrap(run: CommandRun, members: TargetMembers): Promise<void> {
  printMember(run, await members.bootstrapOwner(tenantOf(run), newMember(run)), 'First owner')
}

async function tenants(run: CommandRun, members: TargetMembers): Promise<void> {
  const page = await members.tenantsOf(wordOf(run, 1, 'user'), pageQueryOf(run))
  if (run.json) return run.output.json(page)
  const columns = [
    { title: 'TENANT', width: 24 },
    { title: 'NAME', width: 24, cut: 30 },
    { title: 'STATUS', width: 10 },
    { title: 'ROLE', width: 12 },
    { title: 'BY' },
  ]
  const rows = page.items.map(({ slug, name, status, role, source }) => [slug, name, status, role, source])
  for (const line of tableLines(columns, rows)) run.output.line(line)
  noteNextPage(run, page)
}
