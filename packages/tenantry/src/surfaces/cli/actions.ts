// Commands of a noun: the action is their first word. Which words and options an action takes is checked here, so that
// none is dropped without a word.
import { TenantryError } from '../../kernel/errors.ts'
import type { CommandRun } from './command.ts'
import { plain } from './text.ts'

export interface Action<T> {
  readonly act: (run: CommandRun, on: T) => Promise<void>
  /** How many words may follow the action. */
  readonly words: number
  readonly options?: readonly string[]
}

export type Actions<T> = Readonly<Record<string, Action<T>>>

/** The action that the command line names. Throws USAGE for another, and for words and options that are not its own. */
export function actionOf<T>(run: CommandRun, noun: string, actions: Actions<T>): Action<T> {
  const name = run.input.argument(0) ?? ''
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  const names = Object.keys(actions)
  if (action === undefined) {
    throw usage(`${noun} has no such action.`, `Use ${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}.`)
  }
  const fix = `Run \`tenantry help ${noun}\` to see how it is used.`
  const foreign = Object.values(actions)
    .flatMap(({ options = [] }) => options)
    .find((option) => isGiven(run, option) && !action.options?.includes(option))
  if (foreign !== undefined) throw usage(`The option --${foreign} does not belong to ${noun} ${name}.`, fix)
  if (run.input.argument(action.words + 1) !== undefined) throw usage(`There are too many words after ${name}.`, fix)
  return action
}

function isGiven({ input }: CommandRun, option: string): boolean {
  return input.clearable(option) !== undefined || input.flag(option) || input.texts(option).length > 0
}

/** The word at this place after the action. Throws USAGE, saying what is missing. */
export function wordOf(run: CommandRun, place: number, what: string): string {
  const word = run.input.argument(place)
  if (word) return word
  throw usage(`The ${what} is missing.`, 'Give it after the action; the help of the command shows the order.')
}

/** The tenant after the action, or TENANTRY_TENANT. Throws USAGE without either. */
export function tenantAfterAction({ input, io }: CommandRun): string {
  const ref = input.argument(1) ?? io.env['TENANTRY_TENANT']
  if (ref) return ref
  throw usage('No tenant is named.', 'Name it by slug or id after the action.')
}

/** What every list is asked with. */
export function pageQueryOf({ input }: CommandRun) {
  const [search, cursor] = [input.text('search'), input.text('cursor')]
  const limit = input.integer('limit', { least: 1, most: 100 })
  return {
    ...(search !== undefined && { search }),
    ...(cursor !== undefined && { cursor }),
    ...(limit !== undefined && { limit }),
  }
}

/** Says how to get the next page, where there is one. */
export function noteNextPage(
  { output }: CommandRun,
  page: { readonly nextCursor: string | null; total: number },
): void {
  if (page.nextCursor === null) return
  output.line(`There are ${page.total}. Next page: add --cursor ${plain(page.nextCursor)}.`)
}

export function usage(message: string, fix: string): TenantryError {
  return new TenantryError('USAGE', message, { fix })
}
