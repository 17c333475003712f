// Gets the keys of an issuer: one answer of a bounded size in a bounded time, from the very address that was given.
import { TenantryError } from '../../../kernel/errors.ts'

const LARGEST = 512 * 1024

export interface KeyDocument {
  readonly keys: Record<string, unknown>[]
}

/** Throws KEYS_UNAVAILABLE, whatever was wrong. */
export async function fetchKeys(url: string, timeoutMs: number): Promise<KeyDocument> {
  try {
    // The time bounds the body, too. A redirect would move the trust in an address to another one.
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await fetch(url, { redirect: 'error', signal, headers: { accept: 'application/json' } })
    if (!response.ok) throw new Error(`the answer has the status ${response.status}`)
    return keyDocument(JSON.parse(await textOf(response)))
  } catch (cause) {
    throw new TenantryError('KEYS_UNAVAILABLE', 'The keys of the issuer of tokens cannot be had.', { cause })
  }
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop ends the connection, too.
  for await (const chunk of body === null ? [] : (body as AsyncIterable<Uint8Array>)) {
    size += chunk.byteLength
    if (size > LARGEST) throw new Error(`the answer is larger than ${LARGEST} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function keyDocument(value: unknown): KeyDocument {
  const keys: unknown = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : undefined
  if (Array.isArray(keys) && keys.length > 0 && keys.every((key) => typeof key === 'object' && key !== null)) {
    return { keys: keys as Record<string, unknown>[] }
  }
  throw new Error('the answer is no set of keys')
}
