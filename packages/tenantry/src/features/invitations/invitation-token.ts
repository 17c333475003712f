// The token in an invitation's link. Who has it can accept, so only its hash is stored.
import { createHash, randomBytes } from 'node:crypto'

const FORM = /^[A-Za-z0-9_-]{43}$/

/** 32 random bytes as 43 characters of base64url, the first of which is no "-": on a command line it would be an option. */
export function newToken(): string {
  for (;;) {
    const token = randomBytes(32).toString('base64url')
    if (!token.startsWith('-')) return token
  }
}

/** What is stored of a token. */
export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** Whether a text can be a token at all. */
export function isToken(token: unknown): token is string {
  return typeof token === 'string' && FORM.test(token)
}
