// Passwords of direct logins: generated ones, and what a given one must look like.
import { randomInt } from 'node:crypto'
import { TenantryError } from '../../kernel/errors.ts'

const SYMBOLS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const GENERATED_LENGTH = 32
const LEAST = 12
const MOST = 256

// What SASLprep (RFC 4013) maps away or to a space before it normalizes.
const MAPPED = /[\u00a0\u00ad\u034f\u1680\u1806\u180b-\u180d\u2000-\u200d\u202f\u205f\u2060\u3000\ufe00-\ufe0f\ufeff]/u

/** 32 letters and digits, uniform: 190 random bits. */
export function generatePassword(): string {
  return Array.from({ length: GENERATED_LENGTH }, () => SYMBOLS[randomInt(SYMBOLS.length)]).join('')
}

/**
 * The password to use: the given one, or a generated one where none, or an empty one, was given. Throws INVALID_INPUT.
 *
 * Clients differ in whether they apply SASLprep to a password. One that SASLprep would change would work with some of
 * them only, so it is refused; whatever it leaves alone, or gives up on, such as a line break, all clients send alike.
 */
export function choosePassword(given: string | undefined): string {
  if (given === undefined || given === '') return generatePassword()
  const fault = faultOf(given)
  if (fault === undefined) return given
  throw new TenantryError('INVALID_INPUT', `The password ${fault}.`, {
    field: 'password',
    fix: `Give ${LEAST} to ${MOST} characters in the Unicode form NFKC, or leave the password out to have one made.`,
  })
}

function faultOf(given: unknown): string | undefined {
  if (typeof given !== 'string') return 'is not text'
  const { length } = Array.from(given)
  if (length < LEAST || length > MOST) return `has fewer than ${LEAST} or more than ${MOST} characters`
  if (/[\0\p{Surrogate}]/u.test(given)) return 'holds a zero byte or half a surrogate pair'
  if (MAPPED.test(given) || given.normalize('NFKC') !== given) return 'is not in the form in which all clients send it'
  return undefined
}
