// Keys that make a repeated write the same write.

/**
 * A new value for `idempotencyKey`: 128 random bits. Make it once for what the user asked for, and send the same with
 * every repetition.
 *
 * @example
 * ```ts
 * import { createClient, newIdempotencyKey } from 'tenantry/client'
 *
 * const client = createClient({ baseUrl: 'http://127.0.0.1:3000', key: process.env.TENANTRY_KEY ?? '' })
 * const idempotencyKey = newIdempotencyKey()
 * await client.createTenant({ body: { name: 'ACME Corp' }, idempotencyKey })
 * ```
 */
export function newIdempotencyKey(): string {
  // randomUUID is there in secure contexts only; this is everywhere.
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
