import { expect, test } from 'vitest'
import { readControlMigrations } from '../../../control/control-migrations.ts'
import { expectedFunctions, expectedTriggers, normalisedBody } from './control-functions.ts'

const verifier = `
create function tenantry.one(a text) returns text
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
begin return 'as $ it is; set role = x'; end $$;`

test('a function is read with its body and attributes', () => {
  expect(expectedFunctions([verifier]).get('one')).toMatchObject({
    body: "\nbegin return 'as $ it is; set role = x'; end ",
    isSqlBody: false,
    securityDefiner: true,
    volatility: 's',
    parallel: 's',
    settings: ['search_path=pg_catalog, pg_temp'],
  })
})

test('attributes may follow the body, and the quotes may carry a name', () => {
  const text = 'create or replace function tenantry.two() returns int as $body$ select 1 $body$ language sql immutable;'
  expect(expectedFunctions([text]).get('two')).toMatchObject({
    body: ' select 1 ',
    securityDefiner: false,
    volatility: 'i',
    parallel: 'u',
    settings: [],
    statement: text,
  })
})

test('a SQL-standard body is the expression behind RETURN', () => {
  const text = 'create function tenantry.three() returns int\n language sql stable return 1 + 2;'
  expect(expectedFunctions([text]).get('three')).toMatchObject({ body: ' 1 + 2', isSqlBody: true, volatility: 's' })
  expect(normalisedBody('RETURN (1 + 2)')).toBe(normalisedBody(' 1 + 2'))
})

test('the last definition holds, and a dropped function is none', () => {
  const later = verifier.replace('stable', 'volatile').replace('create function', 'create or replace function')
  expect(expectedFunctions([verifier, later]).get('one')?.volatility).toBe('v')
  expect(expectedFunctions([verifier, 'drop function tenantry.one(text);']).size).toBe(0)
  expect(expectedFunctions([verifier, 'drop function tenantry.one(text);', verifier]).size).toBe(1)
})

test('every function and trigger of the control plane is found in its files', async () => {
  const files = (await readControlMigrations()).map(({ sql }) => sql)
  const named = new Set(
    files
      .flatMap((sql) => [...sql.matchAll(/function tenantry\.(\w+)\s*\([^)]*\)\s*returns/gi)])
      .map((match) => match[1]),
  )
  expect(new Set(expectedFunctions(files).keys())).toEqual(named)
  const made = files.flatMap((sql) => sql.match(/^create (?:constraint )?trigger/gim) ?? [])
  expect(expectedTriggers(files)).toHaveLength(made.length)
})
