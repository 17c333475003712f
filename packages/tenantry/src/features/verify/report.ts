// The report of a run, and its signature: Ed25519 over the report's canonical JSON, so that an auditor can check it
// without the database.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { TenantryError } from '../../kernel/errors.ts'
import type { VerifyCheck } from './check.ts'

/** Which half of the run; both where there is none. */
export type VerifyHalf = 'catalogue' | 'probes'

/** What a run of verify answers. */
export interface VerifyReport {
  /** True where nothing failed. */
  readonly ok: boolean
  readonly checks: readonly VerifyCheck[]
  /** Id of the instance, which is part of its roles' names. */
  readonly instance: string
  readonly database: string
  readonly serverVersion: string
  readonly tenantryVersion: string
  /** ISO 8601. */
  readonly startedAt: string
  readonly finishedAt: string
  readonly only: VerifyHalf | null
  readonly readOnly: boolean
  /** Whether probes that could not run were accepted. */
  readonly allowSkipped: boolean
  /** SHA-256 over what isolation rests on in the catalogue; null where it was not looked at. */
  readonly fingerprint: string | null
  readonly parts: Readonly<Record<string, string>> | null
  /** Parts that differ from the run before; null where there was none to compare with. */
  readonly changed: readonly string[] | null
  /** Base64; over everything else in the report. */
  readonly signature: string
}

export type UnsignedReport = Omit<VerifyReport, 'signature'>

// DER of an Ed25519 private key in PKCS #8, up to its 32 bytes.
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The private key that has this seed of 32 bytes. */
export function keyOfSeed(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' })
}

/** The public half as PEM. */
export function publicKeyOf(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString()
}

/** The report with its signature. */
export function signReport(report: UnsignedReport, key: KeyObject): VerifyReport {
  return { ...report, signature: sign(null, canonicalBytes(report), key).toString('base64') }
}

/**
 * Checks a report's signature and returns what it says of itself. Needs no database.
 * Throws REPORT_INVALID where it is no report, was altered, or was signed with another key.
 */
export function checkReport(text: string, publicKey: string): VerifyReport {
  const report = parse(text)
  const { signature, ...unsigned } = report
  if (typeof signature !== 'string' || !isSigned(unsigned, signature, readKey(publicKey))) {
    throw new TenantryError('REPORT_INVALID', 'The signature does not match the report and the key.')
  }
  // Signed, so it has the shape that this package gave it.
  return report as unknown as VerifyReport
}

function isSigned(report: object, signature: string, key: KeyObject): boolean {
  return verify(null, canonicalBytes(report), key, Buffer.from(signature, 'base64'))
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed }
  } catch {
    // Told below, without the parser's words, which quote the text.
  }
  throw new TenantryError('REPORT_INVALID', 'The file is not a report of verify.')
}

function readKey(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Told below.
  }
  throw new TenantryError('REPORT_INVALID', 'The key file is not an Ed25519 public key in PEM.', {
    fix: 'Use what `tenantry verify --public-key` prints.',
  })
}

/** JSON without white space, keys sorted at every level: the same bytes from any reader and writer. */
function canonicalBytes(report: object): Buffer {
  return Buffer.from(JSON.stringify(sorted(report)), 'utf8')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sorted(member)]))
}
