// Commands of a noun: the action is their first word. Which words and options an action takes is checked here, so that
// none is dropped without a word.
import { TenantryError } from '../../kernel/errors.ts'
import type { CommandRun } from './command.ts'
import { plain } from './text.ts'

export interface Action<T, R = void> {
  readonly act: (run: CommandRun, on: T) => Promise<R>
  /** What must be named after the action, in this order; or how many words may follow it. */
  readonly words: readonly string[] | number
  /** Its options, by their names in the input. */
  readonly options?: readonly string[]
}

export type Actions<T, R = void> = Readonly<Record<string, Action<T, R>>>

/** The action that the command line names, with all its words. Throws USAGE for another, and for what is not its own. */
export function actionOf<T, R>(run: CommandRun, noun: string, actions: Actions<T, R>): Action<T, R> {
  const name = run.input.argument(0) ?? ''
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  const names = Object.keys(actions)
  if (action === undefined) {
    throw usage(`${noun} has no such action.`, `Use ${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}.`)
  }
  const fix = `Run \`tenantry help ${noun}\` to see how it is used.`
  refuseForeignOption(run, { actions, action, name: `${noun} ${name}`, fix })
  const { words } = action
  const missing = typeof words === 'number' ? undefined : words.find((_, index) => !run.input.argument(index + 1))
  if (missing !== undefined) throw usage(`The ${missing} is missing.`, fix)
  const most = typeof words === 'number' ? words : words.length
  if (run.input.argument(most + 1) !== undefined) throw usage(`There are too many words after ${name}.`, fix)
  return action
}

interface Chosen<T, R> {
  readonly actions: Actions<T, R>
  readonly action: Action<T, R>
  readonly name: string
  readonly fix: string
}

function refuseForeignOption<T, R>(run: CommandRun, { actions, action, name, fix }: Chosen<T, R>): void {
  const foreign = Object.values(actions)
    .flatMap(({ options = [] }) => options)
    .find((option) => isGiven(run, option) && action.options?.includes(option) !== true)
  if (foreign === undefined) return
  const flag = foreign.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw usage(`The option --${flag} does not belong to ${name}.`, fix)
}

function isGiven({ input }: CommandRun, option: string): boolean {
  return (
    input.clearable(option) !== undefined ||
    input.flag(option) ||
    input.denied(option) ||
    input.texts(option).length > 0
  )
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
