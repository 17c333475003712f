// Reads a JSON body with a limit, without ever holding more than the limit in memory.
import { TenantryError } from '../../kernel/errors.ts'

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json *(?:;|$)/i

export interface ReadJsonOptions {
  readonly limitBytes: number
  /** Whether no body at all is as good as `{}`. */
  readonly optional: boolean
  /** The body, where it was read already. */
  readonly bytes?: Uint8Array | undefined
}

/**
 * The parsed body of a request. UNSUPPORTED_MEDIA_TYPE where it is not JSON, BODY_TOO_LARGE as soon as the limit is
 * passed, INVALID_JSON where it does not parse.
 */
export async function readJson(request: Request, options: ReadJsonOptions): Promise<unknown> {
  const bytes = options.bytes ?? (await readBytes(request, options))
  if (bytes.length === 0 && options.optional) return {}
  if (bytes.length > 0) requireJson(request)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch {
    // The parser's message quotes the body, so it is not kept as the cause.
    throw new TenantryError('INVALID_JSON', bytes.length === 0 ? 'The body is empty.' : 'The body is not valid JSON.')
  }
}

function requireJson(request: Request): void {
  const encoding = request.headers.get('content-encoding') ?? 'identity'
  if (encoding !== 'identity') throw new TenantryError('UNSUPPORTED_MEDIA_TYPE', 'The body is compressed.')
  if (JSON_TYPE.test(request.headers.get('content-type') ?? '')) return
  throw new TenantryError('UNSUPPORTED_MEDIA_TYPE', 'The body is not declared as application/json.')
}

/** The body as it came; BODY_TOO_LARGE as soon as the limit is passed. */
export async function readBytes(request: Request, options: Pick<ReadJsonOptions, 'limitBytes'>): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > options.limitBytes) throw tooLarge(options)
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop cancels the stream, so the rest of an oversized body is never buffered.
  for await (const chunk of streamOf(request)) {
    size += chunk.length
    if (size > options.limitBytes) throw tooLarge(options)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function* streamOf(request: Request): AsyncGenerator<Uint8Array> {
  if (request.body === null) return
  try {
    yield* request.body
  } catch (cause) {
    throw new TenantryError('INVALID_JSON', 'The body ended before it was complete.', { cause })
  }
}

function tooLarge(options: Pick<ReadJsonOptions, 'limitBytes'>): TenantryError {
  return new TenantryError('BODY_TOO_LARGE', `The body is larger than ${options.limitBytes} bytes.`)
}
