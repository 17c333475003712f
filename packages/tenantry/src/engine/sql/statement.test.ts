import { describe, expect, it } from 'vitest'
import { readStatement } from './statement.ts'

describe('the first keyword of a statement', () => {
  it.each([
    ['select 1', 'select'],
    ['  -- note\n SELECT 1', 'select'],
    ['/* a /* nested */ comment */ begin', 'begin'],
    [';;  Commit', 'commit'],
    ['/* unended', ''],
    ['', ''],
  ])('of %j is %j', (text, keyword) => expect(readStatement(text).keyword).toBe(keyword))
})

describe('transaction control', () => {
  it.each([
    ['begin', 'begin'],
    ['START TRANSACTION isolation level serializable', 'begin'],
    ['commit and chain', 'end'],
    ['end', 'end'],
    ['abort', 'end'],
    ['rollback', 'end'],
    ['rollback work to savepoint a', 'rollback-to'],
    ['rollback /* x */ to a', 'rollback-to'],
    ['savepoint a', 'savepoint'],
    ['release a', 'savepoint'],
    ['set transaction isolation level serializable', 'set-transaction'],
    ['select 1', undefined],
  ])('%j is %j', (text, control) => expect(readStatement(text).control).toBe(control))
})

describe('residue', () => {
  it.each([
    'set role x',
    'SET SESSION search_path = b',
    "set time zone 'UTC'",
    'reset all',
    'listen x',
    'unlisten *',
    'discard all',
    'deallocate all',
    "load 'x'",
    'prepare p as select 1',
    "prepare transaction 'x'",
    "commit prepared 'x'",
    'create temp table x (id int)',
    'CREATE /* */ TEMPORARY view v as select 1',
    'create or replace temp view v as select 1',
    'create local temporary sequence s',
    'select 1 into temp x',
    'declare c cursor with hold for select 1',
    'declare c scroll cursor with  hold for select 1',
    '/* hidden */ set role x',
    '-- hidden\nset role x',
    'drop owned by current_user',
    'DROP /* */ OWNED by x cascade',
    'reassign owned by x to y',
    "alter role x password 'y'",
    'alter user x set role = y',
    'alter default privileges grant select on tables to public',
  ])('is seen in %j', (text) => expect(readStatement(text).residue).toBeDefined())

  it.each([
    'set local role x',
    'set constraints all deferred',
    'set transaction read only',
    'select 1',
    'create table t (id int)',
    'declare c cursor for select 1',
    'notify x',
    'create index on t (temp)',
    'alter table t add column owned int',
    'drop table owned',
  ])('is not seen in %j', (text) => expect(readStatement(text).residue).toBeUndefined())
})

describe('statements that could re-point role or context', () => {
  it.each([
    'select set_config($1, $2, true)',
    'select "set_config"($1)',
    'select pg_catalog . set_config ($1)',
    'select f(1)',
    `select set_config${' '.repeat(200)}('role')`,
    'select set_config/**/(1)',
    'select set_config -- x,\n(1)',
    'select U&"\\0073et_config"(1)',
    'select * from x where y = any_function(1)',
    'with x as (select query_to_xml($1)) select 1',
    'fetch all from c',
    'move c',
    'execute other',
    'set local role none',
  ])('are known by their text: %j', (text) => expect(readStatement(text).opaque).toBe(true))

  it.each([
    'select * from invoice where id = $1',
    'insert into invoice (id, amount) values ($1, $2) returning id',
    'update invoice set amount = $1 where id in ($2, $3)',
    'select count(*), max(amount) from invoice where (a or b)',
    'insert into "Mixed"."Case" (a) values ($1) on conflict (a) do nothing',
  ])('are not seen in %j', (text) => expect(readStatement(text).opaque).toBe(false))
})
