// Checks of what a list is asked for: limit, cursor, filters. Pure; each throws INVALID_INPUT.
import { TenantryError } from '../kernel/errors.ts'
import { isUuid } from '../kernel/identifiers.ts'
import { type Tenant, type TenantStatus, tenantStatuses } from './tenant.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100

export function checkLimit(limit = DEFAULT_LIMIT): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new TenantryError('INVALID_INPUT', `"limit" must be a whole number from 1 to ${MAX_LIMIT}.`, { field: 'limit' })
}

export function checkStatus(status: TenantStatus | undefined): TenantStatus | null {
  if (status === undefined || tenantStatuses.includes(status)) return status ?? null
  throw new TenantryError('INVALID_INPUT', `"status" must be one of ${tenantStatuses.join(', ')}.`, { field: 'status' })
}

export function checkFilter(field: string, value: string | undefined): string | null {
  if (value === undefined || value === '') return null
  if (typeof value === 'string' && value.length <= 255 && !value.includes('\0')) return value
  throw new TenantryError('INVALID_INPUT', `"${field}" must be a text of at most 255 characters.`, { field })
}

// A cursor is the last id without its hyphens: opaque to callers, a UUID to the database.
export function tenantCursor({ id }: Pick<Tenant, 'id'>): string {
  return id.replaceAll('-', '')
}

export function readTenantCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null
  const id = cursor.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  if (!isUuid(id)) throw badCursor()
  return id
}

/** The number of the event after which a page begins. */
export function readEventCursor(cursor = '0'): string {
  if (!/^\d{1,18}$/.test(cursor)) throw badCursor()
  return cursor
}

/** A cursor behind a text that may be anything, such as a user id of the application's: opaque to callers. */
export function textCursor(last: string): string {
  return Buffer.from(last).toString('base64url')
}

/** The text after which a page begins; null for the first page. */
export function readTextCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null
  const last = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : ''
  if (last === '' || last.includes('\0') || textCursor(last) !== cursor) throw badCursor()
  return last
}

function badCursor(): TenantryError {
  return new TenantryError('INVALID_INPUT', '"cursor" must be the nextCursor of an earlier page.', { field: 'cursor' })
}
