// Checks what comes in from outside, once; everything behind it trusts its types. Messages name the field and the
// rule, never the value.
import { TenantryError } from '../kernel/errors.ts'
import { isValidSchemaName, isValidSlug, schemaNameFor, slugFrom } from '../kernel/identifiers.ts'
import { anyText, checkFields, flag, jsonObject, nullable, oneOf, text } from './field-checks.ts'
import type { TenantDefaults } from './options.ts'
import { type Isolation, isolations, type JsonObject, type UpdateTenant } from './tenant.ts'

const createFields = {
  name: text(255),
  slug: anyText,
  schemaName: anyText,
  plan: text(100),
  isolation: oneOf(isolations),
  provision: flag,
  ownerUserId: text(255),
  settings: jsonObject,
  metadata: jsonObject,
}

const updateFields = {
  name: text(255),
  plan: nullable(text(100)),
  ownerUserId: nullable(text(255)),
  settings: jsonObject,
  metadata: jsonObject,
}

/** A checked and completed `create`. */
export interface NewTenant {
  /** Reserved beforehand; default: a new one. */
  readonly id?: string
  readonly name: string
  readonly slug: string
  readonly schemaName: string
  readonly plan: string | null
  readonly isolation: Isolation
  readonly provision: boolean
  readonly ownerUserId: string | null
  readonly settings: JsonObject
  readonly metadata: JsonObject
}

/**
 * Checks a `create` and fills in its defaults.
 * Throws INVALID_INPUT, UNKNOWN_FIELD, SLUG_INVALID, SLUG_RESERVED or SCHEMA_NAME_INVALID.
 */
export function checkCreate(input: unknown, defaults: TenantDefaults): NewTenant {
  const given = checkFields(createFields, input)
  const name = createFields.name(given.name, 'name')
  const slug = checkSlug(given.slug, name, defaults.reservedSlugs)
  return {
    name,
    slug,
    schemaName: given.schemaName === undefined ? schemaNameFor(slug) : checkSchemaName(given.schemaName),
    plan: given.plan ?? null,
    isolation: given.isolation ?? defaults.isolation,
    provision: given.provision ?? defaults.autoProvision,
    ownerUserId: given.ownerUserId ?? null,
    settings: given.settings ?? {},
    metadata: given.metadata ?? {},
  }
}

const verbOfField: Readonly<Record<string, string>> = {
  status: 'use suspend, activate, deactivate, delete or restore',
  slug: 'a slug stays for the life of its tenant; create another tenant for another slug',
  isolation: 'isolation is chosen when the tenant is created',
  schemaName: 'the schema name is chosen when the tenant is created',
  id: 'the id is given once',
}

/** Checks an `update`. Throws INVALID_INPUT, UNKNOWN_FIELD, or FIELD_IMMUTABLE naming what to use instead. */
export function checkUpdate(change: unknown): UpdateTenant {
  const fields = typeof change === 'object' && change !== null ? Object.keys(change) : []
  for (const field of fields) {
    const advice = Object.hasOwn(verbOfField, field) ? verbOfField[field] : undefined
    if (advice === undefined) continue
    throw new TenantryError('FIELD_IMMUTABLE', `"${field}" cannot be updated: ${advice}.`, { field, fix: advice })
  }
  return checkFields(updateFields, change)
}

/** Checks the reason of a suspension. Throws INVALID_INPUT. */
export function checkReason(reason: string | undefined): string | null {
  return reason === undefined ? null : text(500)(reason, 'reason')
}

/** The slug that was given, or one made from the name. Throws SLUG_INVALID, SLUG_RESERVED. */
export function checkSlug(given: string | undefined, name: string, reserved: readonly string[]): string {
  const slug = given ?? slugFrom(name)
  if (!isValidSlug(slug)) {
    const message =
      given === undefined ? 'No slug can be made from this name; give a slug.' : 'The slug is not a valid one.'
    throw new TenantryError('SLUG_INVALID', message, { field: 'slug' })
  }
  // Tombstones carry slugs of this form.
  if (reserved.includes(slug) || /^purged-[0-9a-f]{32}$/.test(slug)) {
    throw new TenantryError('SLUG_RESERVED', `The slug ${slug} is reserved.`, { field: 'slug' })
  }
  return slug
}

function checkSchemaName(name: string): string {
  // Archived schemas and tombstones carry names of these forms.
  if (isValidSchemaName(name) && !/^(archived|purged)_/.test(name)) return name
  throw new TenantryError('SCHEMA_NAME_INVALID', 'The schema name is not a valid one.', { field: 'schemaName' })
}
