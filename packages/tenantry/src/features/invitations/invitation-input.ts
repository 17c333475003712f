// Checks what is asked of invitations, once. Messages name the field and the rule, never the value.
import { TenantryError } from '../../kernel/errors.ts'
import { isUuid } from '../../kernel/identifiers.ts'
import type { VerifiedUser } from '../../tenants/access.ts'
import { emailAddress } from '../../tenants/email-address.ts'
import { type Check, checkFields, flag, jsonObject, oneOf, text } from '../../tenants/field-checks.ts'
import { checkFilter, checkLimit, readTenantCursor } from '../../tenants/paging.ts'
import type { JsonObject } from '../../tenants/tenant.ts'
import { type InvitationState, invitationStates, type ListInvitations } from './invitation.ts'

const DAY_SECONDS = 24 * 60 * 60
const DEFAULT_TTL_SECONDS = 7 * DAY_SECONDS
const LONGEST_TTL_SECONDS = 90 * DAY_SECONDS

const ttl: Check<number> = (value, field) => {
  const isTtl = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= LONGEST_TTL_SECONDS
  if (isTtl) return value
  const rule = `must be a whole number of seconds from 1 to ${LONGEST_TTL_SECONDS}`
  throw new TenantryError('INVALID_INPUT', `"${field}" ${rule}.`, { field })
}

const createFields = { email: emailAddress, role: text(63), ttlSeconds: ttl, metadata: jsonObject }

/** A checked and completed `create`. */
export interface CheckedInvitation {
  readonly email: string
  readonly role: string
  readonly ttlSeconds: number
  readonly metadata: JsonObject
}

/** Checks a `create` and fills in its defaults. Throws INVALID_INPUT, UNKNOWN_FIELD. */
export function checkCreate(input: unknown): CheckedInvitation {
  const given = checkFields(createFields, input)
  return {
    email: emailAddress(given.email, 'email'),
    role: given.role ?? 'member',
    ttlSeconds: given.ttlSeconds ?? DEFAULT_TTL_SECONDS,
    metadata: given.metadata ?? {},
  }
}

const userFields = { userId: text(255), email: text(1000), emailVerified: flag }

/** Who accepts; without an address unless it is verified. Throws INVALID_INPUT, UNKNOWN_FIELD. */
export function checkUser(user: VerifiedUser): { readonly userId: string; readonly verifiedEmail: string | null } {
  const { email, emailVerified } = checkFields(userFields, user)
  const userId = userFields.userId(user.userId, 'userId')
  return { userId, verifiedEmail: emailVerified === true && email !== undefined ? comparable(email) : null }
}

// An address that no invitation can have matches none; it is not the user's to correct.
function comparable(email: string): string | null {
  try {
    return emailAddress(email, 'email')
  } catch (error) {
    if (error instanceof TenantryError) return null
    throw error
  }
}

export interface InvitationQuery {
  readonly limit: number
  readonly before: string | null
  readonly search: string | null
  readonly state: InvitationState | null
}

/** Checks a `list`. Throws INVALID_INPUT. */
export function checkList(options: ListInvitations): InvitationQuery {
  return {
    limit: checkLimit(options.limit),
    before: readTenantCursor(options.cursor),
    search: checkFilter('search', options.search)?.toLowerCase() ?? null,
    state: options.state === undefined ? null : oneOf(invitationStates)(options.state, 'state'),
  }
}

/** Throws INVITATION_NOT_FOUND for what is no id. */
export function checkId(id: string): string {
  if (typeof id === 'string' && isUuid(id)) return id
  throw invitationNotFound()
}

export function invitationNotFound(): TenantryError {
  return new TenantryError('INVITATION_NOT_FOUND', 'There is no such invitation.')
}
