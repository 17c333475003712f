// Reading a tenant reference: which column it names, and with which value.
import { TenantryError } from '../kernel/errors.ts'
import { isUuid, isValidSlug } from '../kernel/identifiers.ts'
import type { TenantRef } from './tenant.ts'

export interface TenantKey {
  readonly column: 'id' | 'slug'
  readonly value: string
}

/**
 * The column and value that a reference names.
 * Throws TENANT_NOT_FOUND for text that no tenant can have as its slug or id, INVALID_INPUT for anything but text.
 */
export function tenantKey(ref: TenantRef): TenantKey {
  if (typeof ref === 'string') return isUuid(ref) ? idKey(ref) : slugKey(ref)
  const given: unknown = ref // callers without types
  if (typeof given === 'object' && given !== null) {
    if ('id' in given && typeof given.id === 'string') return idKey(given.id)
    if ('slug' in given && typeof given.slug === 'string') return slugKey(given.slug)
  }
  throw new TenantryError('INVALID_INPUT', 'A tenant is named by its slug, its id, { slug } or { id }.', {
    field: 'tenant',
  })
}

function idKey(id: string): TenantKey {
  if (!isUuid(id)) throw new TenantryError('TENANT_NOT_FOUND', 'No tenant has this id: it is not a UUID.')
  return { column: 'id', value: id.toLowerCase() }
}

function slugKey(slug: string): TenantKey {
  if (!isValidSlug(slug)) throw new TenantryError('TENANT_NOT_FOUND', 'No tenant has this name: it is not a slug.')
  return { column: 'slug', value: slug }
}

/** TENANT_NOT_FOUND for a well-formed reference. */
export function tenantNotFound(key: TenantKey): TenantryError {
  return new TenantryError('TENANT_NOT_FOUND', `No tenant with the ${key.column} ${key.value}.`)
}
