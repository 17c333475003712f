// The answer to a statement as text: an aligned table, or what a command did.
import type { StatementResult } from './composition.ts'
import { type Column, tableLines } from './output.ts'

// OIDs of the types whose values read best when their last digits stand below each other.
const NUMBERS = new Set([20, 21, 23, 26, 700, 701, 790, 1700])
const DATE = 1082

/** Table and row count of a result with columns, `INSERT 3` of one without. */
export function resultLines(result: StatementResult): string[] {
  if (result.fields.length === 0) {
    return [result.rowCount === null ? result.command : `${result.command} ${result.rowCount}`]
  }
  const columns = result.fields.map(
    ({ name, dataTypeID }): Column => ({ title: name, align: NUMBERS.has(dataTypeID) ? 'right' : 'left' }),
  )
  const rows = result.rows.map((row) => result.fields.map((field) => valueText(row[field.name], field.dataTypeID)))
  return [...tableLines(columns, rows), result.rows.length === 1 ? '(1 row)' : `(${result.rows.length} rows)`]
}

/** One value in the words of SQL. */
export function valueText(value: unknown, dataTypeID: number): string {
  if (value === null || value === undefined) return 'NULL'
  if (value instanceof Date) return dateText(value, dataTypeID)
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  if (typeof value === 'object') return JSON.stringify(value)
  const isPlain = ['string', 'number', 'bigint', 'boolean'].includes(typeof value)
  return isPlain ? `${value as string | number | bigint | boolean}` : typeof value
}

function dateText(value: Date, dataTypeID: number): string {
  if (Number.isNaN(value.getTime())) return 'invalid'
  if (dataTypeID !== DATE) return value.toISOString()
  // The driver reads a date as local midnight, so the local parts are the ones PostgreSQL sent.
  const [month, day] = [value.getMonth() + 1, value.getDate()].map((part) => String(part).padStart(2, '0'))
  return `${value.getFullYear()}-${month}-${day}`
}
