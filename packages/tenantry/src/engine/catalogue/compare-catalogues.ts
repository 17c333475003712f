// How one schema differs from another, object by object, with the statements that mend it in an order in which they run.
import type { CatalogueKind, CatalogueObject, Difference, SchemaCatalogue } from './catalogue.ts'
import { mendDifferent, mendExtra, mendMissing } from './mend/mend.ts'
import { type Mending, part } from './mend/mending.ts'

// What stands in the way of altering the rest goes first; what the rest may still use goes last.
const FIRST = new Set<CatalogueKind>([
  'rule',
  'policy',
  'trigger',
  'view',
  'constraint',
  'index',
  'statistics',
  'grant',
])

/**
 * What the second schema lacks, has beyond, or has otherwise than the first, with the statements that mend it. They run
 * in the order of the list, with search_path set to the second schema; none of them takes rows away.
 *
 * @example
 * ```ts
 * const differences = compareCatalogues(await describeSchema(admin, reference), await describeSchema(admin, tenant))
 * const script = differences.flatMap(({ mend }) => mend ?? []).join(';\n')
 * ```
 */
export function compareCatalogues(reference: SchemaCatalogue, actual: SchemaCatalogue): readonly Difference[] {
  const expected = byName(reference)
  const found = byName(actual)
  const extra = actual.objects
    .filter((object) => !expected.has(keyOf(object)) && !isOfExtra(object, expected, found))
    .map((object) => differenceOf(object, 'extra', mendExtra(object)))
    .toReversed()
  const others = reference.objects.flatMap((object): readonly Difference[] => {
    const there = found.get(keyOf(object))
    // Born with its object.
    if (there === undefined && object.details.usual === true) return []
    if (there === undefined) return [differenceOf(object, 'missing', mendMissing(object, actual))]
    if (isSame(object, there)) return []
    const { definition } = there
    return [
      {
        ...differenceOf(object, 'different', mendDifferent({ expected: object, actual: there, reference })),
        actual: definition,
      },
    ]
  })
  const list = [
    ...extra.filter(({ kind }) => FIRST.has(kind)),
    ...others,
    ...extra.filter(({ kind }) => !FIRST.has(kind)),
  ]
  return list.map((difference) => withTenant(difference, actual.tenantId))
}

function withTenant(difference: Difference, tenantId: string): Difference {
  const { mend, warning } = difference
  if (mend === null) return { ...difference, warning: warning ?? 'It follows from the others of this list.' }
  return { ...difference, mend: mend.replaceAll('<tenant>', tenantId) }
}

const keyOf = ({ kind, name }: CatalogueObject): string => `${kind} ${name}`

const byName = ({ objects }: SchemaCatalogue): ReadonlyMap<string, CatalogueObject> =>
  new Map(objects.map((object) => [keyOf(object), object]))

const isSame = (one: CatalogueObject, other: CatalogueObject): boolean =>
  JSON.stringify(one.details) === JSON.stringify(other.details)

function differenceOf(object: CatalogueObject, change: Difference['change'], mending: Mending): Difference {
  const { kind, name, definition } = object
  const isExtra = change === 'extra'
  return { kind, name, change, expected: isExtra ? null : definition, actual: isExtra ? definition : null, ...mending }
}

type ByName = ReadonlyMap<string, CatalogueObject>

/** Whether it belongs to a table that is itself not in the reference, and goes with that. */
function isOfExtra(object: CatalogueObject, expected: ByName, found: ByName): boolean {
  const { kind, name } = object
  const ofTable = part(object, 'table') || part(object, 'owned by').replace(/\.[^.]*$/, '')
  const owner = kind === 'grant' ? name.replace(/^\w+ /, '') : ofTable
  const kinds = kind === 'grant' ? ['table', 'view', 'sequence', 'function', 'type'] : ['table', 'view']
  return kinds.some((of) => found.has(`${of} ${owner}`) && !expected.has(`${of} ${owner}`))
}
