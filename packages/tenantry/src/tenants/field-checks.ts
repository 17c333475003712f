// Checks of single input fields, and of an object made of them. Messages name the field and the rule, never the value.
import { TenantryError } from '../kernel/errors.ts'
import type { JsonObject } from './tenant.ts'

/** Returns the value with its type, or throws INVALID_INPUT for the field. */
export type Check<T> = (value: unknown, field: string) => T

/** What an object of checks lets through: every field may be absent. */
export type Checked<C extends Readonly<Record<string, Check<unknown>>>> = {
  readonly [Field in keyof C]?: ReturnType<C[Field]>
}

// PostgreSQL stores neither zero bytes nor halves of surrogate pairs.
const NOT_STORABLE = /\0|[\uD800-\uDFFF]/u
const MAX_DEPTH = 64

/**
 * Checks each field of an object that is there; `undefined` counts as absent.
 * Throws UNKNOWN_FIELD for one without a check, and INVALID_INPUT.
 */
export function checkFields<C extends Readonly<Record<string, Check<unknown>>>>(checks: C, input: unknown): Checked<C> {
  if (!isPlainObject(input)) throw new TenantryError('INVALID_INPUT', 'The input must be an object.')
  const checked: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(input)) {
    const check = Object.hasOwn(checks, field) ? checks[field] : undefined
    if (check === undefined) {
      throw new TenantryError('UNKNOWN_FIELD', 'The input has a field that is not known.', { field })
    }
    if (value !== undefined) checked[field] = check(value, field)
  }
  // Each value came out of the check that C has for its field.
  return checked as Checked<C>
}

/** A text that is not blank. */
export function text(max: number): Check<string> {
  return (value, field) => {
    const given = anyText(value, field)
    if (given.length > max) throw invalid(field, `must have at most ${max} characters`)
    if (given.trim() === '') throw invalid(field, 'must not be blank')
    if (NOT_STORABLE.test(given)) throw invalid(field, 'must be Unicode text without zero bytes')
    return given
  }
}

export const anyText: Check<string> = (value, field) => {
  if (typeof value !== 'string') throw invalid(field, 'must be a text')
  return value
}

export const flag: Check<boolean> = (value, field) => {
  if (typeof value !== 'boolean') throw invalid(field, 'must be true or false')
  return value
}

export function oneOf<T extends string>(allowed: readonly T[]): Check<T> {
  return (value, field) => {
    const found = allowed.find((candidate) => candidate === value)
    if (found === undefined) throw invalid(field, `must be one of ${allowed.join(', ')}`)
    return found
  }
}

export function nullable<T>(check: Check<T>): Check<T | null> {
  return (value, field) => (value === null ? null : check(value, field))
}

export const jsonObject: Check<JsonObject> = (value, field) => {
  if (!isPlainObject(value)) throw invalid(field, 'must be a JSON object')
  if (!isStorableJson(value, MAX_DEPTH)) {
    throw invalid(field, `must be JSON of at most ${MAX_DEPTH} levels, its texts Unicode without zero bytes`)
  }
  return value
}

function isStorableJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value === 'string') return !NOT_STORABLE.test(value)
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every((item) => isStorableJson(item, depth - 1))
  if (!isPlainObject(value)) return false
  return Object.entries(value).every(([key, item]) => !NOT_STORABLE.test(key) && isStorableJson(item, depth - 1))
}

function isPlainObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function invalid(field: string, rule: string): TenantryError {
  return new TenantryError('INVALID_INPUT', `"${field}" ${rule}.`, { field })
}
