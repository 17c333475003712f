// scope.copyFrom(): feeds a source of bytes to a COPY. The one place that knows pg-copy-streams, which is loaded when
// it is needed: most applications never load rows this way.
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { TenantryError } from '../../kernel/errors.ts'
import { quoteLiteral } from '../../kernel/identifiers.ts'
import { type CheckedOutClient, ToldError } from './checked-out-client.ts'
import { copyIn } from './copy-in.ts'
import { sqlStateOf } from './database-errors.ts'
import type { Submittable } from './pg.ts'

/** What PostgreSQL's COPY reads: bytes or text in the format that the options name. */
export type CopySource = Readable | AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>

export interface CopyOptions {
  /** The columns that the rows hold, in order; default: all but generated ones and the tenant's own. */
  readonly columns?: readonly string[]
  /** Default `text`. */
  readonly format?: 'text' | 'csv' | 'binary'
  /** The first line names the columns and is skipped; csv and text. */
  readonly header?: boolean
  readonly delimiter?: string
  /** The text that stands for null. */
  readonly null?: string
}

export interface CopyResult {
  /** Rows that were inserted. */
  readonly rowCount: number
}

type CopyStream = Writable & Submittable
type Load = (client: CheckedOutClient, source: CopySource) => Promise<number>

/** Checks what can be checked before a client is taken, and returns the load itself. */
export async function prepareLoad(table: string, options: CopyOptions): Promise<Load> {
  const from = await copyStreams()
  const target = { table, columns: options.columns, options: optionsText(options), every: false }
  return async (client, source) => {
    const stream = from('')
    const copied = copyIn(client, stream, target)
    copied.catch((error: unknown) => {
      // Ends the pipeline as well, whose stream would wait for a server that never heard of it.
      if (!(error instanceof ToldError)) stream.handleError(error as Error, { stream: undefined } as never)
    })
    const [loaded, fed] = await Promise.allSettled([copied, pipeline(source, stream)])
    if (fed.status === 'rejected') throw named(fed.reason)
    if (loaded.status === 'rejected') throw named(loaded.reason)
    return loaded.value
  }
}

async function copyStreams(): Promise<(text: string) => CopyStream> {
  try {
    const { from } = await import('pg-copy-streams')
    // Its types know pg's own Submittable, which leaves the text out.
    return from as unknown as (text: string) => CopyStream
  } catch (cause) {
    throw new TenantryError('CONFIGURATION_INVALID', 'scope.copyFrom() needs the package pg-copy-streams.', {
      cause,
      fix: 'Run: npm install pg-copy-streams',
    })
  }
}

function optionsText({ format = 'text', header, delimiter, null: nothing }: CopyOptions): string {
  const parts = [`format ${oneOf(format)}`]
  if (header !== undefined) parts.push(`header ${header ? 'true' : 'false'}`)
  if (delimiter !== undefined) parts.push(`delimiter ${quoteLiteral(delimiter)}`)
  if (nothing !== undefined) parts.push(`null ${quoteLiteral(nothing)}`)
  return ` with (${parts.join(', ')})`
}

function oneOf(format: string): string {
  if (format === 'text' || format === 'csv' || format === 'binary') return format
  throw new TenantryError('INVALID_INPUT', 'The format of copyFrom() is text, csv or binary.')
}

function named(error: unknown): unknown {
  const cause = error instanceof ToldError ? error.cause : error
  if (sqlStateOf(cause) !== '42P01') return cause
  return new TenantryError('TABLE_NOT_FOUND', 'The table to load does not exist in this tenant.', { cause })
}
