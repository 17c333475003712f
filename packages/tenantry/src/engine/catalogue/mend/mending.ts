// What the parts of mending share: an object as it is and as it should be, and what is to be done about it.
import { quoteIdentifier } from '../../../kernel/identifiers.ts'
import type { CatalogueObject, SchemaCatalogue } from '../catalogue.ts'

export interface Mending {
  readonly mend: string | null
  readonly warning: string | null
}

export interface Change {
  readonly expected: CatalogueObject
  readonly actual: CatalogueObject
  readonly reference: SchemaCatalogue
}

/** Statements of which some may not be needed. */
export const steps = (...statements: readonly (string | null | false | undefined)[]): string | null => {
  const needed = statements.filter((text): text is string => typeof text === 'string' && text !== '')
  return needed.length === 0 ? null : needed.join('; ')
}

export const mendedBy = (mend: string | null, warning: string | null = null): Mending => ({ mend, warning })

export const byHand = (warning: string): Mending => ({ mend: null, warning })

/** A part of the details as text; empty where it is not there. */
export function part(object: CatalogueObject, name: string): string {
  const value = object.details[name]
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
}

export const differs = ({ expected, actual }: Change, name: string): boolean =>
  part(expected, name) !== part(actual, name)

/** A part that lists texts. */
export function list(object: CatalogueObject, name: string): readonly string[] {
  const value = object.details[name]
  return Array.isArray(value) ? value.map(String) : []
}

/** A part that maps names to texts. */
export function entries(object: CatalogueObject, name: string): ReadonlyMap<string, string> {
  const value = object.details[name]
  return new Map(
    typeof value === 'object' && value !== null ? Object.entries(value).map(([k, v]) => [k, String(v)]) : [],
  )
}

/** Gives the object back to whom it belongs; an object without a named owner is the schema owner's. */
export function ownerStep(change: Change, what: string): string | null {
  if (!differs(change, 'owner')) return null
  const schema = change.reference.objects.find(({ kind }) => kind === 'schema')
  const own = schema === undefined ? '' : part(schema, 'owner')
  return `alter ${what} owner to ${quoteIdentifier(part(change.expected, 'owner') || own)}`
}

/** The statement that makes the object, unless there is none. */
export const anew = ({ create, kind, name }: CatalogueObject, before: string | null = null): Mending =>
  create === null ? byHand(`No statement makes the ${kind} ${name}.`) : mendedBy(steps(before, create))
