// Versions of tenants as ETags: If-None-Match saves a body, If-Match keeps two editors from overwriting each other.
import { TenantryError } from '../../kernel/errors.ts'
import type { Tenant } from '../../tenants/tenant.ts'

/** The strong ETag of a tenant: its version. */
export function etagOf(tenant: Tenant): string {
  return `"${tenant.version}"`
}

/** Whether the caller already has this version (If-None-Match compares weakly, RFC 9110 13.1.2). */
export function isUnchanged(header: string | undefined, tenant: Tenant): boolean {
  const tags = tagsOf(header).map((tag) => tag.replace(/^W\//, ''))
  return tags.includes('*') || tags.includes(etagOf(tenant))
}

/**
 * The version that If-Match asks for; undefined where any will do. PRECONDITION_FAILED for a tag that no version has:
 * a weak one, several, or another server's.
 */
export function versionAsked(header: string | undefined): number | undefined {
  const tags = tagsOf(header)
  if (tags.length === 0 || tags.includes('*')) return undefined
  const version = /^"([0-9]{1,9})"$/.exec(tags.length === 1 ? (tags[0] ?? '') : '')?.[1]
  if (version !== undefined) return Number(version)
  throw new TenantryError('PRECONDITION_FAILED', 'If-Match does not hold one strong ETag of a tenant.')
}

function tagsOf(header: string | undefined): readonly string[] {
  return (header ?? '')
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '')
}
