// Cursors of lists that go by a text: the last one, as base64url, opaque to callers.
import { TenantryError } from '../../kernel/errors.ts'

/** The cursor behind a text; null where there is none. */
export function cursorAfter(last: string | undefined): string | null {
  return last === undefined ? null : Buffer.from(last).toString('base64url')
}

/** The text after which a page begins; null for the first page. Throws INVALID_INPUT. */
export function readCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null
  const last = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : ''
  if (last !== '' && !last.includes('\0') && cursorAfter(last) === cursor) return last
  throw new TenantryError('INVALID_INPUT', '"cursor" must be the nextCursor of an earlier page.', { field: 'cursor' })
}
