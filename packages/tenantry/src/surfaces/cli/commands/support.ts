// support: an operator's time-boxed access to one tenant, which the tenant sees.
import type { SupportAccess } from '../../../features/operators/operator.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { withTarget } from '../open-target.ts'
import { tableLines } from '../output.ts'
import type { TargetSupport } from '../target.ts'
import { timeText } from '../tenant-view.ts'
import { plain } from '../text.ts'
import { lifecycleExits, printDone } from './lifecycle.ts'

const LONGEST_MINUTES = 1440

type Action = (run: CommandRun, support: TargetSupport, ref: string) => Promise<void>

const actions: Readonly<Partial<Record<string, Action>>> = { open, list, end }

export const supportCommand: CommandSpec = {
  name: 'support',
  group: 'Data:',
  summary: 'Let an operator into a tenant for a while, for a reason; list and end such accesses.',
  notes: ['Actions: open, list, end. An access reads unless it is opened with --write, and the tenant can see it.'],
  arguments: [
    ['<action>', 'open, list or end'],
    ['<tenant>', 'slug or id'],
    ['[id]', 'end: the id of the access'],
  ],
  options: [
    { flags: '--user <id>', description: 'open: which operator, by the application’s id' },
    { flags: '--reason <text>', description: 'open: why; for both audit trails and the tenant' },
    { flags: '--minutes <count>', description: 'open: how long, at most 1440; 60 where it is left out' },
    { flags: '--write', description: 'open: to write as well' },
  ],
  examples: [
    { line: 'support open acme --user user-7 --reason "ticket 4711"', explains: 'to look, for an hour' },
    { line: 'support list acme', explains: 'who has access, and who had it' },
    { line: 'support end acme <id>', explains: 'before its time' },
  ],
  exits: { ...lifecycleExits, 3: 'no such tenant or access', 4: 'the user is no operator' },
  async run(run) {
    const action = actions[run.input.argument(0) ?? '']
    const ref = run.input.argument(1) ?? ''
    if (action === undefined) throw new TenantryError('USAGE', 'support does one of open, list and end.')
    await withTarget(run, ({ support }) => action(run, support, ref))
    return undefined
  },
}

async function open(run: CommandRun, support: TargetSupport, ref: string): Promise<void> {
  const userId = run.input.text('user')
  if (userId === undefined) {
    throw new TenantryError('USAGE', 'No operator is named.', { fix: 'Name one with --user.' })
  }
  const minutes = run.input.integer('minutes', { least: 1, most: LONGEST_MINUTES })
  const access = await support.open(ref, {
    ...{ userId, reason: run.input.text('reason') ?? '', write: run.input.flag('write') },
    ...(minutes === undefined ? {} : { minutes }),
  })
  const what = access.mayWrite ? 'read and write' : 'read'
  printDone(run, access, `${plain(userId)} may ${what} until ${timeText(access.expiresAt)} (${access.id})`)
}

async function list(run: CommandRun, support: TargetSupport, ref: string): Promise<void> {
  const page = await support.list(ref)
  if (run.json) return run.output.json(page)
  const columns = [
    { title: 'ID', width: 38 },
    { title: 'USER', width: 24, cut: 24 },
    { title: 'RIGHTS', width: 8 },
    { title: 'FROM', width: 24 },
    { title: 'TO', width: 24 },
    { title: 'REASON' },
  ]
  for (const line of tableLines(columns, page.items.map(rowOf))) run.output.line(line)
}

const rowOf = ({ id, userId, mayWrite, createdAt, endedAt, expiresAt, reason }: SupportAccess): string[] => [
  ...[id, userId, mayWrite ? 'write' : 'read', timeText(createdAt), timeText(endedAt ?? expiresAt), reason],
]

async function end(run: CommandRun, support: TargetSupport, ref: string): Promise<void> {
  const id = run.input.argument(2)
  if (id === undefined) throw new TenantryError('USAGE', 'No access is named.', { fix: 'Name it by its id.' })
  const access = await support.end(ref, id)
  printDone(run, access, `Support access ended: ${access.id}`)
}
