// Signs the context that the database verifies (docs/context-token.md). The layout is fixed, so that the verifier
// reads it by offset:
//   <64 hex HMAC-SHA256 of the rest>.<4 hex key id>.<36 tenant uuid>.<10 digits expiry>.<hex user>.<hex role>
import { createHmac } from 'node:crypto'

/** A secret that signs contexts; the database holds the same one. */
export interface SigningKey {
  /** Four hex digits. */
  readonly id: string
  readonly secret: Buffer
}

/** Who acts, beside the tenant. */
export interface Claims {
  readonly userId?: string
  readonly role?: string
}

export interface ContextClaims extends Claims {
  readonly tenantId: string
  /** Unix time in whole seconds, by the database's clock. */
  readonly expiresAt: number
}

const hex = (text: string | undefined) => Buffer.from(text ?? '', 'utf8').toString('hex')

/** The signed token for these claims. */
export function signContext(key: SigningKey, claims: ContextClaims): string {
  const expiry = String(claims.expiresAt).padStart(10, '0')
  const body = `${key.id}.${claims.tenantId}.${expiry}.${hex(claims.userId)}.${hex(claims.role)}`
  return `${createHmac('sha256', key.secret).update(body).digest('hex')}.${body}`
}
