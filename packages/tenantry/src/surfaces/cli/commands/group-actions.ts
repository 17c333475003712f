// What the commands of organizations and teams share: an action and the words it wants, pages, and questions.
import type { ListQuery } from '../../../features/organizations/organization.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { Page } from '../../../tenants/tenant.ts'
import type { CommandRun, OptionSpec } from '../command.ts'
import { confirm } from '../confirm.ts'
import { type Column, tableLines } from '../output.ts'
import { plain } from '../text.ts'

/** One action of a command that has several. */
export interface GroupAction<T> {
  /** What is named after the action, in this order. */
  readonly words: readonly string[]
  /** Its options, by their names in the input. */
  readonly options?: readonly string[]
  act(run: CommandRun, on: T): Promise<void>
}

export const pageOptions: readonly OptionSpec[] = [
  { flags: '--search <text>', description: 'lists: part of slug or name, of user id or e-mail address' },
  { flags: '--limit <n>', description: 'lists: items a page, 1 to 100, default 20' },
  { flags: '--cursor <cursor>', description: 'lists: where the page before has ended' },
]
export const pageOptionNames = ['search', 'limit', 'cursor']

export const groupExits = {
  3: 'no such organization, team, tenant or member',
  4: 'what is there does not allow it',
  5: 'no target',
  130: 'interrupted at the question; nothing was done',
}

/** The action that the command line names, with all its words and no others. Throws USAGE otherwise. */
export function chosenAction<T>(
  run: CommandRun,
  command: string,
  actions: Readonly<Record<string, GroupAction<T>>>,
): GroupAction<T> {
  const name = run.input.argument(0) ?? ''
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  if (action === undefined) {
    const known = Object.keys(actions).join(', ')
    throw new TenantryError('USAGE', `There is no such action of tenantry ${command}.`, { fix: `Use one of ${known}.` })
  }
  const fix = `Run \`tenantry help ${command}\` to see how it is used.`
  const missing = action.words.find((_, index) => word(run, index) === '')
  if (missing !== undefined) throw new TenantryError('USAGE', `The ${missing} is missing.`, { fix })
  if (word(run, action.words.length) !== '') throw new TenantryError('USAGE', 'There is a word too many.', { fix })
  const foreign = Object.values(actions)
    .flatMap(({ options = [] }) => options)
    .find((option) => isGiven(run, option) && action.options?.includes(option) !== true)
  if (foreign === undefined) return action
  const flag = foreign.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw new TenantryError('USAGE', `The option --${flag} does not belong to this action.`, { fix })
}

function isGiven({ input }: CommandRun, option: string): boolean {
  return input.text(option) !== undefined || input.flag(option) || input.denied(option)
}

/** The word at this place after the action. */
export function word({ input }: CommandRun, index: number): string {
  return input.argument(index + 1) ?? ''
}

/** The text options of these names that were given. */
export function given<const N extends string>({ input }: CommandRun, ...names: readonly N[]): { [K in N]?: string } {
  const answer: { [K in N]?: string } = {}
  for (const name of names) {
    const value = input.text(name)
    if (value !== undefined) answer[name] = value
  }
  return answer
}

/** The page that is asked for. Throws INVALID_INPUT for a limit that is none. */
export function pageQuery(run: CommandRun): ListQuery {
  const limit = run.input.integer('limit', { least: 1, most: 100 })
  return { ...given(run, 'search', 'cursor'), ...(limit !== undefined && { limit }) }
}

/** How a page is shown. */
export interface PageView<T> {
  readonly columns: readonly Column[]
  row(item: T): readonly string[]
}

/** Prints the body with --json, otherwise a table and where it goes on. */
export function printPage<T>({ json, output }: CommandRun, page: Page<T>, view: PageView<T>): void {
  if (json) return output.json(page)
  const [titles = '', ...lines] = tableLines(
    view.columns,
    page.items.map((item) => view.row(item)),
  )
  output.line(output.style('bold', titles))
  for (const line of lines) output.line(line)
  if (page.nextCursor === null) return
  output.line(`${page.items.length} of ${page.total}. Next page: add --cursor ${plain(page.nextCursor)}.`)
}

/** Asks for a literal yes, unless --yes was given. */
export async function sure(run: CommandRun, what: string): Promise<void> {
  if (run.input.flag('yes')) return
  const message = `Are you sure you want to ${plain(what)}? (yes/no)`
  await confirm(run.io, { message, expected: 'yes', option: '--yes' })
}
