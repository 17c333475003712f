// operator: the people behind the instance, and how one of them takes up central power for a while.
import type { Elevation, Operator } from '../../../features/operators/operator.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { withTarget } from '../open-target.ts'
import { tableLines } from '../output.ts'
import type { TargetOperators } from '../target.ts'
import { timeText } from '../tenant-view.ts'
import { plain } from '../text.ts'
import { printDone } from './lifecycle.ts'

const LONGEST_MINUTES = 60

type Action = (run: CommandRun, operators: TargetOperators) => Promise<void>

const actions: Readonly<Partial<Record<string, Action>>> = { list, set, remove, elevate, release, elevations }

export const operatorCommand: CommandSpec = {
  name: 'operator',
  group: 'Start:',
  summary: 'List, set and remove operators; let a super-admin take up central power for a while.',
  notes: [
    'Actions: list, set, remove, elevate, release, elevations. elevate prints a token, which nobody can show again;',
    'it is good for the control plane as TENANTRY_KEY, until it ends by itself or is released.',
  ],
  arguments: [
    ['<action>', 'list, set, remove, elevate, release or elevations'],
    ['[who]', 'the application’s id of the user; for release the id of the elevation'],
  ],
  options: [
    { flags: '--role <role>', description: 'set: super-admin or support', choices: ['super-admin', 'support'] },
    { flags: '--reason <text>', description: 'elevate: why; for the audit log' },
    { flags: '--minutes <count>', description: 'elevate: how long, at most 60; 15 where it is left out' },
  ],
  examples: [
    { line: 'operator set user-1 --role super-admin', explains: 'who may take up central power' },
    { line: 'operator elevate user-1 --reason "ticket 4711" --minutes 30', explains: 'and does' },
    { line: 'operator remove user-1', explains: 'ends what they have open, too' },
  ],
  exits: { 3: 'no such operator or elevation', 4: 'the user is no super-admin', 5: 'no target' },
  async run(run) {
    const action = actions[run.input.argument(0) ?? '']
    if (action === undefined) {
      throw new TenantryError('USAGE', 'operator does one of list, set, remove, elevate, release and elevations.')
    }
    await withTarget(run, ({ operators }) => action(run, operators))
    return undefined
  },
}

function whoOf({ input }: CommandRun): string {
  const who = input.argument(1)
  if (who !== undefined) return who
  throw new TenantryError('USAGE', 'Nobody is named.', { fix: 'Name the user, or the elevation, after the action.' })
}

async function list(run: CommandRun, operators: TargetOperators): Promise<void> {
  const page = await operators.list()
  if (run.json) return run.output.json(page)
  const columns = [{ title: 'USER', width: 38 }, { title: 'ROLE', width: 14 }, { title: 'SINCE' }]
  const rowOf = ({ userId, role, createdAt }: Operator) => [userId, role, timeText(createdAt)]
  for (const line of tableLines(columns, page.items.map(rowOf))) run.output.line(line)
}

async function set(run: CommandRun, operators: TargetOperators): Promise<void> {
  const role = run.input.text('role')
  if (role !== 'super-admin' && role !== 'support') {
    throw new TenantryError('USAGE', 'The role is missing.', { fix: 'Give --role super-admin or --role support.' })
  }
  const operator = await operators.set({ userId: whoOf(run), role })
  printDone(run, operator, `Operator set: ${plain(operator.userId)} (${operator.role})`)
}

async function remove(run: CommandRun, operators: TargetOperators): Promise<void> {
  const operator = await operators.remove(whoOf(run))
  printDone(run, operator, `Operator removed: ${plain(operator.userId)}`)
}

async function elevate(run: CommandRun, operators: TargetOperators): Promise<void> {
  const minutes = run.input.integer('minutes', { least: 1, most: LONGEST_MINUTES })
  const reason = run.input.text('reason') ?? ''
  const given = { userId: whoOf(run), reason, ...(minutes === undefined ? {} : { minutes }) }
  const elevation = await operators.elevate(given)
  printDone(run, elevation, `Elevated until ${timeText(elevation.expiresAt)}: ${plain(elevation.userId)}`)
  if (run.json) return
  run.output.line(`  ${elevation.token}`)
  run.output.note(`The token is not shown again. End it early with: tenantry operator release ${elevation.id}`)
}

async function release(run: CommandRun, operators: TargetOperators): Promise<void> {
  const elevation = await operators.release(whoOf(run))
  printDone(run, elevation, `Elevation ended: ${elevation.id}`)
}

async function elevations(run: CommandRun, operators: TargetOperators): Promise<void> {
  const page = await operators.elevations()
  if (run.json) return run.output.json(page)
  const columns = [
    { title: 'ID', width: 38 },
    { title: 'USER', width: 24, cut: 24 },
    { title: 'FROM', width: 24 },
    { title: 'TO', width: 24 },
    { title: 'REASON' },
  ]
  const rowOf = ({ id, userId, createdAt, endedAt, expiresAt, reason }: Elevation) => [
    ...[id, userId, timeText(createdAt), timeText(endedAt ?? expiresAt), reason],
  ]
  for (const line of tableLines(columns, page.items.map(rowOf))) run.output.line(line)
}
