// Names that reach SQL or a URL: slugs, schema names and identifiers. Everything here is pure; every generated
// or user-given identifier passes through this file before it is put into a statement.
import { createHash } from 'node:crypto'
import { TenantryError } from './errors.ts'

const SLUG = /^[a-z0-9][a-z0-9-]{0,98}[a-z0-9]$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const SCHEMA = /^[a-z][a-z0-9_]{0,62}$/
const IDENTIFIER_BYTES = 63
const SUBDOMAIN_LABEL = 63

/** Slugs that no tenant may take, because they name hosts and paths of the platform itself. */
export const reservedSlugs: readonly string[] = [
  'admin',
  'api',
  'app',
  'assets',
  'auth',
  'blog',
  'cdn',
  'console',
  'dashboard',
  'dev',
  'docs',
  'ftp',
  'health',
  'help',
  'imap',
  'internal',
  'localhost',
  'login',
  'mail',
  'metrics',
  'ns1',
  'ns2',
  'pop',
  'public',
  'ready',
  'root',
  'smtp',
  'staging',
  'static',
  'status',
  'support',
  'system',
  'tenantry',
  'test',
  'webhook',
  'webhooks',
  'www',
]

const RESERVED_SCHEMAS = new Set(['public', 'information_schema', 'tenantry', 'pg_catalog', 'pg_toast', 'pg_temp'])

/** Whether the text has the shape of a UUID, of any version. */
export function isUuid(text: string): boolean {
  return UUID.test(text) && text.length === 36
}

/**
 * Whether the text may be a tenant's slug: 2-100 lowercase letters, digits and hyphens, neither UUID-shaped nor
 * punycode. Reserved words are a matter of configuration and are not looked at here.
 *
 * @example
 * ```ts
 * isValidSlug('acme-corp') // true
 * isValidSlug('ACME') // false
 * isValidSlug('acme_corp') // false
 * ```
 */
export function isValidSlug(text: string): boolean {
  return SLUG.test(text) && !isUuid(text) && !text.startsWith('xn--')
}

/** Whether a tenant with this slug can have a subdomain: a DNS label holds 63 characters. */
export function hasSubdomain(slug: string): boolean {
  return slug.length <= SUBDOMAIN_LABEL
}

/**
 * The schema name of a slug: `tenant_` and the slug with `-` as `_`, cut to 63 bytes and ended with a hash where
 * it is longer.
 *
 * @example
 * ```ts
 * schemaNameFor('acme-corp') // 'tenant_acme_corp'
 * ```
 */
export function schemaNameFor(slug: string): string {
  return fitIdentifier(`tenant_${slug.replaceAll('-', '_')}`)
}

/** Cuts a generated identifier to PostgreSQL's 63 bytes; a cut one ends with `_` and 8 hex digits of its hash. */
export function fitIdentifier(name: string): string {
  if (Buffer.byteLength(name) <= IDENTIFIER_BYTES) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8)
  let head = name
  while (Buffer.byteLength(head) > IDENTIFIER_BYTES - 9) head = head.slice(0, -1)
  return `${head}_${hash}`
}

/** Whether the text may be a tenant's schema: unquoted lowercase, at most 63 bytes, not PostgreSQL's or ours. */
export function isValidSchemaName(text: string): boolean {
  return SCHEMA.test(text) && !/^(pg|tenantry)_/.test(text) && !RESERVED_SCHEMAS.has(text)
}

/** A slug from a display name: lowercase, accents dropped, everything else a hyphen. Empty where nothing is left. */
export function slugFrom(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 100)
    .replace(/-+$/, '')
}

/** Quotes an identifier for SQL text. */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new TenantryError('INVALID_INPUT', 'An identifier contains a zero byte.')
  return `"${name.replaceAll('"', '""')}"`
}

/** Quotes a literal for SQL text, for statements that take no parameters (DDL). */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new TenantryError('INVALID_INPUT', 'A literal contains a zero byte.')
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`
  return text.includes('\\') ? `E${quoted}` : quoted
}
