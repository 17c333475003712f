// Checks the shape of what a plan file holds, piece by piece, and says where it is wrong.
import type { TenantryError } from '../../kernel/errors.ts'

export interface Place {
  at(part: string | number): Place
  wrong(what: string): TenantryError
}

export type Check<T> = (given: unknown, place: Place) => T

export const text: Check<string> = (given, place) => {
  if (typeof given === 'string' && given !== '' && !given.includes('\0')) return given
  throw place.wrong('is not a text')
}

export const bool: Check<boolean> = (given, place) => {
  if (typeof given === 'boolean') return given
  throw place.wrong('is neither true nor false')
}

export const count: Check<number> = (given, place) => {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given >= 0) return given
  throw place.wrong('is not a whole number from 0 on')
}

export function value<const T extends string | number>(wanted: T): Check<T> {
  return (given, place) => {
    if (given === wanted) return wanted
    throw place.wrong(`is not ${wanted}`)
  }
}

export function oneOf<const T extends string>(...wanted: readonly T[]): Check<T> {
  return (given, place) => {
    const found = wanted.find((each) => each === given)
    if (found !== undefined) return found
    throw place.wrong(`is none of ${wanted.join(', ')}`)
  }
}

export function nullable<T>(check: Check<T>): Check<T | null> {
  return (given, place) => (given === null ? null : check(given, place))
}

export function list<T>(check: Check<T>, least = 0): Check<readonly T[]> {
  return (given, place) => {
    if (!Array.isArray(given)) throw place.wrong('is not a list')
    if (given.length < least) throw place.wrong('is an empty list')
    return given.map((each: unknown, i) => check(each, place.at(i)))
  }
}

/** An object with exactly these keys. */
export function object<T extends object>(checks: { readonly [K in keyof T]: Check<T[K]> }): Check<T> {
  const names = Object.keys(checks)
  return (given, place) => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) throw place.wrong('is not a group of keys')
    const held = new Map<string, unknown>(Object.entries(given))
    const unknown = [...held.keys()].find((name) => !names.includes(name))
    if (unknown !== undefined) throw place.at(unknown).wrong('is not known')
    const read: Partial<T> = {}
    for (const name of names as (keyof T & string)[]) {
      if (!held.has(name)) throw place.at(name).wrong('is missing')
      read[name] = checks[name](held.get(name), place.at(name))
    }
    // Every key of T has been read above.
    return read as T
  }
}
