// A password in the form in which PostgreSQL stores it, so that the statement which sets it, and every log of that
// statement, holds nothing one could log in with (RFC 5802, RFC 7677).
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

// PostgreSQL's own default. More would slow every connection; the passwords are random, so nothing is won.
const ITERATIONS = 4096

/**
 * The SCRAM-SHA-256 verifier of a password of printable ASCII (others would need SASLprep).
 *
 * @example
 * ```ts
 * await tx.query(`alter role app password ${quoteLiteral(await scramVerifier(password))}`)
 * ```
 */
export async function scramVerifier(password: string, salt: Buffer = randomBytes(16)): Promise<string> {
  const salted = await promisify(pbkdf2)(password, salt, ITERATIONS, 32, 'sha256')
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64')
  const serverKey = hmac('Server Key').toString('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
