// Checks what is asked of organizations and teams, once. Messages name the field and the rule, never the value.
import { TenantryError } from '../../kernel/errors.ts'
import { isUuid, isValidSlug } from '../../kernel/identifiers.ts'
import { emailAddress } from '../../tenants/email-address.ts'
import { anyText, checkFields, jsonObject, nullable, oneOf, text } from '../../tenants/field-checks.ts'
import { checkSlug } from '../../tenants/input.ts'
import { checkFilter, checkLimit } from '../../tenants/paging.ts'
import type { JsonObject, TenantRef } from '../../tenants/tenant.ts'
import { type ListQuery, type OrganizationRole, organizationRoles } from './organization.ts'

const createFields = { name: text(255), slug: anyText, ownerUserId: text(255), metadata: jsonObject }
const updateFields = { name: text(255), metadata: jsonObject }
const memberFields = { userId: text(255), email: emailAddress, role: oneOf(organizationRoles) }
const teamFields = { name: text(255), slug: anyText }
// A reference to a tenant is checked where it is looked up.
const tenantFields = { tenant: (value: unknown) => value as TenantRef, memberRole: nullable(text(63)) }

export interface NewOrganization {
  readonly name: string
  readonly slug: string
  readonly ownerUserId: string | null
  readonly metadata: JsonObject
}

/** Throws INVALID_INPUT, UNKNOWN_FIELD, SLUG_INVALID, SLUG_RESERVED. */
export function checkOrganization(input: unknown, reserved: readonly string[]): NewOrganization {
  const given = checkFields(createFields, input)
  const name = createFields.name(given.name, 'name')
  const slug = checkSlug(given.slug, name, reserved)
  return { name, slug, ownerUserId: given.ownerUserId ?? null, metadata: given.metadata ?? {} }
}

/** Throws INVALID_INPUT, UNKNOWN_FIELD. */
export function checkChange(change: unknown): { readonly name?: string; readonly metadata?: JsonObject } {
  return checkFields(updateFields, change)
}

export interface NewMember {
  readonly userId: string
  readonly email?: string
  readonly role?: OrganizationRole
}

/** Throws INVALID_INPUT, UNKNOWN_FIELD. */
export function checkMember(input: unknown): NewMember {
  const given = checkFields(memberFields, input)
  return { ...given, userId: checkUserId(given.userId) }
}

export function checkUserId(userId: unknown): string {
  return memberFields.userId(userId, 'userId')
}

/** A tenant to add; `memberRole` is absent where it is to stay as it is. Throws INVALID_INPUT, UNKNOWN_FIELD. */
export function checkTenant(input: unknown): { readonly tenant: TenantRef; readonly memberRole?: string | null } {
  const { tenant = '', ...given } = checkFields(tenantFields, input)
  return { tenant, ...given }
}

/** Teams have no address of their own on the web, so that no word is reserved. Throws INVALID_INPUT, SLUG_INVALID. */
export function checkTeam(input: unknown): { readonly name: string; readonly slug: string } {
  const given = checkFields(teamFields, input)
  const name = teamFields.name(given.name, 'name')
  return { name, slug: checkSlug(given.slug, name, []) }
}

/** The name of a role, or null to take it away. Throws INVALID_INPUT. */
export function checkRole(role: unknown): string | null {
  return nullable(text(63))(role, 'role')
}

export interface Key {
  readonly column: 'id' | 'slug'
  readonly value: string
}

/** What a slug or id names; undefined for text that can be neither. */
export function keyOf(ref: unknown): Key | undefined {
  if (typeof ref !== 'string') return undefined
  if (isUuid(ref)) return { column: 'id', value: ref.toLowerCase() }
  return isValidSlug(ref) ? { column: 'slug', value: ref } : undefined
}

export interface CheckedQuery {
  readonly limit: number
  readonly cursor: string | undefined
  readonly search: string | null
}

/** Throws INVALID_INPUT. */
export function checkQuery(options: ListQuery): CheckedQuery {
  const search = checkFilter('search', options.search)
  return { limit: checkLimit(options.limit), cursor: options.cursor, search: search?.toLowerCase() ?? null }
}

export function organizationNotFound(): TenantryError {
  return new TenantryError('ORGANIZATION_NOT_FOUND', 'There is no such organization.')
}

export function teamNotFound(): TenantryError {
  return new TenantryError('TEAM_NOT_FOUND', 'The organization has no such team.')
}

export function memberNotFound(what: string): TenantryError {
  return new TenantryError('MEMBER_NOT_FOUND', `The user is not a member of the ${what}.`, { field: 'userId' })
}

export function notItsTenant(): TenantryError {
  return new TenantryError('TENANT_NOT_FOUND', 'The tenant does not belong to this organization.', { field: 'tenant' })
}
