// Answers that come line by line: items as the loop asks for them, and at the end how it went.
import { readJsonLines } from '../json-lines.ts'
import { errorOfAnswer, TenantryClientError, unreachable } from './client-error.ts'

/**
 * An answer that is read as it comes. The call goes out when a loop begins, and anew with each loop. Leaving the loop,
 * and an aborted `signal`, end the work on the server.
 */
export interface Lines<Item, End> extends AsyncIterable<Item> {
  /** How it ended; undefined until the loop has come to its end, or where the loop was left. */
  readonly end: End | undefined
}

/** Sends the call; resolves with an answer that is no failure. */
type Open = () => Promise<Response>

type Line = Readonly<Record<string, unknown>>

export class ServerLines implements Lines<unknown, Line> {
  end: Line | undefined
  readonly #open: Open
  readonly #signal: AbortSignal | undefined

  constructor(open: Open, signal: AbortSignal | undefined) {
    this.#open = open
    this.#signal = signal
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, undefined> {
    this.end = undefined
    const response = await this.#open()
    for await (const line of linesOf(response, this.#signal)) {
      if (!('done' in line)) {
        // A line that is no end holds one item, under its own name.
        yield* Object.values(line)
        continue
      }
      this.end = Object.fromEntries(Object.entries(line).filter(([name]) => name !== 'done'))
      throwIncomplete(line)
    }
  }
}

function linesOf(response: Response, signal: AbortSignal | undefined): AsyncIterable<Line> {
  const cutOff = (cause?: unknown) => unreachable('ended its answer before it was complete', 0, cause)
  if (response.body === null) throw cutOff()
  const requestId = response.headers.get('x-request-id') ?? undefined
  const failed = (problem: unknown) => errorOfAnswer({ requestId, ...Object(problem) }, response)
  return readJsonLines<Line>(response.body, { signal, failed, cutOff })
}

/** What some tenants did not answer is never passed off as whole. */
function throwIncomplete({ answered, failed }: Line): void {
  if (typeof answered !== 'number' || !Array.isArray(failed) || failed.length === 0) return
  throw new TenantryClientError('FLEET_INCOMPLETE', {
    ...{ status: 500, retryable: true },
    detail: `${failed.length} of ${answered + failed.length} tenants did not answer: the rows are not all.`,
    fix: 'Look at the tenants that failed; the rows of the others are true.',
  })
}
