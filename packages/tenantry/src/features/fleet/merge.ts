// Makes one answer of the rows of many tenants: added up, put in order, cut. Pure; it holds what it has to, which is one
// row a group where rows are summed, `limit` rows where they are cut, and all of them where they are only sorted.
import { TenantryError } from '../../kernel/errors.ts'
import { type Column, comparatorOf, compareTexts, positionOf, type RawRow, sameColumns, TENANT } from './column.ts'
import type { FleetMerge } from './fleet.ts'
import { RowHeap } from './row-heap.ts'
import { RowSums } from './row-sums.ts'

export interface MergedRow {
  readonly values: RawRow
  /** Where rows are equal, they go by this and then by how they came, so that an answer is the same each time. */
  readonly tie: string
  readonly at: number
}

type CompareRows = (a: MergedRow, b: MergedRow) => number

/** How much is held at most, by the texts of the values and what it takes to hold them. */
const MOST_BYTES = 64 * 1024 * 1024
// What V8 takes for a row and for a value in it, about.
const ROW_BYTES = 120
const VALUE_BYTES = 32

export class Merge {
  readonly #merge: FleetMerge
  readonly #mostBytes: number
  #heldBytes = 0
  #columns: readonly Column[] | undefined
  #sums: RowSums | undefined
  #rows: RowHeap<MergedRow> | undefined

  constructor(merge: FleetMerge, mostBytes: number = MOST_BYTES) {
    this.#merge = merge
    this.#mostBytes = mostBytes
  }

  /**
   * Takes rows of one tenant, from its `at`-th on. INVALID_INPUT, for the whole query, where a column that is to be added
   * up or sorted by is none; or where what has to be held is too much; DRIFT_FOUND where this tenant's columns are other ones than those of the others.
   */
  add(columns: readonly Column[], rows: readonly RawRow[], from: { readonly slug: string; readonly at: number }): void {
    this.#columns ??= this.#begin(columns)
    if (!sameColumns(this.#columns, columns)) {
      throw new TenantryError('DRIFT_FOUND', 'The answer has other columns, or of other types, than the rest.', {
        fix: 'Name the columns in the statement and cast them, or bring the tenant up to date.',
      })
    }
    for (const [index, row] of rows.entries()) {
      if (this.#sums) this.#hold(this.#sums.add(row) ? bytesOf(row) : 0)
      else this.#keep({ values: [from.slug, ...row], tie: from.slug, at: from.at + index })
    }
  }

  #keep(row: MergedRow): void {
    const left = this.#rows?.add(row)
    this.#hold(bytesOf(row.values) - (left === undefined ? 0 : bytesOf(left.values)))
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes
    if (this.#heldBytes <= this.#mostBytes) return
    const most = `${Math.round(this.#mostBytes / 1024 / 1024)} MB`
    const [what, fix] = this.#sums
      ? ['groups to add up', 'Have fewer groups: leave columns out of the statement, or round them in it.']
      : ['rows to sort', 'Add a limit to the merge, or leave the order out and sort what comes.']
    throw new TenantryError('INVALID_INPUT', `There are more ${what} than are held at once (${most}).`, {
      ...{ field: this.#sums ? 'merge.sum' : 'merge.limit', fix },
    })
  }

  /** The columns of the answer, and its rows. */
  end(): { readonly columns: readonly Column[]; readonly rows: readonly RawRow[] } {
    const columns = this.#columns ?? []
    if (!this.#sums) return { columns: [TENANT, ...columns], rows: valuesOf(this.#rows) }
    const outcome = this.#sums.columns
    const heap = new RowHeap(orderOf(outcome, this.#merge.order ?? []), this.#merge.limit ?? Infinity)
    for (const [at, { values, key }] of [...this.#sums.rows()].entries()) heap.add({ values, tie: key, at })
    return { columns: outcome, rows: valuesOf(heap) }
  }

  #begin(columns: readonly Column[]): readonly Column[] {
    const { sum = [], order = [], limit = Infinity } = this.#merge
    if (sum.length === 0) {
      refuseTenantColumn(columns)
      this.#rows = new RowHeap(orderOf([TENANT, ...columns], order), limit)
      return columns
    }
    this.#sums = new RowSums(columns, sum)
    // What cannot be sorted is refused before all has been read, not after.
    orderOf(this.#sums.columns, order)
    return columns
  }
}

const bytesOf = (row: RawRow): number =>
  row.reduce((bytes, value) => bytes + VALUE_BYTES + (value?.length ?? 0), ROW_BYTES)

const valuesOf = (rows: RowHeap<MergedRow> | undefined): readonly RawRow[] =>
  rows?.sorted().map(({ values }) => values) ?? []

/** INVALID_INPUT where the statement itself has a column by the name that the tenant's slug goes by. */
export function refuseTenantColumn(columns: readonly Column[]): void {
  if (!columns.some(({ name }) => name === TENANT.name)) return
  throw new TenantryError('INVALID_INPUT', 'The statement has a column "tenant", which is where the slug goes.', {
    field: 'sql',
    fix: 'Give the column another name in the statement.',
  })
}

function orderOf(columns: readonly Column[], order: readonly string[]): CompareRows {
  const terms = order.map((term) => {
    const isDescending = term.startsWith('-')
    const name = isDescending ? term.slice(1) : term
    const at = positionOf(columns, name, 'merge.order')
    return { at, compare: withNulls(comparatorOf(columns[at] ?? TENANT)), sign: isDescending ? -1 : 1 }
  })
  return (a, b) => {
    for (const { at, compare, sign } of terms) {
      const order = sign * compare(a.values[at] ?? null, b.values[at] ?? null)
      if (order !== 0) return order
    }
    return compareTexts(a.tie, b.tie) || a.at - b.at
  }
}

/** Nulls are behind all others, and so first where the order is descending: PostgreSQL's own rule. */
function withNulls(compare: (a: string, b: string) => number) {
  return (a: string | null, b: string | null): number =>
    a === null || b === null ? Number(a === null) - Number(b === null) : compare(a, b)
}
