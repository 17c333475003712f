// What the SQL rules make of migrations that are spread over files, and of statements that only look dangerous.
import { beforeAll, describe, expect, it } from 'vitest'
import { lintSql } from '../../src/features/lint/sql/lint-sql.ts'
import { loadSqlParser, parseSql } from '../../src/features/lint/sql/parse-sql.ts'
import type { SqlFile } from '../../src/features/lint/sql/sql-file.ts'

beforeAll(() => loadSqlParser())

function found(texts: readonly string[], kind: SqlFile['kind'] = 'shared'): string[] {
  const files = texts.map((text, index) => ({ path: `${index}.sql`, kind, statements: parseSql(text).statements }))
  return lintSql(files).map(({ rule }) => rule)
}

describe('a shared table', () => {
  it.each([
    ['that gets its tenant_id in a later file', ['create table a (id int)', 'alter table a add column tenant_id uuid']],
    ['that is dropped later', ['create table a (id int)', 'drop table a, public.b']],
    ['that is temporary', ['create temp table a (id int)']],
    [
      'that is a partition',
      ['create table a (tenant_id uuid) partition by hash (tenant_id); create table b partition of a default'],
    ],
    ['that copies another one', ['create table a (tenant_id uuid); create table b (like a including all)']],
    ['that is made by a query with tenant_id', ['create table a as select x.tenant_id, 1 as b from x']],
    [
      'that is renamed with its tenant_id',
      ['create table a (tenant_id uuid)', 'alter table a rename to b', 'alter table b add unique (tenant_id, c)'],
    ],
    ['that is global, said in a block comment', ['/* tenantry: global the same for all */ create table a (id int)']],
    ['that is global, said behind it', ['create table a (id int); -- tenantry: global the same for all\nselect 1']],
  ])('%s is fine', (_what, texts) => {
    expect(found(texts)).toEqual([])
  })

  it.each([
    ['a global one without a reason', ['-- tenantry: global\ncreate table a (id int)']],
    ['the one after a global one', ['-- tenantry: global x\ncreate table a (id int);\ncreate table b (id int)']],
    ['one whose tenant_id is dropped', ['create table a (tenant_id uuid)', 'alter table a drop column tenant_id']],
    [
      'one whose tenant_id is renamed',
      ['create table a (tenant_id uuid)', 'alter table a rename tenant_id to owner_id'],
    ],
    ['a copy of one without', ['create table b (like a)']],
    ['one made by a query', ['create table a as select * from b']],
    ['one in another schema', ['create schema app; create table app.a (id int)']],
  ])('%s is reported', (_what, texts) => {
    expect(found(texts)).toEqual(['unprotected-table'])
  })
})

describe('keys', () => {
  const table = 'create table a (tenant_id uuid not null, id int primary key generated always as identity, b int);'
  it.each([
    ['create unique index on a (b)', ['key-without-tenant']],
    ['create unique index on a (lower(c))', ['key-without-tenant']],
    ['create unique index on a (tenant_id, b)', []],
    ['create index on a (b)', []],
    ['alter table a add constraint k unique (b)', ['key-without-tenant']],
    ['alter table a add primary key (b)', ['key-without-tenant']],
    ['alter table a add unique using index k', []],
    ['alter table a add column c int references x (id)', ['reference-without-tenant']],
    ['alter table a add foreign key (tenant_id, b) references x (tenant_id, id)', []],
    ['alter table a add foreign key (tenant_id) references tenantry.tenant (id)', []],
    ['alter table other add unique (b)', []],
  ])('after %s: %j', (text, expected) => {
    expect(found([table, text])).toEqual(expected)
  })

  it('may reference a table that is declared global', () => {
    const currencies = '-- tenantry: global the same for all\ncreate table c (code text primary key);'
    expect(found([currencies, 'create table a (tenant_id uuid, c text references c (code))'])).toEqual([])
  })
})

