// What is asked for, checked before anything is read. Pure.
import { readStatement } from '../../engine/sql/statement.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { TenantFilter } from '../../tenants/for-each.ts'
import type { FleetMerge, FleetQueryOptions } from './fleet.ts'

export interface FleetRequest {
  readonly reason: string
  readonly sql: string
  readonly values: readonly unknown[]
  readonly filter: TenantFilter
  readonly merge: FleetMerge
  readonly concurrency: number
  readonly actor: string
  readonly signal: AbortSignal | undefined
}

const DEFAULT_CONCURRENCY = 4
/** As many connections as fleet reads may have at a time. */
export const MAX_CONCURRENCY = 16
const READING = new Set(['select', 'values', 'table', 'with'])

/** Throws REASON_REQUIRED, STATEMENT_REFUSED and INVALID_INPUT. */
export function fleetRequest(reason: string, sql: string, options: FleetQueryOptions): FleetRequest {
  if (typeof reason !== 'string' || reason.trim() === '') {
    throw new TenantryError('REASON_REQUIRED', 'fleet.query was called without a reason.')
  }
  refuseOtherThanReading(sql)
  const { values = [], filter = {}, merge = {}, concurrency = DEFAULT_CONCURRENCY, actor = 'library' } = options
  if (!Array.isArray(values)) throw invalid('values', '"values" must be a list.')
  refuseFilter(filter)
  refuseMerge(merge)
  if (!isCount(concurrency) || concurrency > MAX_CONCURRENCY) {
    throw invalid('concurrency', `"concurrency" must be a whole number from 1 to ${MAX_CONCURRENCY}.`)
  }
  return { reason: reason.trim(), sql, values, filter, merge, concurrency, actor, signal: options.signal }
}

/** What writes is refused by the read-only transaction and the cursor; this says so before anything is begun. */
function refuseOtherThanReading(sql: string): void {
  if (typeof sql !== 'string') throw invalid('sql', '"sql" must be a text.')
  const { keyword, isEmpty } = readStatement(sql)
  if (isEmpty) throw invalid('sql', '"sql" is empty.')
  if (READING.has(keyword) || (keyword === '' && sql.trimStart().startsWith('('))) return
  throw new TenantryError('STATEMENT_REFUSED', 'Only a statement that reads rows can be sent to the whole fleet.', {
    fix: 'Send one SELECT, VALUES, TABLE or WITH statement.',
  })
}

function refuseFilter({ plan, isolation }: TenantFilter): void {
  if (plan !== undefined && typeof plan !== 'string') throw invalid('filter.plan', '"plan" must be a text.')
  if (isolation !== undefined && !['row', 'schema'].includes(isolation)) {
    throw invalid('filter.isolation', '"isolation" must be row or schema.')
  }
}

function refuseMerge({ sum = [], order = [], limit }: FleetMerge): void {
  for (const [field, names] of Object.entries({ sum, order })) {
    const isListed = Array.isArray(names) && names.every((name) => typeof name === 'string' && !/^-?$/.test(name))
    if (!isListed) throw invalid(`merge.${field}`, `"${field}" must be a list of column names.`)
  }
  if (limit !== undefined && !isCount(limit)) throw invalid('merge.limit', '"limit" must be a whole number from 1.')
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1

const invalid = (field: string, message: string) => new TenantryError('INVALID_INPUT', message, { field })
