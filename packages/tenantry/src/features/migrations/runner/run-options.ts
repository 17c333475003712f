// What a run was asked for, checked, with its defaults. Pure.
import { TenantryError } from '../../../kernel/errors.ts'
import type { MigrateOptions } from '../fleet.ts'

/** The numbers of a run. */
export interface RunNumbers {
  readonly waves: readonly number[]
  readonly pauseMs: number
  readonly connections: number
  readonly batchSize: number
  readonly maxFailureRatio: number
  readonly lockTimeoutMs: number
  readonly lockRetries: number
}

const MAX_CONNECTIONS = 64

/** Throws INVALID_INPUT for a number that is none of its kind. */
export function checkNumbers(options: MigrateOptions): RunNumbers {
  return {
    waves: checkWaves(options.waves ?? [1]),
    pauseMs: whole(options, 'pauseMs', { least: 0, fallback: 0 }),
    connections: whole(options, 'connections', { least: 1, most: MAX_CONNECTIONS, fallback: 4 }),
    batchSize: whole(options, 'batchSize', { least: 1, fallback: 50 }),
    maxFailureRatio: ratio(options.maxFailureRatio ?? 0.1, 'maxFailureRatio', 0),
    lockTimeoutMs: whole(options, 'lockTimeoutMs', { least: 1, fallback: 2_000 }),
    lockRetries: whole(options, 'lockRetries', { least: 0, fallback: 5 }),
  }
}

interface Range {
  readonly least: number
  readonly most?: number
  readonly fallback: number
}

type Whole = 'pauseMs' | 'connections' | 'batchSize' | 'lockTimeoutMs' | 'lockRetries'

const LARGEST = 2_147_483_647

function whole(options: MigrateOptions, field: Whole, { least, most = LARGEST, fallback }: Range): number {
  const value = options[field] ?? fallback
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw invalid(field, `must be a whole number from ${least} to ${most}`)
}

function ratio(value: number, field: string, least: number): number {
  if (typeof value === 'number' && value >= least && value <= 1) return value
  throw invalid(field, `must be a number from ${least} to 1`)
}

function checkWaves(waves: readonly number[]): readonly number[] {
  if (waves.length === 0) throw invalid('waves', 'must name one wave at least')
  for (const [at, share] of waves.entries()) {
    ratio(share, 'waves', Number.MIN_VALUE)
    if (share <= (waves[at - 1] ?? 0)) throw invalid('waves', 'must grow')
  }
  return waves
}

function invalid(field: string, what: string): TenantryError {
  return new TenantryError('INVALID_INPUT', `"${field}" ${what}.`, { field })
}
