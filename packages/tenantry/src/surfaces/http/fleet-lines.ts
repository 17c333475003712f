// The lines of a fleet read. Each is one JSON object; the last one says how it ended, so that a connection that was cut
// is never taken for the end of the rows.
import type { FleetRow, FleetRows } from '../../features/fleet/fleet.ts'
import { isTenantryError, TenantryError } from '../../kernel/errors.ts'
import { problemDetails } from '../../kernel/problem.ts'

const TOGETHER = 64 * 1024

/**
 * The answer as a stream. What is refused before the first row is thrown, so that it can be answered as any error; what
 * goes wrong later is the last line. Cancelling ends the read.
 */
export async function fleetLines(rows: FleetRows, onError: (error: unknown) => void): Promise<ReadableStream> {
  const iterator = rows[Symbol.asyncIterator]()
  const first = await iterator.next().catch((error: unknown) => {
    if (isIncomplete(error)) return 'incomplete' as const
    throw error
  })
  const lines = first === 'incomplete' ? ended(rows) : linesOf(rows, iterator, first)
  return streamOf(lines, onError)
}

const isIncomplete = (error: unknown) => isTenantryError(error, 'FLEET_INCOMPLETE')

async function* linesOf(
  rows: FleetRows,
  iterator: AsyncIterator<FleetRow>,
  first: IteratorResult<FleetRow>,
): AsyncGenerator<string, undefined> {
  try {
    for (let next = first; next.done !== true; next = await iterator.next()) yield lineOf({ row: next.value })
  } catch (error) {
    // Who failed is in the line that ends every answer.
    if (!isIncomplete(error)) throw error
  } finally {
    await iterator.return?.()
  }
  yield* ended(rows)
}

function* ended({ tenants }: FleetRows): Generator<string, undefined> {
  const failed = tenants.failed.map(({ tenantId, error }) => {
    const { code, message } = asTold(error)
    return { tenantId, code, detail: message }
  })
  yield lineOf({ done: true, answered: tenants.answered, failed })
}

function streamOf(lines: Iterable<string> | AsyncGenerator<string>, onError: (error: unknown) => void): ReadableStream {
  const encoder = new TextEncoder()
  const iterator = Symbol.asyncIterator in lines ? lines : asyncOf(lines)
  return new ReadableStream<Uint8Array>({
    // Small lines travel together; what waits here is what one pull has asked for.
    async pull(controller) {
      let text = ''
      try {
        while (text.length < TOGETHER) {
          const next = await iterator.next()
          if (next.done === true) {
            if (text !== '') controller.enqueue(encoder.encode(text))
            controller.close()
            return
          }
          text += next.value
        }
      } catch (error) {
        onError(error)
        controller.enqueue(encoder.encode(text + lineOf({ done: false, problem: problemDetails(asTold(error)) })))
        controller.close()
        return
      }
      controller.enqueue(encoder.encode(text))
    },
    async cancel() {
      await iterator.return(undefined)
    },
  })
}

async function* asyncOf(lines: Iterable<string>): AsyncGenerator<string> {
  yield* lines
}

/** An error that is none of ours stays inside. */
const asTold = (error: unknown): TenantryError =>
  error instanceof TenantryError ? error : new TenantryError('INTERNAL', 'The read failed unexpectedly.')

const lineOf = (line: object): string => `${JSON.stringify(line, printable)}\n`

/** JSON has neither bytes nor numbers that are none: both go as PostgreSQL prints them. */
function printable(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const given = this[key]
  if (given instanceof Uint8Array) return `\\x${Buffer.from(given).toString('hex')}`
  if (typeof given === 'bigint' || (typeof given === 'number' && !Number.isFinite(given))) return String(given)
  return value
}
