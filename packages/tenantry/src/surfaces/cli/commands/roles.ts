// role: the built-in roles of a tenant, and those of its own.
import type { Role, UpdateRole } from '../../../features/members/member.ts'
import { type Actions, actionOf, tenantAfterAction, usage, wordOf } from '../actions.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { withTarget } from '../open-target.ts'
import { tableLines } from '../output.ts'
import type { TargetRoles } from '../people-target.ts'
import { plain } from '../text.ts'
import { printDone } from './lifecycle.ts'

const RANKS = { least: 1, most: 99 }
const CHANGES = ['rank', 'permission', 'description']

const actions: Actions<TargetRoles> = {
  list: { act: list, words: 1 },
  create: { act: create, words: 2, options: CHANGES },
  update: { act: update, words: 2, options: CHANGES },
  delete: { act: remove, words: 2 },
}

export const roleCommand: CommandSpec = {
  name: 'role',
  group: 'Tenants:',
  summary: 'List the roles of a tenant; create, update and delete those of its own.',
  notes: [
    'Actions: list, create, update, delete. Nobody gives a role that ranks above their own.',
    'update replaces the permissions by those given, for all who have the role. A role that somebody has stays.',
  ],
  arguments: [
    ['<action>', 'list, create, update or delete'],
    ['[tenant]', 'slug or id; for list TENANTRY_TENANT where it is left out'],
    ['[name]', 'of the role: 2-63 lowercase letters, digits, _ and -'],
  ],
  options: [
    { flags: '--rank <n>', description: '1 to 99; create: 40, as member has, where it is left out' },
    { flags: '--permission <permission...>', description: 'what it may do, as members:read; several, or given again' },
    { flags: '--description <text>', description: 'what it is for' },
    { flags: '--no-description', description: 'update: without description' },
  ],
  examples: [
    { line: 'role create acme auditor --rank 30 --permission members:read audit:read', explains: 'a role of its own' },
    { line: 'role update acme auditor --rank 35', explains: 'for all who have it' },
    { line: 'role list acme', explains: 'built-in ones first' },
    { line: 'role delete acme auditor', explains: 'where nobody has it' },
  ],
  exits: { 3: 'no such tenant or role', 4: 'the role is built in, taken or in use', 5: 'no target' },
  async run(run) {
    const action = actionOf(run, 'role', actions)
    await withTarget(run, ({ roles }) => action.act(run, roles))
    return undefined
  },
}

const tenantOf = (run: CommandRun) => wordOf(run, 1, 'tenant')
const nameOf = (run: CommandRun) => wordOf(run, 2, 'name')

async function list(run: CommandRun, roles: TargetRoles): Promise<void> {
  const page = await roles.list(tenantAfterAction(run))
  if (run.json) return run.output.json(page)
  const columns = [
    { title: 'NAME', width: 16 },
    { title: 'RANK', width: 4, align: 'right' as const },
    { title: 'BUILT IN', width: 8 },
    { title: 'PERMISSIONS', cut: 60 },
  ]
  const rowOf = ({ name, rank, isBuiltIn, permissions }: Role) => [
    ...[name, String(rank), isBuiltIn ? 'yes' : 'no', permissions.join(',')],
  ]
  for (const line of tableLines(columns, page.items.map(rowOf))) run.output.line(line)
}

async function create(run: CommandRun, roles: TargetRoles): Promise<void> {
  const { description, ...given } = changeOf(run)
  if (description === null) throw usage('A new role has no description yet.', 'Leave out --no-description.')
  const input = { name: nameOf(run), permissions: [], ...given, ...(description !== undefined && { description }) }
  printRole(run, await roles.create(tenantOf(run), input), 'Role created')
}

async function update(run: CommandRun, roles: TargetRoles): Promise<void> {
  const change = changeOf(run)
  if (Object.keys(change).length === 0) {
    throw usage('Nothing to change was named.', 'Give --rank, --permission or --description.')
  }
  printRole(run, await roles.update(tenantOf(run), nameOf(run), change), 'Role updated')
}

function changeOf({ input }: CommandRun): UpdateRole {
  const [rank, permissions] = [input.integer('rank', RANKS), input.texts('permission')]
  const description = input.clearable('description')
  return {
    ...(rank !== undefined && { rank }),
    ...(permissions.length > 0 && { permissions }),
    ...(description !== undefined && { description }),
  }
}

async function remove(run: CommandRun, roles: TargetRoles): Promise<void> {
  printRole(run, await roles.delete(tenantOf(run), nameOf(run)), 'Role deleted')
}

function printRole(run: CommandRun, role: Role, done: string): void {
  printDone(run, role, `${done}: ${plain(role.name)} (rank ${role.rank})`)
}
