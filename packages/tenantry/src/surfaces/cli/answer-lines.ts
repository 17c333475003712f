// Answers of one JSON object a line as the command line takes them: with the library's errors.
import { errorCodes, type ErrorCode } from '../../kernel/error-codes.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { readJsonLines } from '../json-lines.ts'

/** Sends one question, and throws the server's errors; the answer is a stream of lines. */
export type OpenLines = (
  path: string,
  body: object,
  signal: AbortSignal | undefined,
) => Promise<ReadableStream<Uint8Array>>

/** The lines, as they come; throws what the last one tells of, and SERVER_UNREACHABLE where it does not come. */
export function answerLines<Line extends object>(stream: ReadableStream<Uint8Array>, signal: AbortSignal | undefined) {
  return readJsonLines<Line>(stream, {
    ...{ signal, cutOff },
    failed: (problem) => {
      const { code, detail } = Object(problem) as { readonly code?: unknown; readonly detail?: unknown }
      return errorFrom(code, detail)
    },
  })
}

export const cutOff = (cause?: unknown): TenantryError =>
  new TenantryError('SERVER_UNREACHABLE', 'The server ended its answer before it was complete.', { cause })

/** The error that a line tells of. */
export function errorFrom(code: unknown, detail: unknown): TenantryError {
  const known = typeof code === 'string' && Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'INTERNAL'
  return new TenantryError(known, typeof detail === 'string' ? detail : 'The server said no more.')
}
