import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkMigrationText } from './migration-rules.ts'
import { readStatements } from './sql-statements.ts'

const check = (text: string) => () => checkMigrationText('0001_a.sql', text)

describe('a migration file', () => {
  test.each([
    ['create table a (id int); commit; create table b (id int)', 1],
    ['create table a (id int);\nBEGIN;', 2],
    ['-- begin\n/* begin /* nested; */ ; */\nrollback', 3],
    ['start transaction', 1],
    ['end', 1],
    ['savepoint a', 1],
    ["prepare transaction 'x'", 1],
    ['create unique index concurrently a on b (c)', 1],
    ['drop index concurrently a', 1],
    ['vacuum a', 1],
    ['create database x', 1],
    ['alter system set work_mem = 1', 1],
    ['\n\\i other.sql', 2],
    ['copy a from stdin;\n1\n\\.', 3],
    ['copy a (b) from stdin', 1],
  ])('with %j is refused by its line', (text, line) => {
    expect(check(text)).toThrow(`0001_a.sql, line ${line}:`)
  })

  test.each([
    "insert into a values ('begin; commit; \\d', E'it\\'s; commit;')",
    'create table "commit;" (id int)',
    'create function f() returns void language plpgsql as $$ begin commit; end $$',
    'create function f() returns void language plpgsql as $body$ begin; $$ ; end $body$',
    'create function f(a int) returns int begin atomic select case when a > 1 then 1 else 2 end; select 2; end; select 1',
    'create or replace procedure p() begin atomic insert into t values (1); end',
    'do $$ begin perform 1; end $$',
    'select $1; select a$b$c from x',
    'refresh materialized view concurrently m',
    "set local work_mem = '4MB'; copy a from program 'x'",
    '',
  ])('may contain %j', (text) => {
    expect(check(text)).not.toThrow()
  })

  test('reading any text ends, and its statements begin on lines it has', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab\'"$;\\-/*\n( )eE'.split('')), maxLength: 60 }), (text) => {
        const lines = text.split('\n').length
        for (const { line } of readStatements(text).statements) expect(line).toBeLessThanOrEqual(lines)
      }),
    )
  })

  test('a text of a megabyte is read in one pass', () => {
    const { statements } = readStatements("insert into a values ('x', 1);\n".repeat(40_000))
    expect(statements).toHaveLength(40_000)
    expect(statements.at(-1)?.line).toBe(40_000)
  })
})
