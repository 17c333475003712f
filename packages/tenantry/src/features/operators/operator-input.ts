// Checks of what the verbs of operators and of support access are given. Pure.
import { TenantryError } from '../../kernel/errors.ts'
import { text } from '../../tenants/field-checks.ts'
import { isUuid } from '../../kernel/identifiers.ts'

const LONGEST_REASON = 500

/** The application's id of a user. Throws INVALID_INPUT. */
export const checkUserId = (userId: unknown): string => text(255)(userId, 'userId')

/** The reason, trimmed. Throws REASON_REQUIRED where there is none, INVALID_INPUT where it is too long. */
export function checkReason(reason: unknown): string {
  if (reason === undefined || reason === null || (typeof reason === 'string' && reason.trim() === '')) {
    throw new TenantryError('REASON_REQUIRED', 'No reason was given.', { field: 'reason' })
  }
  return text(LONGEST_REASON)(reason, 'reason').trim()
}

/** Whole minutes from 1 up to `most`. Throws INVALID_INPUT. */
export function checkMinutes(minutes: unknown, most: number): number {
  if (typeof minutes === 'number' && Number.isInteger(minutes) && minutes >= 1 && minutes <= most) return minutes
  throw new TenantryError('INVALID_INPUT', `"minutes" must be a whole number from 1 to ${most}.`, { field: 'minutes' })
}

/** An id where it is one; the nil UUID, which no row has, for any other text. */
export function idOrNone(id: unknown): string {
  return typeof id === 'string' && isUuid(id) ? id : '00000000-0000-0000-0000-000000000000'
}
