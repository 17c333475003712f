import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { displayWidth, fit, pad, plain } from './text.ts'

describe('text for a terminal', () => {
  it('loses escape sequences, bells and marks that turn its direction', () => {
    expect(plain('\u001b[31mred\u001b[0m \u0007bell \u202egnp.exe \u009b2J')).not.toMatch(
      /[\u0000-\u001f\u007f-\u009f\u202e]/,
    )
    expect(plain('\u001b]0;title\u0007name')).toBe('name')
  })

  it('stays on one line', () => {
    expect(plain('a\r\nb\tc\u2028d')).toBe('a b c d')
  })

  it('keeps letters of every script', () => {
    expect(plain('Zoë 株式会社 שלום 👩‍👩‍👧')).toBe('Zoë 株式会社 שלום 👩‍👩‍👧')
  })

  it('counts wide characters twice and combining marks not at all', () => {
    expect(displayWidth('abc')).toBe(3)
    expect(displayWidth('株式')).toBe(4)
    expect(displayWidth('e\u0301')).toBe(1)
    expect(displayWidth('👩‍👩‍👧')).toBe(2)
  })

  it('is cut between characters and never wider than asked', () => {
    expect(fit('株式会社', 5)).toBe('株式…')
    expect(fit('short', 5)).toBe('short')
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, columns) => {
        expect(displayWidth(fit(text, columns))).toBeLessThanOrEqual(columns)
      }),
    )
  })

  it('never keeps a control character, whatever comes in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(plain(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/)
      }),
    )
  })

  it('is filled up to its column on either side', () => {
    expect(pad('株', 4)).toBe('株  ')
    expect(pad('7', 3, 'right')).toBe('  7')
  })
})
