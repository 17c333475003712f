// config: which settings are in force here, where they come from, and which variables there are.
import { TenantryError } from '../../../kernel/errors.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { tableLines } from '../output.ts'
import { plain } from '../text.ts'

export const configCommand: CommandSpec = {
  name: 'config',
  group: 'Start:',
  summary: 'Show the settings that are in force here, and where they come from.',
  notes: [
    'Reads tenantry.config.ts (or .mts, .js, .mjs) or tenantry.yaml in the working directory, or the file that',
    'TENANTRY_CONFIG names; environment variables override it. Commands that open a database use the same settings.',
  ],
  arguments: [['[what]', '`show` (default), or `env` for the list of environment variables']],
  examples: [
    { line: 'config', explains: 'the settings in force' },
    { line: 'config env', explains: 'every environment variable with its meaning' },
  ],
  exits: { 5: 'a file that cannot be read, or a value that is not valid' },
  environment: [['TENANTRY_CONFIG', 'configuration file of another name or place']],
  async run(run) {
    const what = run.input.argument(0) ?? 'show'
    if (what === 'env') return listVariables(run)
    if (what === 'show') return show(run)
    throw new TenantryError('USAGE', 'There is no such view of the configuration.', { fix: 'Use show or env.' })
  },
}

async function show(run: CommandRun): Promise<undefined> {
  const { settings, file, overriddenBy, unknownVariables } = await run.composition.readConfig()
  const shown = shownSettings(settings)
  if (run.json) {
    run.output.json({ file: file ?? null, overriddenBy, unknownVariables, settings: shown })
    return undefined
  }
  run.output.line(`File: ${file === undefined ? 'none' : plain(file)}`)
  run.output.line(`Overridden by: ${overriddenBy.length === 0 ? 'nothing' : overriddenBy.join(', ')}`)
  for (const [key, value] of flat(shown)) run.output.line(`${plain(key)} = ${plain(value)}`)
  for (const name of unknownVariables)
    run.output.note(`! ${plain(name)} means nothing; \`tenantry config env\` lists what does.`)
  return undefined
}

const URLS: ReadonlySet<string> = new Set(['adminUrl', 'databaseUrl', 'serverUrl'])
const SECRETS: ReadonlySet<string> = new Set(['secret', 'keys'])

/** The settings as they may be shown: what code gave by its kind, URLs without user and password. */
function shownSettings(value: unknown, key = ''): unknown {
  if (typeof value === 'function') return '(code)'
  if (SECRETS.has(key) && value !== undefined) return '(set)'
  if (typeof value === 'string') return URLS.has(key) ? withoutPassword(value) : value
  if (Array.isArray(value)) return value.map((item) => shownSettings(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([name, inner]) => [name, shownSettings(inner, name)]),
  )
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return '(set)'
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}

/** One line a value: `resolution.headerName`. */
function flat(value: unknown, path = ''): readonly (readonly [string, string])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]]
  }
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, path === '' ? key : `${path}.${key}`))
}

async function listVariables(run: CommandRun): Promise<undefined> {
  const { configVariables, routingVariables } = await import('../../config/environment.ts')
  const rows = [...configVariables, ...routingVariables].map((each) => ({
    name: each.name,
    key: 'path' in each ? each.path : 'resolution.resolvers',
    meaning: each.meaning,
  }))
  if (run.json) {
    run.output.json({ items: rows })
    return undefined
  }
  const columns = [{ title: 'VARIABLE', width: 31 }, { title: 'KEY', width: 31 }, { title: 'MEANING' }]
  for (const line of tableLines(
    columns,
    rows.map(({ name, key, meaning }) => [name, key, meaning]),
  ))
    run.output.line(line)
  return undefined
}
