// Reads what a request brings and checks it once, here: body, query and the tenant that the path names. Messages name
// the field and never its value.
import type { Context } from 'hono'
import type { z } from 'zod'
import { TenantryError } from '../../kernel/errors.ts'
import { isUuid, isValidSlug } from '../../kernel/identifiers.ts'
import type { Env } from './app.ts'
import { readJson } from './body.ts'

/**
 * The tenant that the path names, by slug or id, or the id of the one that the guard let the caller into.
 * TENANT_NOT_FOUND for text that can be neither.
 */
export function tenantOf(c: Context<Env>): string {
  const admitted = c.get('tenantId')
  if (admitted !== undefined) return admitted
  const ref = c.req.param('tenant') ?? ''
  if (isUuid(ref) || isValidSlug(ref)) return ref
  throw new TenantryError('TENANT_NOT_FOUND', 'The path names neither a slug nor the id of a tenant.')
}

/** A name of the path, whose form the library checks. INVALID_INPUT for what PostgreSQL cannot store. */
export function paramOf(c: Context<Env>, name: string): string {
  const value = c.req.param(name) ?? ''
  refuseUnstorable(value, name)
  return value
}

/**
 * The query, checked. INVALID_INPUT or UNKNOWN_FIELD, naming the parameter.
 */
export function queryOf<S extends z.ZodType>(c: Context<Env>, schema: S): z.output<S> {
  const query: Record<string, string> = {}
  for (const [name, values] of Object.entries(c.req.queries())) {
    const [value = '', ...more] = values
    if (more.length > 0) throw invalid(name, 'is given more than once')
    refuseUnstorable(value, name)
    Object.defineProperty(query, name, { value, enumerable: true })
  }
  return check(query, schema)
}

/** The JSON body, checked; a missing one counts as `{}` where `optional`. Throws the codes of readJson, INVALID_INPUT and UNKNOWN_FIELD. */
export async function bodyOf<S extends z.ZodType>(
  c: Context<Env>,
  schema: S,
  options: { readonly optional?: boolean } = {},
): Promise<z.output<S>> {
  return check(await jsonOf(c, options), schema)
}

/** The JSON body before its fields are checked. */
export async function jsonOf(c: Context<Env>, options: { readonly optional?: boolean } = {}): Promise<unknown> {
  const given = { limitBytes: c.get('bodyLimitBytes'), bytes: c.get('bodyBytes') }
  const body = await readJson(c.req.raw, { ...given, optional: options.optional ?? false })
  refuseUnstorable(body, '')
  return body
}

/** Checks input against its schema; INVALID_INPUT or UNKNOWN_FIELD for the first thing that is wrong. */
export function check<S extends z.ZodType>(input: unknown, schema: S): z.output<S> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  if (issue?.code === 'unrecognized_keys') {
    const field = shown([...issue.path, issue.keys[0] ?? ''])
    throw new TenantryError('UNKNOWN_FIELD', `There is no field "${field}" here.`, { field })
  }
  const field = shown(issue?.path ?? [])
  throw field === ''
    ? new TenantryError('INVALID_INPUT', 'The body must be one JSON object.')
    : invalid(field, issue?.message ?? 'is not valid')
}

const MAX_DEPTH = 64
// PostgreSQL stores neither in text nor in jsonb what JSON can spell: zero bytes and lone surrogates.
const UNSTORABLE = /[\0\p{Surrogate}]/u

function refuseUnstorable(value: unknown, field: string, depth = 0): void {
  if (depth > MAX_DEPTH) throw invalid(field, `is nested deeper than ${MAX_DEPTH} levels`)
  if (typeof value === 'string' && UNSTORABLE.test(value)) {
    throw invalid(field, 'holds a zero byte or half a surrogate pair, which PostgreSQL cannot store')
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    const name = field === '' ? shown([key]) : field
    // zod would drop it without a word.
    if (key === '__proto__') throw invalid(name, 'holds the key __proto__')
    refuseUnstorable(key, name, depth)
    refuseUnstorable(inner, name, depth + 1)
  }
}

function invalid(field: string, what: string): TenantryError {
  return new TenantryError('INVALID_INPUT', `The field "${field}" is not valid: ${what}.`, { field })
}

/** A field's path for a message: short, and printable whatever the caller sent. */
function shown(path: readonly PropertyKey[]): string {
  return path
    .map(String)
    .join('.')
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, 100)
}
