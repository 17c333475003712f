// Slug and name of each tenant that adoption makes, from what the root says of it. Pure.
import { isValidSlug, reservedSlugs, slugFrom } from '../../kernel/identifiers.ts'

/** One row of the root, or one value of the column that names the tenant. */
export interface RootRow {
  /** The value of `AdoptRoot.key` as text. */
  readonly key: string
  /** The words of `slugFrom` and of `nameFrom`, joined by a blank, nulls left out. */
  readonly slugText: string
  readonly nameText: string
}

export interface NamedTenant {
  readonly key: string
  readonly slug: string
  readonly name: string
}

const LONGEST_SLUG = 100
const LONGEST_NAME = 200

/**
 * A valid slug for each row that no other row and none of `taken` has, and a name; the same rows give the same slugs. Where
 * the words make no slug, or one that is reserved or taken, the key goes behind it, then a number. `word` stands where
 * there are no words: the root's bare name.
 *
 * @example
 * ```ts
 * nameTenants([{ key: '7', slugText: 'Müller & Co', nameText: 'Müller & Co' }], { word: 'customer', taken: new Set() })
 * // [{ key: '7', slug: 'muller-co', name: 'Müller & Co' }]
 * ```
 */
export function nameTenants(
  rows: readonly RootRow[],
  { word, taken }: { readonly word: string; readonly taken: ReadonlySet<string> },
): readonly NamedTenant[] {
  const used = new Set([...taken, ...reservedSlugs])
  return rows.map(({ key, slugText, nameText }) => {
    const slug = freeSlug([slugFrom(slugText), slugFrom(word) || 'tenant'], key, used)
    used.add(slug)
    return { key, slug, name: nameText.trim().slice(0, LONGEST_NAME) || `${word} ${key}`.slice(0, LONGEST_NAME) }
  })
}

function freeSlug([wanted = '', word = '']: readonly string[], key: string, used: ReadonlySet<string>): string {
  if (isValidSlug(wanted) && !used.has(wanted)) return wanted
  const base = joined(wanted || word, slugFrom(key))
  for (let number = 1; ; number++) {
    const slug = number === 1 ? base : joined(base, String(number))
    if (isValidSlug(slug) && !used.has(slug)) return slug
  }
}

/** Both with a hyphen between them; the first is cut where they are too long together. */
function joined(first: string, second: string): string {
  if (second === '') return first
  const tail = second.slice(0, LONGEST_SLUG / 2)
  return `${first.slice(0, LONGEST_SLUG - tail.length - 1).replace(/-+$/, '')}-${tail}`.replace(/-+$/, '')
}
