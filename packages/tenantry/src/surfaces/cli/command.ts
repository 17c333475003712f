// What a command is: its words, its options, its examples, and what it does. Help, parsing and the tests all read
// this one description.
import { TenantryError } from '../../kernel/errors.ts'
import type { Composition } from './composition.ts'
import type { CliIo } from './io.ts'
import type { Output } from './output.ts'
import type { TargetSettings } from './target.ts'

export type CommandGroup = 'Start:' | 'Tenants:' | 'Lifecycle:' | 'Data:'

export interface OptionSpec {
  /** As commander reads it: `--slug <slug>`. */
  readonly flags: string
  readonly description: string
  readonly choices?: readonly string[]
}

export interface Example {
  /** The command line, as it is typed after `tenantry `. */
  readonly line: string
  readonly explains: string
}

export interface CommandSpec {
  readonly name: string
  readonly group: CommandGroup
  /** One sentence. */
  readonly summary: string
  /** More than the summary, where there is more to know. */
  readonly notes?: readonly string[]
  readonly arguments?: readonly (readonly [name: string, description: string])[]
  readonly options?: readonly OptionSpec[]
  readonly examples: readonly Example[]
  /** What its exit codes mean here, beside 0 and 2, which are the same everywhere. */
  readonly exits?: Readonly<Partial<Record<1 | 3 | 4 | 5 | 130, string>>>
  /** Environment variables that matter to it, beside those of the target. */
  readonly environment?: readonly (readonly [name: string, description: string])[]
  /** Does the work; resolves with an exit code where it is not 0. */
  run(run: CommandRun): Promise<number | undefined>
}

/** One call of a command. */
export interface CommandRun {
  readonly io: CliIo
  readonly output: Output
  readonly composition: Composition
  readonly input: Input
  readonly target: TargetSettings
  /** `--json`: the answer is the body of the HTTP API and nothing else. */
  readonly json: boolean
}

/** The parsed words of a command line, read by name and checked on the way out. */
export interface Input {
  argument(index: number): string | undefined
  flag(name: string): boolean
  /** Whether the `--no-` form was given. */
  denied(name: string): boolean
  text(name: string): string | undefined
  /** A text option that may be given several times. */
  texts(name: string): readonly string[]
  /** A text option with a `--no-` form, which reads as null. */
  clearable(name: string): string | null | undefined
  /** Throws INVALID_INPUT where it is not a whole number of the range. */
  integer(name: string, range: { readonly least: number; readonly most: number }): number | undefined
  /** Throws INVALID_JSON where it is not a JSON object. */
  jsonObject(name: string): Readonly<Record<string, unknown>> | undefined
}

/** The words of a command line as commander left them. */
export function inputOf(args: readonly unknown[], options: Readonly<Record<string, unknown>>): Input {
  const text = (name: string): string | undefined => {
    const value = options[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    argument: (index) => {
      const value = args[index]
      return typeof value === 'string' ? value : undefined
    },
    flag: (name) => options[name] === true,
    denied: (name) => options[name] === false,
    text,
    texts: (name) => {
      const value = options[name]
      return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
    },
    clearable: (name) => (options[name] === false ? null : text(name)),
    integer: (name, range) => integerOf(name, text(name), range),
    jsonObject: (name) => jsonObjectOf(name, text(name)),
  }
}

function integerOf(
  name: string,
  value: string | undefined,
  range: { least: number; most: number },
): number | undefined {
  if (value === undefined) return undefined
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
  if (number >= range.least && number <= range.most) return number
  const message = `--${name} is not a whole number from ${range.least} to ${range.most}.`
  throw new TenantryError('INVALID_INPUT', message, { field: name, fix: `Give --${name} such a number.` })
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time like 30m or 1h in milliseconds, at most what a timer can hold. Throws INVALID_INPUT where it is none. */
export function durationOf(name: string, value: string | undefined, mostMs = LONGEST_TIMER_MS): number | undefined {
  if (value === undefined) return undefined
  const [, amount = '', unit = ''] = /^([1-9]\d{0,5})([smhd])$/.exec(value) ?? []
  const milliseconds = Number(amount) * (UNITS[unit] ?? 0)
  if (milliseconds > 0 && milliseconds <= mostMs) return milliseconds
  throw new TenantryError('INVALID_INPUT', `--${name} is not a time.`, {
    field: name,
    fix: `Give --${name} a number and a unit, like 30m, 1h or 1d.`,
  })
}

// What a timer of Node.js can hold.
const LONGEST_TIMER_MS = 2_147_483_647

function jsonObjectOf(name: string, value: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (value === undefined) return undefined
  const fix = `Give --${name} one JSON object in single quotes, like '{"theme":"dark"}'.`
  let parsed: unknown
  try {
    parsed = JSON.parse(value)
  } catch {
    // The parser's own message quotes the value, so it is not kept as a cause.
    throw new TenantryError('INVALID_JSON', `--${name} is not valid JSON.`, { field: name, fix })
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed }
  throw new TenantryError('INVALID_JSON', `--${name} is not a JSON object.`, { field: name, fix })
}

/** The tenant a command names: its argument, or TENANTRY_TENANT. Throws USAGE without either. */
export function tenantOf(run: Pick<CommandRun, 'input' | 'io'>): string {
  const ref = run.input.argument(0) ?? run.io.env['TENANTRY_TENANT']
  if (ref) return ref
  throw new TenantryError('USAGE', 'No tenant is named.', {
    fix: 'Name it by slug or id after the command, or set TENANTRY_TENANT.',
  })
}

export const tenantArgument = ['[tenant]', 'slug or id; TENANTRY_TENANT where it is left out'] as const
