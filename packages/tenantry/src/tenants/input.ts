// Checks what comes in from outside, once; everything behind it trusts its types. Messages name the field and the
// rule, never the value.
import { z } from 'zod'
import { TenantryError } from '../kernel/errors.ts'
import { isValidSchemaName, isValidSlug, schemaNameFor, slugFrom } from '../kernel/identifiers.ts'
import type { TenantDefaults } from './options.ts'
import { type Isolation, isolations, type JsonObject, type UpdateTenant } from './tenant.ts'

const NOT_STORABLE = /\0|[\uD800-\uDFFF]/u
// In JSON text: an escaped zero byte or lone surrogate, which jsonb refuses.
const NOT_STORABLE_JSON = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/i

const text = (max: number) =>
  z
    .string()
    .max(max, `must have at most ${max} characters`)
    .refine((value) => value.trim() !== '', 'must not be blank')
    .refine((value) => !NOT_STORABLE.test(value), 'must be Unicode text without zero bytes')

const jsonObject = z
  .record(z.string(), z.json())
  .refine((value) => !NOT_STORABLE_JSON.test(JSON.stringify(value)), 'must be Unicode text without zero bytes')

const createSchema = z.strictObject({
  name: text(255),
  slug: z.string().optional(),
  schemaName: z.string().optional(),
  plan: text(100).optional(),
  isolation: z.enum(isolations).optional(),
  provision: z.boolean().optional(),
  ownerUserId: text(255).optional(),
  settings: jsonObject.optional(),
  metadata: jsonObject.optional(),
})

const updateSchema = z.strictObject({
  name: text(255).optional(),
  plan: text(100).nullable().optional(),
  ownerUserId: text(255).nullable().optional(),
  settings: jsonObject.optional(),
  metadata: jsonObject.optional(),
})

const reasonSchema = text(500).optional()

/** A checked and completed `create`. */
export interface NewTenant {
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
  const given = parse(createSchema, input)
  const slug = checkSlug(given.slug, given.name, defaults.reservedSlugs)
  return {
    name: given.name,
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
  const { name, settings, metadata, ...nullable } = parse(updateSchema, change)
  return {
    ...(name === undefined ? {} : { name }),
    ...(settings === undefined ? {} : { settings }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(nullable.plan === undefined ? {} : { plan: nullable.plan }),
    ...(nullable.ownerUserId === undefined ? {} : { ownerUserId: nullable.ownerUserId }),
  }
}

/** Checks the reason of a suspension. Throws INVALID_INPUT. */
export function checkReason(reason: string | undefined): string | null {
  return parse(z.strictObject({ reason: reasonSchema }), { reason }).reason ?? null
}

function checkSlug(given: string | undefined, name: string, reserved: readonly string[]): string {
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

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const field = issue?.path[0] === undefined ? undefined : String(issue.path[0])
  if (issue?.code === 'unrecognized_keys') {
    const [unknown = ''] = issue.keys
    throw new TenantryError('UNKNOWN_FIELD', 'The input has a field that is not known.', { field: unknown })
  }
  throw new TenantryError(
    'INVALID_INPUT',
    field === undefined ? 'The input must be an object.' : `"${field}" ${issue?.message ?? 'is not valid'}.`,
    field === undefined ? {} : { field },
  )
}
