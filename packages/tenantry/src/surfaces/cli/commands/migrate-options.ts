// The options of a run of migrations, read from the command line: shares, times, tenants.
import type { FleetSelection, MigrateOptions } from '../../../features/migrations/fleet.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { durationOf, type Input, type OptionSpec } from '../command.ts'

export const selectionOptions: readonly OptionSpec[] = [
  { flags: '--tenant <tenant...>', description: 'only these, by slug or id; may be given several times' },
  { flags: '--filter <what...>', description: 'only those of plan=<plan> or isolation=<row or schema>' },
]

export const runOptions: readonly OptionSpec[] = [
  { flags: '--dry-run', description: 'say what would be done, and do nothing' },
  {
    flags: '--canary <tenants>',
    description: 'these go first, separated by commas; the rest when all of them are done',
  },
  { flags: '--waves <shares>', description: 'what each wave brings the fleet to, such as 1%,10%,100%' },
  { flags: '--pause <time>', description: 'between waves, such as 30s or 10m' },
  { flags: '--connections <n>', description: 'how many at a time; default: 4' },
  { flags: '--batch-size <n>', description: 'tenants a transaction at most; default: 50' },
  { flags: '--max-failures <share>', description: 'stop when more than this share has failed; default: 10%' },
  { flags: '--lock-timeout <time>', description: 'how long a statement waits for a lock, such as 500ms; default: 2s' },
]

export const runOptionNames = [
  ...['dryRun', 'canary', 'waves', 'pause', 'connections', 'batchSize', 'maxFailures', 'lockTimeout'],
  ...['tenant', 'filter'],
]

/** Throws INVALID_INPUT for a filter that is none. */
export function readSelection(input: Input): FleetSelection {
  const tenants = input.texts('tenant')
  const filter = input.texts('filter').map(filterOf)
  return {
    ...(tenants.length > 0 && { tenants }),
    ...(filter.length > 0 && { filter: Object.assign({}, ...filter) as FleetSelection['filter'] }),
  }
}

/** `plan=pro` and `isolation=schema`. Throws INVALID_INPUT. */
export function filterOf(text: string): { readonly plan: string } | { readonly isolation: 'row' | 'schema' } {
  const [, name, value = ''] = /^(plan|isolation)=(.+)$/.exec(text) ?? []
  if (name === 'plan') return { plan: value }
  if (name === 'isolation' && (value === 'row' || value === 'schema')) return { isolation: value }
  throw invalid('filter', 'is no filter', 'Give plan=<plan>, isolation=row or isolation=schema.')
}

/** Throws INVALID_INPUT for what is no number, time or share. */
export function readRunOptions(input: Input): MigrateOptions {
  const canary = listOf(input.text('canary'))
  const waves = listOf(input.text('waves')).map((each) => shareOf('waves', each))
  const maxFailures = input.text('maxFailures')
  return defined({
    ...readSelection(input),
    dryRun: input.flag('dryRun') || undefined,
    canary: canary.length > 0 ? canary : undefined,
    waves: waves.length > 0 ? waves : undefined,
    pauseMs: durationOf('pause', input.text('pause')),
    connections: input.integer('connections', { least: 1, most: 1_000 }),
    batchSize: input.integer('batchSize', { least: 1, most: 1_000 }),
    maxFailureRatio: maxFailures === undefined ? undefined : shareOf('max-failures', maxFailures, 0),
    lockTimeoutMs: readLockTimeout(input.text('lockTimeout')),
  })
}

/** Without what is undefined: it goes over HTTP, and into options whose defaults stand for what is absent. */
const defined = <T extends object>(given: T): T =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T

const listOf = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')

/** 10% or 0.1. */
function shareOf(name: string, text: string, least = Number.MIN_VALUE): number {
  const [, number = '', percent] = /^(\d{1,3}(?:\.\d{1,6})?)(%)?$/.exec(text) ?? []
  const share = number === '' ? Number.NaN : Number(number) / (percent === undefined ? 1 : 100)
  if (share >= least && share <= 1) return share
  throw invalid(name, 'is no share', 'Give it as 10% or 0.1, at most 100%.')
}

/** How long a statement waits for a lock: `500ms`, `2s`. */
export const readLockTimeout = (text: string | undefined): number | undefined =>
  millisecondsOf('lock-timeout', text, 3_600_000)

/** A time that may also be in milliseconds. Throws INVALID_INPUT. */
export function millisecondsOf(name: string, text: string | undefined, mostMs: number): number | undefined {
  const ms = Number(/^([1-9]\d{0,6})ms$/.exec(text ?? '')?.[1] ?? Number.NaN)
  return ms <= mostMs ? ms : durationOf(name, text, mostMs)
}

function invalid(name: string, what: string, fix: string): TenantryError {
  return new TenantryError('INVALID_INPUT', `--${name} ${what}.`, { field: name, fix })
}
