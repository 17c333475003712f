// `adopt plan`: makes the plan, asks what is open, and writes it down.
import { access, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type AdoptAnswer, readAnswer } from '../../features/adopt/decide-answers.ts'
import { refuseUndecided } from '../../features/adopt/plan-check.ts'
import type { PlanRequest } from '../../features/adopt/plan-make.ts'
import { planComments } from '../../features/adopt/plan-text.ts'
import type { AdoptPlan } from '../../features/adopt/plan.ts'
import { writePlanFile } from '../config/plan-file.ts'
import { type AdoptPlanner, openPlanner } from './adopt-planner.ts'
import { askAbout } from './adopt-questions.ts'
import type { CommandRun } from './command.ts'
import { confirm } from './confirm.ts'
import { isInteractive } from './io.ts'
import { tableLines } from './output.ts'
import { requireAdminUrl } from './target.ts'
import { plain } from './text.ts'

/** The file that a plan is kept in where none is named. */
const PLAN_FILE = 'adopt.plan.yaml'

/** Throws PLAN_UNDECIDED, after it has written the file, where questions are left. */
export async function makePlanFile(run: CommandRun): Promise<void> {
  const { io, input } = run
  const file = resolve(io.cwd, input.text('output') ?? PLAN_FILE)
  const request = requestOf(run)
  const adminUrl = requireAdminUrl(run.target, 'adopt')
  await refuseLoss(run, file)
  const planner = await openPlanner(adminUrl, request.schema ?? 'public')
  try {
    const plan = await decidedPlan(run, planner, request)
    await writePlanFile(file, { plan, ...planComments(plan) })
    const html = input.text('html')
    if (html !== undefined) await writePage(resolve(io.cwd, html), plan)
    if (run.json) run.output.json(plan)
    else printPlan(run, plan, file)
    refuseUndecided(plan)
  } finally {
    await planner.close()
  }
}

function requestOf({ input }: CommandRun): PlanRequest {
  const words = (name: string) => (input.texts(name).length === 0 ? undefined : input.texts(name))
  return {
    root: {
      table: input.text('root'),
      column: input.text('column'),
      default: input.text('default'),
      slugFrom: words('slugFrom'),
      nameFrom: words('nameFrom'),
    },
    schema: input.text('schema'),
    target: input.text('target') === 'schema' ? 'schema' : 'row',
    answers: input.texts('decide').map(readAnswer),
    pilot: input.texts('pilot'),
  }
}

// A plan that is there may hold what somebody decided.
async function refuseLoss({ io, input }: CommandRun, file: string): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  )
  if (!isThere || input.flag('yes')) return
  const message = 'A plan is there already. What was edited in it will be lost. Type replace to go on:'
  await confirm(io, { message, expected: 'replace', option: '--yes' })
}

/** The plan with every question answered that a person can be asked; an answer can settle others. */
async function decidedPlan(run: CommandRun, planner: AdoptPlanner, request: PlanRequest): Promise<AdoptPlan> {
  const answers: AdoptAnswer[] = [...(request.answers ?? [])]
  for (;;) {
    const plan = await planner.plan({ ...request, answers })
    const [question] = plan.questions
    if (question === undefined || run.json || !isInteractive(run.io)) return plan
    answers.push(await askAbout(run.io, question))
  }
}

async function writePage(file: string, plan: AdoptPlan): Promise<void> {
  const { planPage } = await import('../../features/adopt/graph.ts')
  await writeFile(file, planPage(plan))
}

function printPlan({ output }: CommandRun, plan: AdoptPlan, file: string): void {
  const columns = [
    { title: 'Table' },
    { title: 'Rows', align: 'right' as const },
    { title: 'Decision' },
    { title: 'Why' },
  ]
  const rows = plan.tables.map(({ table, rows: count, decision, reason }) => [table, String(count), decision, reason])
  for (const line of tableLines(columns, rows)) output.line(line)
  const dropped = plan.tables.flatMap(({ table, keys }) =>
    keys.filter(({ decision }) => decision === 'dropped').map((key) => `${table}: ${key.name}. ${key.reason}`),
  )
  if (dropped.length > 0) output.line()
  for (const each of dropped) output.line(output.style('yellow', `This key will go: ${plain(each)}`))
  output.line()
  output.line(output.style('green', `✓ Plan written: ${plain(file)}`))
}
