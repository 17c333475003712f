import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fitIdentifier,
  hasSubdomain,
  isUuid,
  isValidSchemaName,
  isValidSlug,
  quoteIdentifier,
  quoteLiteral,
  schemaNameFor,
  slugFrom,
} from './identifiers.ts'

const slug = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,98}[a-z0-9]$/).filter(isValidSlug)

describe('slugs', () => {
  test('the examples of the Boundary document hold', () => {
    expect(isValidSlug('acme-corp')).toBe(true)
    expect(isValidSlug('ACME')).toBe(false)
    expect(isValidSlug('acme_corp')).toBe(false)
    expect(schemaNameFor('acme-corp')).toBe('tenant_acme_corp')
  })

  test.each(['a', 'a'.repeat(101), '-a', 'a-', '', 'acme\n', '\u0430cme', 'xn--80ak6aa92e', 'a b', 'a.b', 'acmé'])(
    '%j is none',
    (text) => {
      expect(isValidSlug(text)).toBe(false)
    },
  )

  test('no UUID is one, so a reference is never ambiguous', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(isUuid(id)).toBe(true)
        expect(isValidSlug(id)).toBe(false)
      }),
    )
  })

  test('whatever the name, the slug made from it is a valid one or no slug at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        const made = slugFrom(name)
        expect(made.length).toBeLessThanOrEqual(100)
        if (made.length >= 2 && !isUuid(made) && !made.startsWith('xn--')) expect(isValidSlug(made)).toBe(true)
      }),
    )
  })

  test('have a subdomain up to the 63 characters of a DNS label', () => {
    expect([hasSubdomain('a'.repeat(63)), hasSubdomain('a'.repeat(64))]).toEqual([true, false])
  })
})

describe('schema names', () => {
  test('are valid for every slug, and differ where slugs differ', () => {
    fc.assert(
      fc.property(slug, slug, (one, other) => {
        expect(isValidSchemaName(schemaNameFor(one))).toBe(true)
        expect(schemaNameFor(one) === schemaNameFor(other)).toBe(one === other)
      }),
    )
  })

  test('of long slugs that begin alike are cut to 63 bytes and still differ', () => {
    const head = 'a'.repeat(90)
    const [one, other] = [schemaNameFor(`${head}-one`), schemaNameFor(`${head}-two`)]
    expect(one).not.toBe(other)
    expect([one.length, other.length]).toEqual([63, 63])
    expect(one).toMatch(/_[0-9a-f]{8}$/)
  })

  test.each([
    'public',
    'pg_catalog',
    'pg_temp_1',
    'information_schema',
    'tenantry',
    'Acme',
    '1a',
    '_a',
    'a-b',
    'a\n',
    '',
  ])('%j is none', (name) => {
    expect(isValidSchemaName(name)).toBe(false)
  })
})

describe('identifiers', () => {
  test('fit into 63 bytes whatever their characters, and stay as they are where they fit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 120 }), (name) => {
        const fitted = fitIdentifier(name)
        expect(Buffer.byteLength(fitted)).toBeLessThanOrEqual(63)
        if (Buffer.byteLength(name) <= 63) expect(fitted).toBe(name)
      }),
    )
  })

  test('and literals cannot end their quotes early', () => {
    const hostile = fc.string({ unit: fc.constantFrom('"', "'", '\\', 'a', ';', '-', '\n'), maxLength: 20 })
    fc.assert(
      fc.property(hostile, (text) => {
        expect(quoteIdentifier(text).slice(1, -1).replaceAll('""', '')).not.toContain('"')
        const inner = quoteLiteral(text).replace(/^E?'|'$/g, '')
        expect(inner.replaceAll('\\\\', '').replaceAll("''", '')).not.toMatch(/['\\]/)
      }),
    )
  })

  test('with a zero byte are refused', () => {
    expect(() => quoteIdentifier('a\0b')).toThrow('zero byte')
    expect(() => quoteLiteral('a\0b')).toThrow('zero byte')
  })
})
