// `adopt plan`: makes the plan, asks what is open, and writes it down.
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type AdoptAnswer, readAnswer } from '../../features/adopt/decide-answers.ts'
import { refuseUndecided } from '../../features/adopt/plan-check.ts'
import type { PlanRequest } from '../../features/adopt/plan-make.ts'
import { planComments } from '../../features/adopt/plan-text.ts'
import type { AdoptPlan } from '../../features/adopt/plan.ts'
import { writePlanFile } from '../config/plan-file.ts'
import { PLAN_FILE } from './adopt-apply.ts'
import { type AdoptPlanner, openPlanner } from './adopt-planner.ts'
import { askAbout } from './adopt-questions.ts'
import type { CommandRun } from './command.ts'
import { confirm } from './confirm.ts'
import { isInteractive } from './io.ts'
import { tableLines } from './output.ts'
import { requireAdminUrl } from './target.ts'
import { plain } from './text.ts'

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
    if (html !== undefined) await writePage(run, planner, { file: resolve(io.cwd, html), plan })
    const migration = plan.target === 'schema' ? await writeMigration(run, planner, plan) : undefined
    if (run.json) run.output.json(plan)
    else printPlan(run, plan, migration === undefined ? [file] : [file, migration])
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
  const message = `${plain(file)} is there already. What was edited in it will be lost. Type replace to go on:`
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

interface Page {
  readonly file: string
  readonly plan: AdoptPlan
}

/** The SQL of the stages is shown where it can be told: with a control plane, and nothing open. */
async function writePage(run: CommandRun, planner: AdoptPlanner, { file, plan }: Page): Promise<void> {
  const { planPage } = await import('../../features/adopt/graph.ts')
  const isTellable = plan.questions.length === 0 && (await planner.hasControlPlane())
  await writeFile(file, planPage(plan, isTellable ? await stagesOf(run, plan) : []))
  if (!isTellable) run.output.note('The page has no SQL yet: run `tenantry init` and answer all questions first.')
}

async function stagesOf(run: CommandRun, plan: AdoptPlan) {
  const tenantry = await run.composition.createTenantry({ adminUrl: requireAdminUrl(run.target, 'adopt') })
  try {
    return await tenantry.adopt.statements(plan)
  } finally {
    await tenantry.close()
  }
}

/** The tables of tenants as their first migration. Another text there is not lost without a question. */
async function writeMigration(run: CommandRun, planner: AdoptPlanner, plan: AdoptPlan): Promise<string | undefined> {
  if (plan.questions.length > 0) return undefined
  const { ADOPTED_MIGRATION, tenantMigration } = await import('../../features/adopt/split-ddl.ts')
  const { migrations = 'migrations' } = (await run.composition.readConfig()).settings
  const folder = typeof migrations === 'string' ? join(migrations, 'tenant') : migrations.tenant?.folder
  const file = resolve(run.io.cwd, folder ?? join('migrations', 'tenant'), ADOPTED_MIGRATION)
  const text = tenantMigration(planner.inspection, plan)
  const before = await readFile(file, 'utf8').catch(() => undefined)
  if (before === text) return file
  if (before !== undefined) await refuseLoss(run, file)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  return file
}

function printPlan({ output }: CommandRun, plan: AdoptPlan, files: readonly string[]): void {
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
  for (const file of files) output.line(output.style('green', `✓ Written: ${plain(file)}`))
}
