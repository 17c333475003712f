// How one schema differs from another, object by object.
import type { CatalogueObject, Difference, SchemaCatalogue } from './catalogue.ts'

/** What the second schema lacks, has beyond, or has otherwise than the first. */
export function compareCatalogues(reference: SchemaCatalogue, actual: SchemaCatalogue): readonly Difference[] {
  const expected = byName(reference)
  const found = byName(actual)
  const missingOrDifferent = [...expected].flatMap(([key, object]) => differenceOf(object, found.get(key)))
  const extra = [...found].filter(([key]) => !expected.has(key)).map(([, object]) => extraOf(object))
  return [...missingOrDifferent, ...extra]
}

const byName = ({ objects }: SchemaCatalogue): ReadonlyMap<string, CatalogueObject> =>
  new Map(objects.map((object) => [`${object.kind} ${object.name}`, object]))

function differenceOf(expected: CatalogueObject, actual: CatalogueObject | undefined): readonly Difference[] {
  const { kind, name, definition } = expected
  const difference = { kind, name, expected: definition, mend: null, warning: null }
  if (actual === undefined) return [{ ...difference, change: 'missing', actual: null }]
  if (JSON.stringify(actual.details) === JSON.stringify(expected.details)) return []
  return [{ ...difference, change: 'different', actual: actual.definition }]
}

function extraOf({ kind, name, definition }: CatalogueObject): Difference {
  return { kind, name, change: 'extra', expected: null, actual: definition, mend: null, warning: null }
}
