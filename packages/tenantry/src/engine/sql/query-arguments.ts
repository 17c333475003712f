// Reads the argument forms of pg's query(): text or config, optional values, optional callback.
import { TenantryError } from '../../kernel/errors.ts'
import type { QueryConfig, QueryResult } from './pg.ts'

/** A query config as pg takes it, with the timeout that its types leave out. */
export interface TenantQueryConfig extends QueryConfig {
  /** Milliseconds; sent as the server's statement_timeout. */
  readonly query_timeout?: number
}

export type ResultCallback = (error: Error | undefined, result?: QueryResult) => void

export interface QueryArguments {
  readonly config: TenantQueryConfig
  readonly callback: ResultCallback | undefined
}

export function readQueryArguments(args: readonly unknown[]): QueryArguments {
  const [first, second] = args
  const callback = args.find((arg): arg is ResultCallback => typeof arg === 'function')
  if (typeof first === 'string') {
    return { config: Array.isArray(second) ? { text: first, values: second } : { text: first }, callback }
  }
  if (typeof first !== 'object' || first === null) {
    throw new TenantryError('INVALID_INPUT', 'query() needs a text or a query config.')
  }
  if ('submit' in first && typeof first.submit === 'function') {
    throw new TenantryError('STATEMENT_REFUSED', 'Query objects that send themselves carry no tenant and are refused.')
  }
  if (!('text' in first) || typeof first.text !== 'string') {
    throw new TenantryError('INVALID_INPUT', 'A query config needs a text.')
  }
  const config = first as TenantQueryConfig
  return { config: Array.isArray(second) ? { ...config, values: second } : config, callback }
}

/** Hands a promise's outcome to a callback where there is one, as pg does. */
export function answer(
  promise: Promise<QueryResult>,
  callback: ResultCallback | undefined,
): Promise<QueryResult> | undefined {
  if (!callback) return promise
  promise.then(
    (result) => process.nextTick(callback, undefined, result),
    (error: unknown) => process.nextTick(callback, error),
  )
  return undefined
}
