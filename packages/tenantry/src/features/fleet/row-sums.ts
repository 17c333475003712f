// Adds rows up that are equal in all columns but those that are added. Integers and numerics are added exactly, as
// PostgreSQL's own sum() does; nulls are left out, and a sum of nothing is null.
import { TenantryError } from '../../kernel/errors.ts'
import { type Column, groupKeyOf, positionOf, type RawRow, summable } from './column.ts'
import { addDecimals, type Decimal, printDecimal, readDecimal } from './exact-decimal.ts'

type Sum = { readonly exact: Decimal } | { readonly float: number } | null

interface Group {
  readonly values: RawRow
  readonly sums: Sum[]
}

const FLOAT8 = 701
const NUMERIC = 1700

export class RowSums {
  /** As the answer has them: the sum of integers is a numeric. */
  readonly columns: readonly Column[]
  readonly #given: readonly Column[]
  readonly #added: readonly { readonly at: number; readonly kind: 'exact' | 'float' }[]
  readonly #groups = new Map<string, Group>()

  /** Throws INVALID_INPUT where a column to add up is none, or of no type that can be added. */
  constructor(columns: readonly Column[], sum: readonly string[]) {
    this.#given = columns
    this.#added = sum.map((name) => {
      const at = positionOf(columns, name, 'merge.sum')
      const kind = summable(columns[at] ?? { name, type: 0 })
      if (kind !== undefined) return { at, kind }
      throw new TenantryError('INVALID_INPUT', `"${name}" cannot be added up: it is no number.`, { field: 'merge.sum' })
    })
    const types = new Map(this.#added.map(({ at, kind }) => [at, kind === 'exact' ? NUMERIC : FLOAT8]))
    this.columns = columns.map(({ name, type }, at) => ({ name, type: types.get(at) ?? type }))
  }

  /** True where it is the first of its group. */
  add(row: RawRow): boolean {
    const key = this.#keyOf(row)
    const known = this.#groups.get(key)
    const group = known ?? { values: row, sums: this.#added.map(() => null) }
    if (known === undefined) this.#groups.set(key, group)
    for (const [index, { at, kind }] of this.#added.entries()) {
      const text = row[at] ?? null
      if (text !== null) group.sums[index] = add(group.sums[index] ?? null, kind, text)
    }
    return known === undefined
  }

  *rows(): Generator<{ readonly key: string; readonly values: RawRow }> {
    for (const [key, { values, sums }] of this.#groups) {
      const added = new Map(this.#added.map(({ at }, index) => [at, printSum(sums[index] ?? null)]))
      yield { key, values: values.map((value, at) => (added.has(at) ? (added.get(at) ?? null) : value)) }
    }
  }

  #keyOf(row: RawRow): string {
    const added = new Set(this.#added.map(({ at }) => at))
    return JSON.stringify(
      this.#given.flatMap((column, at) => (added.has(at) ? [] : [groupKeyOf(column, row[at] ?? null)])),
    )
  }
}

function add(sum: Sum, kind: 'exact' | 'float', text: string): Sum {
  if (kind === 'float') return { float: (sum && 'float' in sum ? sum.float : 0) + Number(text) }
  const value = readDecimal(text)
  if (value === undefined) throw new TenantryError('DATABASE_ERROR', 'A number has a form that cannot be added up.')
  return { exact: sum && 'exact' in sum ? addDecimals(sum.exact, value) : value }
}

function printSum(sum: Sum): string | null {
  if (sum === null) return null
  return 'exact' in sum ? printDecimal(sum.exact) : String(sum.float)
}
