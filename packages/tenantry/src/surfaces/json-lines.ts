// Reads answers of one JSON object a line, the last of which says how they ended. Runs in browsers, too: it asks for
// nothing but web streams, by their readers, since not every browser iterates over a stream.

interface LineReading {
  /** The error of the problem that the last line tells of. */
  readonly failed: (problem: unknown) => Error
  /** The error of an answer that was broken off, or that is none. */
  readonly cutOff: (cause?: unknown) => Error
  readonly signal?: AbortSignal | undefined
}

type Failed = { readonly done: false; readonly problem: unknown }

/**
 * The lines, as they come, the one with `done: true` last; throws where it does not come. Leaving the loop cancels the
 * stream, and with it the work on the server.
 */
export async function* readJsonLines<Line extends object>(
  stream: ReadableStream<Uint8Array>,
  reading: LineReading,
): AsyncGenerator<Exclude<Line, Failed>, undefined> {
  for await (const text of textLines(stream, reading)) {
    const line = objectOf(text, reading)
    if (line['done'] === false) throw reading.failed(line['problem'])
    // By the API's own contract, which is tested there.
    yield line as Exclude<Line, Failed>
    if (line['done'] === true) return
  }
  throw reading.cutOff()
}

async function* textLines(
  stream: ReadableStream<Uint8Array>,
  { cutOff, signal }: LineReading,
): AsyncGenerator<string, undefined> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        signal?.throwIfAborted()
        throw cutOff(cause)
      })
      if (done) return
      const lines = `${rest}${decoder.decode(value, { stream: true })}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        signal?.throwIfAborted()
        yield line
      }
    }
  } finally {
    // A stream that is broken already has nothing to cancel.
    await reader.cancel().catch(() => {})
  }
}

function objectOf(text: string, { cutOff }: LineReading): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw cutOff(cause)
  }
  if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  throw cutOff()
}
