// migrate: brings the fleet to the newest migration, shows where it stands, and finds what was changed by hand.
import { resolve } from 'node:path'
import type { MigrationProgress, MigrationRun } from '../../../features/migrations/fleet.ts'
import { errorCodes } from '../../../kernel/error-codes.ts'
import { type Action, actionOf, type Actions, usage } from '../actions.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { stopSignal } from '../io.ts'
import type { RunVerb, TargetMigrations } from '../migrations-target.ts'
import { withTarget } from '../open-target.ts'
import { progressLine } from '../progress-line.ts'
import { plain } from '../text.ts'
import { lintOptions, readLintOptions, showReport } from './lint.ts'
import { readRunOptions, readSelection, runOptionNames, runOptions, selectionOptions } from './migrate-options.ts'
import { printDrift, printRun, printRuns, printStatus } from './migrate-view.ts'

/** Most actions need a target; lint does not. */
type WithMigrations = <T>(work: (migrations: TargetMigrations) => Promise<T>) => Promise<T>
type Exit = number | undefined

const actions: Actions<WithMigrations, Exit> = {
  status: { words: [], act: status },
  up: runAction('up'),
  retry: runAction('retry'),
  new: { words: ['name'], options: ['shared', 'ts'], act: make },
  drift: { words: [], options: ['tenant', 'filter'], act: drift },
  runs: { words: [], act: runs },
  stop: { words: 1, act: stopRun },
  lint: { words: 1, options: ['ignore', 'since', 'postgres', 'sharedSchemas'], act: lint },
}

export const migrateCommand: CommandSpec = {
  name: 'migrate',
  group: 'Data:',
  summary: 'Bring shared tables and every tenant to the newest migration, and prove that they are there.',
  notes: [
    'Actions: status, up, retry (those that failed), drift (compare with the reference; prints the SQL that mends),',
    'runs, stop (a run of any process), new and lint (which need no database). A run can be stopped with Ctrl-C and goes on with up. Over HTTP it runs in the',
    'server, with the migrations that are there. docs/lint.md explains what lint finds.',
  ],
  arguments: [
    ['<action>', Object.keys(actions).join(', ')],
    [
      '[what]',
      'new: the name; lint: the folder, by default that of the configuration; stop: the run, by default the newest',
    ],
  ],
  options: [
    ...[...runOptions, ...selectionOptions, ...lintOptions],
    { flags: '--shared', description: 'new: for the tables that tenants share; default: for each tenant' },
    { flags: '--ts', description: 'new: in TypeScript; default: in SQL' },
  ],
  examples: [
    { line: 'migrate up --canary acme-corp --waves 1%,10%,100% --pause 10m', explains: 'carefully' },
    { line: 'migrate up --dry-run', explains: 'how many tenants are behind' },
    { line: 'migrate up --filter plan=pro --connections 8', explains: 'some of them, faster' },
    { line: 'migrate retry --tenant acme-corp', explains: 'one that failed' },
    { line: 'migrate drift --tenant acme-corp > mend.sql', explains: 'SQL to review' },
    { line: 'migrate stop', explains: 'the run that is under way, wherever' },
    { line: 'migrate new add_due_date', explains: 'the next file, to be filled' },
    { line: 'migrate lint migrations --since 0012', explains: 'the migrations after 0012' },
  ],
  exits: {
    1: 'not all tenants are there, some drifted, or lint found something',
    4: 'another run is under way',
    5: 'no target',
  },
  run(run) {
    const action: Action<WithMigrations, Exit> = actionOf(run, 'migrate', actions)
    // A command that looks, or says what it would do, applies nothing by starting; and one that is to stop a run must not
    // wait for the tables that this run alters.
    const settings = { migrateOnStart: false, checkPolicies: false }
    return action.act(run, (work) => withTarget(run, ({ migrations }) => work(migrations), settings))
  },
}

async function status(run: CommandRun, on: WithMigrations): Promise<Exit> {
  const answer = await on((migrations) => migrations.status())
  if (run.json) run.output.json(answer)
  else printStatus(run.output, answer)
  return undefined
}

function runAction(verb: RunVerb): Action<WithMigrations, Exit> {
  return { words: [], options: runOptionNames, act: (run, on) => migrate(run, on, verb) }
}

async function migrate(run: CommandRun, on: WithMigrations, verb: RunVerb): Promise<Exit> {
  const options = readRunOptions(run.input)
  const controller = new AbortController()
  const stop = stopSignal(run.io)
  const progress = run.json ? { show: () => {}, clear: () => {} } : progressLine(run.io)
  void stop.stopped.then(() => {
    progress.clear()
    run.output.note('Stopping after the transactions under way. Press Ctrl-C again to leave at once.')
    controller.abort()
  })
  try {
    const given = {
      ...options,
      signal: controller.signal,
      onProgress: (seen: MigrationProgress) => progress.show(seen),
    }
    const answer = await on((migrations) => migrations.run(verb, given))
    progress.clear()
    if (run.json) run.output.json(answer)
    else printRun(run.output, answer)
    return isComplete(answer) ? undefined : errorCodes.MIGRATION_INCOMPLETE.exit
  } finally {
    stop.forget()
    progress.clear()
  }
}

const isComplete = ({ state, failed }: MigrationRun): boolean => state === 'complete' && failed === 0

async function drift(run: CommandRun, on: WithMigrations): Promise<Exit> {
  const report = await on((migrations) => migrations.drift(readSelection(run.input)))
  if (run.json) run.output.json(report)
  else printDrift(run.output, report)
  return report.drifted.length === 0 ? undefined : errorCodes.DRIFT_FOUND.exit
}

async function runs(run: CommandRun, on: WithMigrations): Promise<Exit> {
  const page = await on((migrations) => migrations.runs())
  if (run.json) run.output.json(page)
  else printRuns(run.output, page.items)
  return undefined
}

async function stopRun(run: CommandRun, on: WithMigrations): Promise<Exit> {
  const { input, json, output } = run
  const answer = await on(async (migrations) => {
    const id = input.argument(1) ?? (await migrations.runs()).items[0]?.runId
    if (id === undefined) throw usage('There was no run yet.', 'Begin one: tenantry migrate up.')
    return migrations.stop(id)
  })
  if (json) output.json(answer)
  else if (answer.state === 'running')
    output.line(`Told to stop after the transactions under way: ${plain(answer.runId)}`)
  else printRun(output, answer)
  return undefined
}

async function make({ input, io, output, composition, json }: CommandRun): Promise<Exit> {
  const { settings } = await composition.readConfig()
  const { migrations = 'migrations' } = settings
  const source = typeof migrations === 'string' ? resolve(io.cwd, migrations) : migrations
  const wanted = { name: input.argument(1) ?? '', shared: input.flag('shared'), ts: input.flag('ts') }
  const file = await composition.newMigration(source, wanted)
  if (json) output.json({ file })
  else output.line(`${output.style('green', '✓')} Migration made: ${plain(file)}`)
  return undefined
}

async function lint(run: CommandRun): Promise<Exit> {
  const { settings } = await run.composition.readConfig()
  const { sharedSchemas = [], migrations = 'migrations' } = settings
  const given = run.input.argument(1) ?? (typeof migrations === 'string' ? migrations : undefined)
  if (given === undefined) {
    throw usage('The configuration names several folders of migrations.', 'Name the one to lint after the action.')
  }
  const folder = resolve(run.io.cwd, given)
  const report = await run.composition.lintMigrations(folder, { sharedSchemas, ...readLintOptions(run) })
  return showReport(run, report)
}
