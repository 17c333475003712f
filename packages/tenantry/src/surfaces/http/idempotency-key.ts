// The Idempotency-Key of a request, as draft-ietf-httpapi-idempotency-key-header writes it, or bare.
import { invalidKey } from '../../features/idempotency/idempotency.ts'

const QUOTED = /^"((?:[ !#-[\]-~]|\\["\\])+)"$/
const BARE = /^[!#-~][!-~]*$/
const LONGEST = 255

/** The key that the header carries; INVALID_INPUT for anything but 1-255 printable ASCII characters, quoted or not. */
export function idempotencyKeyOf(header: string): string {
  const quoted = QUOTED.exec(header)?.[1]?.replaceAll(/\\(.)/g, '$1')
  const key = quoted ?? (BARE.test(header) ? header : '')
  if (key === '' || key.length > LONGEST) throw invalidKey()
  return key
}
