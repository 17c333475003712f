// Reads the argument forms of pg's query(): text or config, optional values, optional callback.
import { TenantryError } from '../../kernel/errors.ts'
import type { QueryConfig, QueryResult, Submittable } from './pg.ts'

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
  if (isSubmittable(first)) {
    throw new TenantryError('STATEMENT_REFUSED', 'A cursor or stream was given to a query of the pool or of a scope.', {
      fix: 'Check a client out with pool.connect() and give it to client.query(); loads: scope.copyFrom().',
    })
  }
  if (!('text' in first) || typeof first.text !== 'string') {
    throw new TenantryError('INVALID_INPUT', 'A query config needs a text.')
  }
  const config = first as TenantQueryConfig
  return { config: Array.isArray(second) ? { ...config, values: second } : config, callback }
}

/** Whether the value is a query object that sends itself, such as a cursor or a COPY stream. */
export function isSubmittable(value: unknown): value is Submittable {
  return typeof value === 'object' && value !== null && 'submit' in value && typeof value.submit === 'function'
}

/** What a query object will send. STATEMENT_REFUSED where it does not say: nothing is sent unread. */
export function textOfSubmittable({ text, cursor }: Submittable): string {
  const said = text ?? cursor?.text
  if (typeof said === 'string') return said
  throw new TenantryError('STATEMENT_REFUSED', 'A query object without a text was given to query().', {
    fix: 'Use pg-cursor, pg-query-stream or pg-copy-streams, or send the statement as text.',
  })
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
