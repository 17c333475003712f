// What a key looks like: a word for its kind, 256 random bits in letters and digits, and a checksum, so that text that
// is no key is known for that without a query, and scanners for leaked secrets can tell it from chance.
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const SYMBOLS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
// 62 ** 43 > 2 ** 256, and 62 ** 6 > 2 ** 32.
const RANDOM_LENGTH = 43
const CHECKSUM_LENGTH = 6
const FAIR = 4 * SYMBOLS.length
const SHOWN_LENGTH = 6
const FORM = /^tn_(?:key|svc)_[0-9A-Za-z]{49}$/
const WORDS = { tenant: 'tn_key_', service: 'tn_svc_' } as const

/** A new key of a tenant, `tn_key_…`, or a new service key, `tn_svc_…`. */
export function makeKey(kind: keyof typeof WORDS): string {
  const key = WORDS[kind] + randomSymbols()
  return key + checksum(key)
}

function randomSymbols(): string {
  let symbols = ''
  while (symbols.length < RANDOM_LENGTH) {
    // Bytes beyond the last whole multiple of 62 are left out, so that no symbol is likelier than another.
    for (const byte of randomBytes(64)) if (byte < FAIR) symbols += SYMBOLS.charAt(byte % SYMBOLS.length)
  }
  return symbols.slice(0, RANDOM_LENGTH)
}

/** Whether a text can be a key made here; almost no other text can. */
export function isKeyText(text: string): boolean {
  return FORM.test(text) && text.endsWith(checksum(text.slice(0, -CHECKSUM_LENGTH)))
}

/** The first characters of a key, which may stand in logs and lists: 220 random bits stay untold. */
export function shownPrefix(key: string): string {
  return key.slice(0, WORDS.tenant.length + SHOWN_LENGTH)
}

function checksum(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let i = 0; i < CHECKSUM_LENGTH; i += 1) {
    digits = `${SYMBOLS.charAt(rest % SYMBOLS.length)}${digits}`
    rest = Math.floor(rest / SYMBOLS.length)
  }
  return digits
}
