// Answers of one JSON object a line, the last of which says how they ended.
import { errorCodes, type ErrorCode } from '../../kernel/error-codes.ts'
import { TenantryError } from '../../kernel/errors.ts'

/** Sends one question, and throws the server's errors; the answer is a stream of lines. */
export type OpenLines = (path: string, body: object, signal: AbortSignal | undefined) => Promise<ReadableStream>

/** The lines, as they come; leaving the loop cancels the stream, and with it the work on the server. */
export async function* linesIn<Line>(stream: ReadableStream): AsyncGenerator<Line, undefined> {
  let rest = ''
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    // By the API's own contract, which is tested there.
    for (const line of lines) yield JSON.parse(line) as Line
  }
}

/** The error that a line tells of. */
export function errorFrom(code: unknown, detail: unknown): TenantryError {
  const known = typeof code === 'string' && Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'INTERNAL'
  return new TenantryError(known, typeof detail === 'string' ? detail : 'The server said no more.')
}

/** The stream ended without the line that says how. */
export const cutOff = (): TenantryError =>
  new TenantryError('SERVER_UNREACHABLE', 'The server ended its answer before it was complete.')
