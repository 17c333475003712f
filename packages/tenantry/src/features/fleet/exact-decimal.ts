// Exact decimal arithmetic on PostgreSQL's integers and numerics, which do not fit into a JavaScript number. Pure.

/** A number as PostgreSQL's numeric has it: `units` times ten to the power of minus `scale`, or what is no number. */
export type Decimal = { readonly units: bigint; readonly scale: number } | 'NaN' | 'Infinity' | '-Infinity'

/** Reads what PostgreSQL prints for an integer or a numeric. Undefined where it is neither. */
export function readDecimal(text: string): Decimal | undefined {
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return text
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(text) ?? []
  if (whole === '') return undefined
  return { units: BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`), scale: fraction.length }
}

/** As PostgreSQL adds numerics: the longer scale is kept, infinities of both signs make NaN. */
export function addDecimals(a: Decimal, b: Decimal): Decimal {
  if (typeof a === 'string' || typeof b === 'string') return addSpecial(a, b)
  const scale = Math.max(a.scale, b.scale)
  return { units: unitsAt(a, scale) + unitsAt(b, scale), scale }
}

function addSpecial(a: Decimal, b: Decimal): Decimal {
  const specials = [a, b].filter((each) => typeof each === 'string')
  const [first = 'NaN'] = specials
  return new Set(specials).size > 1 ? 'NaN' : first
}

/** Smaller first; NaN is the greatest, as PostgreSQL sorts it. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  if (typeof a === 'string' || typeof b === 'string') return rankOf(a) - rankOf(b)
  const scale = Math.max(a.scale, b.scale)
  const [left, right] = [unitsAt(a, scale), unitsAt(b, scale)]
  if (left === right) return 0
  return left < right ? -1 : 1
}

const RANKS = { '-Infinity': -1, Infinity: 1, NaN: 2 } as const

const rankOf = (decimal: Decimal): number => (typeof decimal === 'string' ? RANKS[decimal] : 0)

const unitsAt = ({ units, scale }: { units: bigint; scale: number }, wanted: number): bigint =>
  units * 10n ** BigInt(wanted - scale)

/** The text PostgreSQL would print. */
export function printDecimal(decimal: Decimal): string {
  if (typeof decimal === 'string') return decimal
  const { units, scale } = decimal
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const fraction = scale === 0 ? '' : `.${digits.slice(-scale)}`
  return `${units < 0n ? '-' : ''}${whole}${fraction}`
}

/** One text for equal numbers, whatever their scale: 1.50 and 1.5 are the same group. */
export function canonicalDecimal(decimal: Decimal): string {
  const text = printDecimal(decimal)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}
