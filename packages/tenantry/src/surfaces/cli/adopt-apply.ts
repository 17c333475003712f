// `adopt apply`, `adopt revert` and `adopt status`: the stages of a plan, done, taken back and looked at.
import { resolve } from 'node:path'
import type { Adopt } from '../../features/adopt/adopt.ts'
import { refuseUndecided } from '../../features/adopt/plan-check.ts'
import { readPlan } from '../../features/adopt/plan-read.ts'
import { type AdoptPlan, type AdoptStage, type AdoptStatus, adoptStages } from '../../features/adopt/plan.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { readPlanFile } from '../config/plan-file.ts'
import { adoptMeter } from './adopt-progress.ts'
import type { CommandRun } from './command.ts'
import { confirm } from './confirm.ts'
import { stopSignal } from './io.ts'
import { tableLines } from './output.ts'
import { requireAdminUrl } from './target.ts'
import { plain } from './text.ts'

/** The file that a plan is kept in where none is named. */
export const PLAN_FILE = 'adopt.plan.yaml'

export async function applyPlanFile(run: CommandRun): Promise<void> {
  const { io, input } = run
  const plan = readPlan(await readPlanFile(resolve(io.cwd, input.text('plan') ?? PLAN_FILE)))
  refuseUndecided(plan)
  const to = stageOf(run)
  const batchSize = input.integer('batchSize', { least: 1, most: 1_000_000 })
  const throttle = throttleOf(run)
  const maxLagMs = input.integer('maxLag', { least: 1, most: 86_400_000 })
  const through = to === undefined ? 'all stages' : `the stages up to ${to}`
  await sure(run, plan, `This changes the tables of the database ${plain(plan.database)}: ${through}`)
  const status = await watched(run, (adopt, watch) =>
    adopt.apply(plan, {
      ...watch,
      ...(to !== undefined && { to }),
      ...(batchSize !== undefined && { batchSize }),
      ...(throttle !== undefined && { throttle }),
      ...(maxLagMs !== undefined && { maxLagMs }),
    }),
  )
  printStatus(run, status)
}

export async function revertStages(run: CommandRun): Promise<void> {
  const to = stageOf(run)
  const { plan } = await withAdopt(run, (adopt) => adopt.status())
  const through = to === undefined ? 'all stages, and the tenants that they made' : `the stages behind ${to}`
  await sure(run, plan, `This takes back from the database ${plain(plan.database)}: ${through}`)
  printStatus(run, await watched(run, (adopt, watch) => adopt.revert({ ...watch, ...(to !== undefined && { to }) })))
}

export async function showStatus(run: CommandRun): Promise<void> {
  printStatus(run, await withAdopt(run, (adopt) => adopt.status()))
}

function stageOf({ input }: CommandRun): AdoptStage | undefined {
  const given = input.text('to')
  const found = [...adoptStages, 'split' as const].find((stage) => stage === given)
  if (found === given) return found
  throw new TenantryError('INVALID_INPUT', 'There is no such stage.', {
    field: 'to',
    fix: `Name one of ${[...adoptStages, 'split'].join(', ')}.`,
  })
}

function throttleOf({ input }: CommandRun): number | undefined {
  const given = input.text('throttle')
  if (given === undefined) return undefined
  if (/^\d{1,3}(?:\.\d{1,3})?$/.test(given)) return Number(given)
  throw new TenantryError('INVALID_INPUT', '--throttle is not a number from 0 to 999.', {
    field: 'throttle',
    fix: 'Give the pause after each batch as a multiple of the time it took, like 0.5.',
  })
}

async function sure({ io, input }: CommandRun, { database }: AdoptPlan, what: string): Promise<void> {
  if (input.flag('yes')) return
  await confirm(io, { message: `${what}. Type ${plain(database)} to go on:`, expected: database, option: '--yes' })
}

async function withAdopt<T>(run: CommandRun, work: (adopt: Adopt) => Promise<T>): Promise<T> {
  const tenantry = await run.composition.createTenantry({ adminUrl: requireAdminUrl(run.target, 'adopt') })
  try {
    return await work(tenantry.adopt)
  } finally {
    await tenantry.close()
  }
}

type Watch = Required<Pick<NonNullable<Parameters<Adopt['apply']>[1]>, 'onProgress' | 'signal'>>

/** With a meter, and stopped by Ctrl-C between two steps; what was done stays done. */
function watched<T>(run: CommandRun, work: (adopt: Adopt, watch: Watch) => Promise<T>): Promise<T> {
  const stopping = new AbortController()
  const stop = stopSignal(run.io)
  const meter = adoptMeter(run.io)
  void stop.stopped.then(() => {
    stopping.abort(new TenantryError('CLOSED', 'Stopped. What was done stays; apply again to go on.'))
  })
  return withAdopt(run, (adopt) =>
    work(adopt, {
      signal: stopping.signal,
      onProgress: (progress) => {
        meter.show(progress)
      },
    }),
  ).finally(() => {
    stop.forget()
    meter.end()
  })
}

const marks = { pending: '·', running: '…', done: '✓', reverted: '↶' } as const

function printStatus({ output, json }: CommandRun, status: AdoptStatus): void {
  if (json) {
    output.json(status)
    return
  }
  for (const { stage, state, finishedAt } of status.stages) {
    const line = `${marks[state]} ${stage.padEnd(9)} ${state}${finishedAt === null ? '' : `  ${plain(finishedAt)}`}`
    output.line(state === 'done' ? output.style('green', line) : line)
  }
  if (status.tables.length > 0) output.line()
  const columns = ['Table', 'Before', 'Now', 'Backfilled', 'Same'].map((title, i) => ({
    title,
    ...(i > 0 && i < 4 && { align: 'right' as const }),
  }))
  const rows = status.tables.map(({ table, rowsBefore, rowsNow, backfilled, same }) => {
    return [table, String(rowsBefore), rowsNow === null ? '–' : String(rowsNow), String(backfilled), sameText(same)]
  })
  if (rows.length > 0) for (const line of tableLines(columns, rows)) output.line(line)
  if (status.observingUntil !== null) {
    const until = `Observing until ${status.observingUntil}: accesses to rows of other tenants are noted, which makes the application slow.`
    output.line(output.style('yellow', until))
  }
  for (const { table, count, lastAt } of status.observed) {
    output.line(output.style('yellow', plain(`${table}: ${count} foreign accesses seen, the last one ${lastAt}`)))
  }
}

const sameText = (same: boolean | null): string => (same === null ? 'not compared' : same ? 'yes' : 'NO')
