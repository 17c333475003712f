// Checks what a key is asked for. Messages name the field and the rule, never the value.
import { TenantryError } from '../../kernel/errors.ts'
import { isUuid } from '../../kernel/identifiers.ts'
import { isPermission, type Permission } from '../../tenants/access.ts'
import { type Check, checkFields, text } from '../../tenants/field-checks.ts'

const YEAR_SECONDS = 365 * 24 * 60 * 60
const LONGEST_TTL = 10 * YEAR_SECONDS
const DAY_SECONDS = 24 * 60 * 60
const MOST_PERMISSIONS = 100

/** A checked `create`. */
export interface NewKey {
  readonly name: string
  readonly permissions: readonly Permission[]
  readonly ttlSeconds: number | null
}

const fields = { name: text(100), permissions: permissionList, ttlSeconds: wholeNumber(1, LONGEST_TTL) }

/** Throws INVALID_INPUT and UNKNOWN_FIELD. */
export function checkCreateKey(input: unknown): NewKey {
  const given = checkFields(fields, input)
  return {
    name: fields.name(given.name, 'name'),
    permissions: permissionList(given.permissions, 'permissions'),
    ttlSeconds: given.ttlSeconds ?? null,
  }
}

/** The seconds for which a rotated key still works; a day where nothing is said. Throws INVALID_INPUT. */
export function checkGrace(graceSeconds: number | undefined): number {
  return wholeNumber(0, YEAR_SECONDS)(graceSeconds ?? DAY_SECONDS, 'graceSeconds')
}

/** Throws KEY_NOT_FOUND for text that is the id of nothing. */
export function checkKeyId(id: string): string {
  if (isUuid(id)) return id.toLowerCase()
  throw new TenantryError('KEY_NOT_FOUND', 'No key has this id: it is not a UUID.')
}

function permissionList(value: unknown, field: string): readonly Permission[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  if (list.length === 0 || list.length > MOST_PERMISSIONS) {
    throw invalid(field, `must be a list of 1 to ${MOST_PERMISSIONS} permissions`)
  }
  const isValid = (each: unknown): each is Permission => typeof each === 'string' && isPermission(each)
  if (!list.every(isValid)) throw invalid(field, 'must hold permissions such as members:read, members:* or *')
  return [...new Set(list)]
}

function wholeNumber(least: number, most: number): Check<number> {
  return (value, field) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    throw invalid(field, `must be a whole number from ${least} to ${most}`)
  }
}

function invalid(field: string, rule: string): TenantryError {
  return new TenantryError('INVALID_INPUT', `"${field}" ${rule}.`, { field })
}