describe('views and functions', () => {
  it.each([
    ['create view v with (security_invoker) as select 1', []],
    ['create view v with (security_invoker = on) as select 1', []],
    ['create view v with (security_invoker = false) as select 1', ['view-as-owner']],
    ['create view v with (security_barrier) as select 1', ['view-as-owner']],
    ['create view v with (security_invoker) as select 1; alter view v set (security_invoker = off)', ['view-as-owner']],
    ['create or replace function f() returns int language sql as $$select 1$$', []],
    ["create function f() returns int language sql security definer set search_path = '' as $$select 1$$", []],
    [
      'create function s.f() returns int language sql security definer set work_mem = 1 as $$select 1$$',
      ['definer-search-path'],
    ],
    [
      'create function f() returns int language sql security definer as $$select 1$$; alter function f() set search_path = pg_catalog',
      [],
    ],
    ['alter function f() security definer', ['definer-search-path']],
  ])('%s: %j', (text, expected) => {
    expect(found([text])).toEqual(expected)
  })
})

describe('statements of shared migrations', () => {
  it.each([
    ['alter table a no force row level security', ['row-security-off']],
    ['drop policy tenantry_tenant on a', ['row-security-off']],
    ['alter policy tenantry_tenant on a using (true)', ['row-security-off']],
    ['create policy p on a to tn_0123abcd_app using (true)', ['own-policy']],
    ['alter default privileges grant select on tables to public', ['grant-to-public']],
    ['revoke all on a from public', []],
    ['set session authorization x', ['changes-role']],
    ["select set_config('role', 'x', true)", ['changes-role']],
    ["select set_config('work_mem', '1MB', true)", []],
    ["do $$ begin perform 1; end $$; insert into a values ('set role x')", []],
  ])('%s: %j', (text, expected) => {
    expect(found([text])).toEqual(expected)
  })
})

describe('tenant migrations', () => {
  it.each([
    'insert into public.a values (1)',
    'create table a (b int references public.c (d))',
    'create view v as select * from other.t',
    'drop table public.a',
    'drop function other.f()',
    'create function other.f() returns int language sql as $$select 1$$',
    'create type other.t as enum ()',
    'create schema other',
    'set search_path = public',
    'create policy p on other.t as restrictive using (true)',
  ])('may not contain %s', (text) => {
    expect(found([text], 'tenant')).toEqual(['leaves-schema'])
  })

  it.each([
    'create table a (id uuid primary key default tenantry.claimed_tenant_id(), b text unique)',
    'create view v as select * from a, pg_catalog.pg_class',
    'drop trigger t on a',
    'create table a (c public.citext)',
  ])('may contain %s', (text) => {
    expect(found([text], 'tenant')).toEqual([])
  })
})

describe('tenant migrations beside shared schemas', () => {
  const options = { sharedSchemas: ['app'] }
  const foundWith = (text: string) =>
    lintSql([{ path: '1.sql', kind: 'tenant', statements: parseSql(text).statements }], options).map(({ rule }) => rule)

  it.each([
    'create table a (b int references app.c (d))',
    'create view v as select * from app.c',
    'insert into a select * from app.c',
  ])('may read and refer to them: %s', (text) => {
    expect(foundWith(text)).toEqual([])
  })

  it.each([
    'create table app.a (b int)',
    'insert into app.c values (1)',
    'alter table app.c add d int',
    'create index on app.c (d)',
    'create view app.v as select 1',
    'truncate app.c',
    'create trigger t before insert on app.c for each row execute function f()',
    'create table app.a as select 1 as b',
    'drop table app.c',
    'create view v as select * from other.c',
  ])('may not change them: %s', (text) => {
    expect(foundWith(text)).toEqual(['leaves-schema'])
  })
})

it('a tenant migration that a tool wrote means its own schema by public, and no other', () => {
  const text = `CREATE SCHEMA IF NOT EXISTS "public"; CREATE TYPE "public"."state" AS ENUM('open');
    ALTER TABLE "a" ADD CONSTRAINT k FOREIGN KEY (b) REFERENCES "public"."c"(d) NOT VALID; DROP TABLE "public"."e"`
  const foundIn = (isGenerated: boolean, sql: string) =>
    lintSql([{ path: '1.sql', kind: 'tenant', isGenerated, statements: parseSql(sql).statements }]).length
  expect([foundIn(true, text), foundIn(false, text)]).toEqual([0, 4])
  expect(foundIn(true, 'create table other.a (b int)')).toBe(1)
})

it('places count characters, not bytes, behind text that is not ASCII', () => {
  const [statement] = parseSql("select 'é😀';\n/* é */ set role x").statements.slice(1)
  expect(statement?.place).toEqual({ line: 2, column: 9 })
})
