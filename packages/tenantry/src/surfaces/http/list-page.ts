// A page of a list that is short enough to be read whole, such as the roles of a tenant: search and cursor as on every
// other list.
import { TenantryError } from '../../kernel/errors.ts'
import type { Page } from '../../tenants/tenant.ts'

export interface PageQuery {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
  readonly search?: string | undefined
}

export interface Listing<T> {
  /** What a cursor holds; different for each item. */
  readonly key: (item: T) => string
  /** What a search looks into. */
  readonly words: (item: T) => readonly (string | null)[]
}

const DEFAULT_LIMIT = 20

/** The page that was asked for, in the order of the items. Throws INVALID_INPUT for a cursor of no item. */
export function pageOfAll<T>(all: readonly T[], query: PageQuery, { key, words }: Listing<T>): Page<T> {
  const wanted = query.search?.toLowerCase()
  const found = wanted === undefined ? all : all.filter((item) => words(item).some((word) => holds(word, wanted)))
  const start = query.cursor === undefined ? 0 : found.findIndex((item) => cursorOf(key(item)) === query.cursor) + 1
  if (query.cursor !== undefined && start === 0) {
    throw new TenantryError('INVALID_INPUT', '"cursor" must be the nextCursor of an earlier page.', { field: 'cursor' })
  }
  const items = found.slice(start, start + (query.limit ?? DEFAULT_LIMIT))
  const last = items.at(-1)
  const isEnd = last === undefined || start + items.length >= found.length
  return { items, nextCursor: isEnd ? null : cursorOf(key(last)), total: found.length }
}

function holds(word: string | null, wanted: string): boolean {
  return word?.toLowerCase().includes(wanted) ?? false
}

function cursorOf(key: string): string {
  return Buffer.from(key).toString('base64url')
}
