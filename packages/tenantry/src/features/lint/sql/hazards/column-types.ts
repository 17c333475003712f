// Which changes of a column's type PostgreSQL makes in its catalogue alone; every other writes the whole table anew. Pure.
import { asTree, at, listOf, numberOf, type Tree } from '../../tree.ts'
import { namesIn } from '../sql-file.ts'

export interface ColumnType {
  /** As the server calls it: `int4`, `varchar`. */
  readonly name: string
  /** Length, or precision and scale; undefined where one is not a plain number. */
  readonly limits: readonly (number | undefined)[]
  readonly isArray: boolean
}

export function columnType(typeName: Tree | undefined): ColumnType {
  const limits = listOf(typeName, 'typmods').map((item) => {
    const constant = asTree(item['A_Const'])
    // A zero is left out of the tree.
    return at(constant, 'ival') === undefined ? undefined : (numberOf(at(constant, 'ival'), 'ival') ?? 0)
  })
  return {
    ...{ name: namesIn(typeName, 'names').at(-1) ?? '', limits },
    isArray: listOf(typeName, 'arrayBounds').length > 0,
  }
}

/** Types that hold the same with a larger limit, or with none. */
const LIMITED = new Set(['varchar', 'varbit', 'numeric', 'time', 'timetz', 'timestamp', 'timestamptz'])

/** Types that read the bytes of the others as they are. */
const READS_AS_IS: Readonly<Record<string, readonly string[]>> = {
  text: ['varchar'],
  varchar: ['text'],
  inet: ['cidr'],
}

export function staysInPlace(from: ColumnType, to: ColumnType): boolean {
  if (from.isArray !== to.isArray) return false
  if (from.name === to.name && sameLimits(from, to)) return true
  // The elements of an array are always converted one by one.
  if (from.isArray) return false
  if (from.name === to.name) return LIMITED.has(to.name) && widens(from, to)
  return to.limits.length === 0 && READS_AS_IS[to.name]?.includes(from.name) === true
}

const sameLimits = (from: ColumnType, to: ColumnType): boolean =>
  from.limits.length === to.limits.length &&
  from.limits.every((limit, index) => limit !== undefined && limit === to.limits[index])

function widens(from: ColumnType, to: ColumnType): boolean {
  if (to.limits.length === 0) return true
  const [before, scaleBefore = 0] = from.limits
  const [after, scaleAfter = 0] = to.limits
  return before !== undefined && after !== undefined && after >= before && scaleBefore === scaleAfter
}
