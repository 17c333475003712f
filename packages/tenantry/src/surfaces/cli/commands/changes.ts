// change: one column takes another one's place, step by step, while two versions of the application run.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ColumnChange } from '../../../features/changes/change.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { type Actions, actionOf, usage, wordOf } from '../actions.ts'
import type { ChangeStep, TargetChanges } from '../changes-target.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { confirm } from '../confirm.ts'
import { stopSignal } from '../io.ts'
import { withTarget } from '../open-target.ts'
import { tableLines } from '../output.ts'
import { plain } from '../text.ts'
import { cellsOf, columns, meterOf, show } from './changes-view.ts'
import { millisecondsOf, readLockTimeout } from './migrate-options.ts'

type Exit = number | undefined

const locks = ['lockTimeout', 'lockRetries']
const actions: Actions<TargetChanges, Exit> = {
  list: { words: [], act: list },
  status: { words: ['name'], act: status },
  expand: { words: [], options: ['file', ...locks], act: expand },
  backfill: { words: 1, options: ['file', 'batch', 'pause', 'lockRetries'], act: backfill },
  validate: step('validate'),
  switch: step('switch'),
  contract: step('contract'),
}

export const changeCommand: CommandSpec = {
  name: 'change',
  group: 'Data:',
  summary: "Let one column take another one's place while two versions of the application run.",
  notes: [
    'Actions, in this order: expand, backfill, validate, switch, contract; list and status show how far they are. Each can be',
    'repeated and goes on where it stopped; a backfill can be stopped with Ctrl-C. contract drops the old column, and asks first.',
    'The file holds the change as one JSON object, as docs/changes.md has it. For tenant schemas a migration expands, and',
    'backfill takes the file.',
  ],
  arguments: [
    ['<action>', Object.keys(actions).join(', ')],
    ['[name]', 'of the change; backfill takes it or --file'],
  ],
  options: [
    { flags: '--file <file>', description: 'expand, backfill: the change' },
    { flags: '--batch <time>', description: 'backfill: how long a batch takes, such as 50ms; default: 100ms' },
    { flags: '--pause <time>', description: 'backfill: between batches, such as 20ms; default: none' },
    {
      flags: '--lock-timeout <time>',
      description: 'how long a statement waits for a lock, such as 500ms; default: 2s',
    },
    { flags: '--lock-retries <n>', description: 'how often it is tried again; default: 5, backfill: 20' },
    { flags: '--yes', description: 'contract: do not ask' },
  ],
  examples: [
    { line: 'change expand --file total.json', explains: 'the new column, kept in step' },
    { line: 'change backfill total_in_cents --pause 20ms', explains: 'the rows that were there before' },
    { line: 'change status total_in_cents', explains: 'how far it is' },
    { line: 'change contract total_in_cents', explains: 'when the last old version has gone' },
  ],
  exits: {
    1: 'rows are not as the step needs them, or were not all filled',
    4: 'the step before was not taken',
    5: 'no target',
  },
  async run(run) {
    const action = actionOf(run, 'change', actions)
    return withTarget(run, ({ changes }) => action.act(run, changes))
  },
}

async function list(run: CommandRun, changes: TargetChanges): Promise<Exit> {
  const page = await changes.list()
  if (run.json) run.output.json(page)
  else for (const line of tableLines(columns, page.items.map(cellsOf))) run.output.line(line)
  return undefined
}

async function status(run: CommandRun, changes: TargetChanges): Promise<Exit> {
  show(run, await changes.status(wordOf(run, 1, 'name')))
  return undefined
}

async function expand(run: CommandRun, changes: TargetChanges): Promise<Exit> {
  const change = await fileOf(run)
  if (change === undefined) throw usage('The change is missing.', 'Name the file that holds it with --file.')
  show(run, await changes.expand(change, lockOptions(run)))
  return undefined
}

async function backfill(run: CommandRun, changes: TargetChanges): Promise<Exit> {
  const { input, io, output } = run
  const change = (await fileOf(run)) ?? input.argument(1)
  if (change === undefined) throw usage('The change is missing.', 'Name it after the action, or its file with --file.')
  const [batchMs, pauseMs] = [
    millisecondsOf('batch', input.text('batch'), 60_000),
    millisecondsOf('pause', input.text('pause'), 3_600_000),
  ]
  const controller = new AbortController()
  const stop = stopSignal(io)
  const meter = meterOf(run)
  void stop.stopped.then(() => {
    meter.clear()
    output.note('Stopping after the batch under way. Press Ctrl-C again to leave at once.')
    controller.abort()
  })
  try {
    const answer = await changes.backfill(change, {
      ...lockOptions(run),
      ...(batchMs !== undefined && { batchMs }),
      ...(pauseMs !== undefined && { pauseMs }),
      ...{ signal: controller.signal, onProgress: (progress) => meter.show(progress) },
    })
    meter.clear()
    show(run, answer)
    const isFilled = answer.done === answer.targets
    if (!isFilled && !run.json)
      output.note(`What is filled stays so. Go on with: tenantry change backfill ${plain(answer.name)}`)
    return isFilled ? undefined : 1
  } finally {
    stop.forget()
    meter.clear()
  }
}

function step(verb: ChangeStep): Actions<TargetChanges, Exit>[string] {
  const act = async (run: CommandRun, changes: TargetChanges): Promise<Exit> => {
    const name = wordOf(run, 1, 'name')
    if (verb === 'contract' && !run.input.flag('yes')) await askToContract(run, name)
    show(run, await changes.step(verb, name, lockOptions(run)))
    return undefined
  }
  return { words: ['name'], options: verb === 'contract' ? [...locks, 'yes'] : locks, act }
}

async function askToContract(run: CommandRun, name: string): Promise<void> {
  const message = `This drops the old column of the change '${plain(name)}' and all its values. No version of the application may use it any more. (yes/no)`
  await confirm(run.io, { message, expected: 'yes', option: '--yes' })
}

async function fileOf({ input, io }: CommandRun): Promise<ColumnChange | undefined> {
  const name = input.text('file')
  if (name === undefined) return undefined
  const invalid = (what: string) =>
    new TenantryError('INVALID_INPUT', `The file of the change ${what}.`, {
      field: 'file',
      fix: 'Give --file a file of one JSON object.',
    })
  const text = await readFile(resolve(io.cwd, name), 'utf8').catch(() => undefined)
  if (text === undefined) throw invalid('cannot be read')
  try {
    // Checked where it is used.
    return JSON.parse(text) as ColumnChange
  } catch {
    throw invalid('is not JSON')
  }
}

function lockOptions({ input }: CommandRun): { readonly lockTimeoutMs?: number; readonly lockRetries?: number } {
  const lockTimeoutMs = readLockTimeout(input.text('lockTimeout'))
  const lockRetries = input.integer('lockRetries', { least: 0, most: 1_000 })
  return { ...(lockTimeoutMs !== undefined && { lockTimeoutMs }), ...(lockRetries !== undefined && { lockRetries }) }
}
