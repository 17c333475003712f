// What the commands of organizations and teams share: their words, pages, and questions.
import type { Page } from '../../../tenants/tenant.ts'
import type { CommandRun, OptionSpec } from '../command.ts'
import { confirm } from '../confirm.ts'
import { type Column, tableLines } from '../output.ts'
import { plain } from '../text.ts'

export const pageOptions: readonly OptionSpec[] = [
  { flags: '--search <text>', description: 'lists: part of slug or name, of user id or e-mail address' },
  { flags: '--limit <n>', description: 'lists: items a page, 1 to 100, default 20' },
  { flags: '--cursor <cursor>', description: 'lists: where the page before has ended' },
]
export const pageOptionNames = ['search', 'limit', 'cursor']

/** The last word of actions on members and tenants. */
export const whatArgument = ['[what]', 'the id of the user, or slug or id of the tenant'] as const

export const groupExits = {
  3: 'no such organization, team, tenant or member',
  4: 'what is there does not allow it',
  5: 'no target',
  130: 'interrupted at the question; nothing was done',
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
