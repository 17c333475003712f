// stats: how many tenants there are, once or again and again; and what each is like in numbers.
import { setTimeout as delay } from 'node:timers/promises'
import type { TenantFilter } from '../../../tenants/for-each.ts'
import { noteNextPage, pageQueryOf, usage } from '../actions.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { stopSignal } from '../io.ts'
import { withTarget } from '../open-target.ts'
import type { Target } from '../target.ts'
import { statsLines } from '../tenant-view.ts'
import { filterOf } from './migrate-options.ts'
import { statisticsLines } from './stats-view.ts'

const WATCH_MS = 2000
const LIST_OPTIONS = ['filter', 'search', 'limit', 'cursor'] as const

export const statsCommand: CommandSpec = {
  name: 'stats',
  group: 'Tenants:',
  summary: 'Count tenants by status and plan, or show what each is like in numbers.',
  notes: [
    'The numbers of --tenants were counted some time ago, which is said; serve counts every hour, --refresh at once.',
  ],
  options: [
    { flags: '--watch', description: 'again every 2 seconds, until Ctrl-C' },
    { flags: '--tenants', description: 'members, keys, rows, size and last activity of each tenant' },
    { flags: '--refresh', description: 'with --tenants: count anew first, which reads every shared table' },
    { flags: '--filter <what...>', description: 'with --tenants: plan=<plan> or isolation=<row or schema>' },
    { flags: '--search <text>', description: 'with --tenants: part of the slug' },
    { flags: '--limit <n>', description: 'with --tenants: so many; default: 20' },
    { flags: '--cursor <cursor>', description: 'with --tenants: the next page' },
  ],
  examples: [
    { line: 'stats', explains: 'once' },
    { line: 'stats --watch', explains: 'redrawn on a terminal, one block after the other elsewhere' },
    { line: 'stats --tenants --refresh --filter plan=free', explains: 'each free tenant, counted now' },
  ],
  exits: { 5: 'no target' },
  async run(run) {
    const show = viewOf(run)
    await withTarget(run, (target) => show(run, target))
    return undefined
  },
}

/** What the options ask for. Throws USAGE where one has nothing to work on. */
function viewOf({ input }: CommandRun): (run: CommandRun, target: Target) => Promise<void> {
  if (input.flag('tenants')) {
    if (!input.flag('watch')) return printTenants
    throw usage('--watch shows counts, and --tenants what was counted once.', 'Give one of them.')
  }
  const alone = LIST_OPTIONS.find((name) => input.text(name) !== undefined || input.texts(name).length > 0)
  const stray = input.flag('refresh') ? 'refresh' : alone
  if (stray !== undefined) throw usage(`--${stray} belongs to --tenants.`, 'Add --tenants.')
  return input.flag('watch') ? watch : print
}

async function printTenants(run: CommandRun, { fleet }: Target): Promise<void> {
  const { input, output } = run
  const filter = Object.assign({}, ...input.texts('filter').map(filterOf)) as TenantFilter
  const query = { ...pageQueryOf(run), filter }
  if (input.flag('refresh')) await fleet.refreshStatistics()
  const page = await fleet.statistics(query)
  if (run.json) {
    output.json(page)
    return
  }
  for (const line of statisticsLines(page)) output.line(line)
  noteNextPage(run, page)
}

async function print(run: CommandRun, { tenants }: Target): Promise<void> {
  const stats = await tenants.stats()
  if (run.json) {
    run.output.json(stats)
    return
  }
  const [title = '', ...lines] = statsLines(stats)
  if (run.input.flag('watch') && run.io.isTTY.stdout) run.output.clearScreen()
  run.output.line(run.output.style('bold', title))
  for (const line of lines) run.output.line(line)
}

async function watch(run: CommandRun, target: Target): Promise<void> {
  const stop = stopSignal(run.io)
  const ended = new AbortController()
  const stopped = stop.stopped.then(() => ended.abort())
  try {
    while (!ended.signal.aborted) {
      await print(run, target)
      await Promise.race([stopped, delay(WATCH_MS, undefined, { signal: ended.signal }).catch(() => {})])
    }
  } finally {
    stop.forget()
  }
}
