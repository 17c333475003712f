// E-mail addresses as the control plane stores and compares them: in lower case, and in one spelling only.
import { TenantryError } from '../kernel/errors.ts'
import { type Check, text } from './field-checks.ts'

const SHAPE = /^[^\s@]+@[^\s@]+$/
const LONGEST = 320

/**
 * The address in lower case. Throws INVALID_INPUT for what is none, and for compatibility characters: the Kelvin sign
 * becomes a `k` in lower case, so that two mailboxes would be one address.
 */
export const emailAddress: Check<string> = (value, field) => {
  const given = text(LONGEST)(value, field)
  const lower = given.toLowerCase()
  if (SHAPE.test(given) && given.normalize('NFKC') === given && lower.length <= LONGEST) return lower
  throw new TenantryError('INVALID_INPUT', `"${field}" must be an e-mail address.`, { field })
}
