// The columns of an answer: what each one's type allows, and how its texts compare as PostgreSQL would compare them.
// Values stay the texts that came over the wire until they leave, so that nothing is lost in between. Pure.
import { TenantryError } from '../../kernel/errors.ts'
import { canonicalDecimal, compareDecimals, readDecimal } from './exact-decimal.ts'
import { instantOf } from './instant.ts'

export interface Column {
  readonly name: string
  /** OID of its type. */
  readonly type: number
}

/** Stands for the tenant's slug, which is no column of the statement. */
export const TENANT: Column = { name: 'tenant', type: 25 }

/** A row as it came: texts in the order of the columns. */
export type RawRow = readonly (string | null)[]

type Compare = (a: string, b: string) => number

// OIDs of built-in types, which never change.
const EXACT: ReadonlySet<number> = new Set([20, 21, 23, 26, 1700])
const FLOAT: ReadonlySet<number> = new Set([700, 701])
const INSTANT: ReadonlySet<number> = new Set([1082, 1114, 1184])
// Boolean, bytea, "char", name, text, char, varchar, time, uuid: their printed form sorts as they do.
const PRINTED: ReadonlySet<number> = new Set([16, 17, 18, 19, 25, 1042, 1043, 1083, 2950])

/** Whether the column's values are added up exactly, as floats, or not at all. */
export function summable({ type }: Column): 'exact' | 'float' | undefined {
  if (type !== OID_TYPE && EXACT.has(type)) return 'exact'
  return FLOAT.has(type) ? 'float' : undefined
}

const OID_TYPE = 26

/** How two texts of a column compare. INVALID_INPUT where its type has no order here. */
export function comparatorOf({ name, type }: Column): Compare {
  if (EXACT.has(type)) return by(readDecimal, compareDecimals)
  if (FLOAT.has(type)) return (a, b) => compareFloats(Number(a), Number(b))
  if (INSTANT.has(type)) return by(instantOf, (a, b) => (a < b ? -1 : Number(a > b)))
  if (PRINTED.has(type)) return compareTexts
  throw new TenantryError('INVALID_INPUT', `Rows cannot be sorted by "${name}": its type has no order here.`, {
    field: 'merge.order',
    fix: `Cast "${name}" to text or to a number in the statement.`,
  })
}

function by<T>(read: (text: string) => T | undefined, compare: (a: T, b: T) => number): Compare {
  return (a, b) => {
    const [left, right] = [read(a), read(b)]
    if (left === undefined || right === undefined) {
      throw new TenantryError('DATABASE_ERROR', 'A value has a form that cannot be sorted; is DateStyle not ISO?')
    }
    return compare(left, right)
  }
}

// As PostgreSQL: NaN equals itself and is greater than any other.
function compareFloats(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return a < b ? -1 : Number(a > b)
}

/** By code points, as under COLLATE "C". Surrogates, which stand for the highest ones, would sort too low. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (left !== right) return unitRank(left) - unitRank(right)
  }
  return a.length - b.length
}

const unitRank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

/** One text for equal values of a column: numerics that differ in their scale alone are the same. */
export function groupKeyOf({ type }: Column, text: string | null): string | null {
  if (text === null || type !== NUMERIC) return text
  const decimal = readDecimal(text)
  return decimal === undefined ? text : canonicalDecimal(decimal)
}

const NUMERIC = 1700

/** Where a column stands. INVALID_INPUT where there is none of that name, or more than one. */
export function positionOf(columns: readonly Column[], name: string, field: string): number {
  const found = columns.findIndex((column) => column.name === name)
  if (found >= 0 && columns.findLastIndex((column) => column.name === name) === found) return found
  const what = found < 0 ? 'has no column' : 'has more than one column'
  throw new TenantryError('INVALID_INPUT', `The statement ${what} "${name}".`, { field })
}

/** Whether two answers have the same columns, of the same types. */
export const sameColumns = (a: readonly Column[], b: readonly Column[]): boolean =>
  a.length === b.length && a.every(({ name, type }, at) => b[at]?.name === name && b[at].type === type)
