// Dates and timestamps as PostgreSQL prints them, as microseconds: a Date would lose three digits and the far years. Pure.

const ISO =
  /^(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?( BC)?$/

const FAR = 10n ** 30n

/** Microseconds since 1970; undefined where the text is no ISO date. */
export function instantOf(text: string): bigint | undefined {
  if (text === 'infinity') return FAR
  if (text === '-infinity') return -FAR
  const parts = ISO.exec(text)
  if (!parts) return undefined
  const number = (index: number) => Number(parts[index] ?? 0)
  const year = parts[12] === undefined ? number(1) : 1 - number(1)
  const days = daysSince1970(year, number(2), number(3))
  const east = parts[8] === '-' ? -1 : 1
  const zone = east * (number(9) * 3600 + number(10) * 60 + number(11))
  const seconds = days * 86_400 + number(4) * 3600 + number(5) * 60 + number(6) - zone
  return BigInt(seconds) * 1_000_000n + BigInt((parts[7] ?? '').padEnd(6, '0'))
}

/** Days of the proleptic Gregorian calendar: years begin in March, so that the leap day is their last. */
function daysSince1970(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1
  const marchMonth = (month + 9) % 12
  const leaps = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400)
  return 365 * marchYear + leaps + Math.floor((153 * marchMonth + 2) / 5) + day - 1 - 719_468
}
