// Which host a request was sent to, in the one form in which hosts are compared: lower case, without port and trailing
// dot, in ASCII. Pure.
import { domainToASCII } from 'node:url'
import { TenantryError } from '../../kernel/errors.ts'
import type { TenancyRequest } from './resolution.ts'

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)
// Anything else in ASCII would be split, decoded or dropped by who reads it as a URL.
const POSSIBLE = /^[a-z0-9.\-\u{80}-\u{10ffff}]+$/iu
const ASCII = /^[a-z0-9.-]+$/i
const LONGEST = 253
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\//i

// The same few hosts come again and again. Whoever makes hosts up gets them read each time, and pushes out at most these.
const MOST_KEPT = 2_000
const kept = new Map<string, string>()

/**
 * The name of a host as a Host header or a setting has it; undefined for an address, for text that is no name, and for
 * one that is too long. Never throws.
 */
export function hostName(text: string): string | undefined {
  const known = kept.get(text)
  if (known !== undefined) return known
  const name = readHostName(text)
  if (name === undefined) return undefined
  if (kept.size >= MOST_KEPT) kept.clear()
  kept.set(text, name)
  return name
}

function readHostName(text: string): string | undefined {
  // A name of 253 characters with a port; Unicode is longer in ASCII, so the bound holds for it, too.
  if (text.length === 0 || text.length > LONGEST + 7) return undefined
  const name = asciiName(withoutPort(text))
  if (name === undefined || name.length > LONGEST || !NAME.test(name) || isAddress(name)) return undefined
  return name
}

function withoutPort(text: string): string {
  const colon = text.indexOf(':')
  if (colon === -1) return text
  const port = text.slice(colon + 1)
  return /^\d{1,5}$/.test(port) && Number(port) <= 65_535 ? text.slice(0, colon) : ''
}

function asciiName(text: string): string | undefined {
  if (!POSSIBLE.test(text)) return undefined
  const ascii = ASCII.test(text) ? text.toLowerCase() : domainToASCII(text)
  return ascii.endsWith('.') ? ascii.slice(0, -1) : ascii
}

/** Whether the last label is a number, as in an IPv4 address in any of its spellings. */
function isAddress(name: string): boolean {
  const last = name.slice(name.lastIndexOf('.') + 1)
  return /^(?:\d+|0x[0-9a-f]*)$/.test(last)
}

/** The path of a request target, whichever form it has. */
export function pathOf(target: string): string {
  if (target.startsWith('/')) return withoutQuery(target)
  const rest = ABSOLUTE.test(target) ? target.replace(/^[^:]+:\/\/[^/?#]*/, '') : target
  const path = withoutQuery(rest)
  return path === '' ? '/' : path
}

function withoutQuery(target: string): string {
  const end = target.search(/[?#]/)
  return end === -1 ? target : target.slice(0, end)
}

/**
 * The host that a request names; undefined where it names none that could be a tenant's. `isTrusted` says whether the
 * peer is a proxy whose X-Forwarded-Host counts. Throws TENANT_CONFLICT where the request names several.
 */
export function hostOf(request: TenancyRequest, isTrusted: (address: string) => boolean): string | undefined {
  const host = request.header('host') ?? ''
  if (request.hasTwoHosts) throw new TenantryError('TENANT_CONFLICT', 'The request has more than one Host header.')
  refuseOtherAuthority(request.target, host)
  const forwarded = request.header('x-forwarded-host')
  if (forwarded === undefined || forwarded === '') return hostName(host)
  if (request.remoteAddress === undefined || !isTrusted(request.remoteAddress)) return hostName(host)
  if (forwarded.includes(',')) {
    throw new TenantryError('TENANT_CONFLICT', 'X-Forwarded-Host has more than one value.', {
      fix: 'Let the outermost proxy set X-Forwarded-Host, and the others pass it on unchanged.',
    })
  }
  return hostName(forwarded)
}

/** An absolute-form target goes before Host (RFC 9112), so one that differs could mean two tenants. */
function refuseOtherAuthority(target: string, host: string): void {
  if (target.startsWith('/') || !ABSOLUTE.test(target)) return
  const authority = target.replace(/^[^:]+:\/\//, '').split(/[/?#]/, 1)[0] ?? ''
  const [named, sent] = [hostName(authority), hostName(host)]
  const same = named === undefined ? authority.toLowerCase() === host.toLowerCase() : named === sent
  if (!same) throw new TenantryError('TENANT_CONFLICT', 'The request target names another host than the Host header.')
}
