// stats: how many tenants there are, once or again and again.
import { setTimeout as delay } from 'node:timers/promises'
import type { CommandRun, CommandSpec } from '../command.ts'
import { stopSignal } from '../io.ts'
import { withTarget } from '../open-target.ts'
import type { Target } from '../target.ts'
import { statsLines } from '../tenant-view.ts'

const WATCH_MS = 2000

export const statsCommand: CommandSpec = {
  name: 'stats',
  group: 'Tenants:',
  summary: 'Count tenants by status and plan.',
  options: [{ flags: '--watch', description: 'again every 2 seconds, until Ctrl-C' }],
  examples: [
    { line: 'stats', explains: 'once' },
    { line: 'stats --watch', explains: 'redrawn on a terminal, one block after the other elsewhere' },
  ],
  exits: { 5: 'no target' },
  async run(run) {
    await withTarget(run, (target) => (run.input.flag('watch') ? watch(run, target) : print(run, target)))
    return undefined
  },
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
