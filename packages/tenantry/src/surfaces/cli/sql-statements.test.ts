import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBlankSql, splitSql } from './sql-statements.ts'

describe('cutting SQL into statements', () => {
  it('ends a statement at a semicolon and keeps what follows the last one', () => {
    expect(splitSql('select 1; select 2;\n select')).toEqual({
      statements: ['select 1', 'select 2'],
      rest: '\n select',
    })
  })

  it('looks through strings, identifiers, dollar quotes and comments', () => {
    const whole = [
      `select 'a;b'`,
      `select 'it''s;'`,
      String.raw`select E'\';'`,
      String.raw`select '\'`,
      `select ";" from "a;""b"`,
      `select $$;$$`,
      `select $tag$ $$ ; $tag$`,
      `select 1 -- ;\n + 1`,
      `select /* ; /* ; */ ; */ 1`,
      `select a$1$b, 2`,
    ]
    for (const statement of whole) expect(splitSql(`${statement};`)).toEqual({ statements: [statement], rest: '' })
    expect(splitSql(`${whole.join(';')};`).statements).toEqual(whole)
  })

  it('waits for the end of what is still open', () => {
    for (const open of [`select 'a;`, `select "a;`, `select $$ ;`, `select $x$ ; $$`, `select /* ; `]) {
      expect(splitSql(open)).toEqual({ statements: [], rest: open })
    }
  })

  it('drops statements that hold nothing', () => {
    expect(splitSql(';; -- note\n ;/* x */;').statements).toEqual([])
    expect(isBlankSql(' -- a\n /* b */ ')).toBe(true)
    expect(isBlankSql(' -- a\n x')).toBe(false)
  })

  it('loses nothing of any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', "'", '"', '$', ';', '-', '/', '*', '\\', '\n', ' ', 'e', '1') }),
        (text) => {
          const { statements, rest } = splitSql(text)
          for (const statement of statements) expect(text).toContain(statement)
          expect(text.endsWith(rest)).toBe(true)
          expect(splitSql(rest).statements).toEqual([])
        },
      ),
      { numRuns: 2000 },
    )
  })
})
