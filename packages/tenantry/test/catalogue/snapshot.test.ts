import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GuardedSchema } from '../../src/engine/catalogue/catalogue.ts'
import { compareCatalogues } from '../../src/engine/catalogue/compare-catalogues.ts'
import { describeSchema } from '../../src/engine/catalogue/describe-schema.ts'
import { snapshotOf } from '../../src/engine/catalogue/snapshot.ts'
import { type CatalogueFixture, fingerprintOf, openCatalogueFixture } from './fixture.ts'
import { baseDdl } from './mutations.ts'
import { nastyDdl, nastyRows } from './nasty.ts'

let fixture: CatalogueFixture
let copies = 0

beforeAll(async () => {
  fixture = await openCatalogueFixture()
})
afterAll(() => fixture.close())

const copyOf = async (schema: GuardedSchema): Promise<GuardedSchema> =>
  fixture.schema(`tenant_copy_${++copies}`, await snapshotOf(fixture.admin, schema))

describe('a schema made from a snapshot', () => {
  test.each([
    ['everyday objects', baseDdl],
    ['everything that is hard to make again', nastyDdl],
    ['nothing', ''],
  ])('of %s has the same fingerprint', async (_, ddl) => {
    const schema = await fixture.schema(`tenant_original_${++copies}`, ddl)
    const copy = await copyOf(schema)
    const [one, other] = await Promise.all([schema, copy].map((each) => describeSchema(fixture.admin, each)))
    expect(one && other && compareCatalogues(one, other)).toEqual([])
    expect(await fingerprintOf(fixture.admin, copy)).toBe(await fingerprintOf(fixture.admin, schema))
  })

  test('has the rows and sequence positions that the migrations left', async () => {
    const schema = await fixture.schema('tenant_seeded', `${nastyDdl}; ${nastyRows}`)
    const copy = await copyOf(schema)
    const contents = async ({ name }: GuardedSchema) => {
      const { rows } = await fixture.admin.query<{ name: string; xml: string }>(
        `select c.relname as name, replace(query_to_xml(format(case c.relkind when 'S' then 'select last_value, is_called from %s' else 'select t::text from only %s t order by t.ctid' end, c.oid::regclass), true, false, '')::text, n.nspname, '') as xml
           from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind in ('r', 'S') order by 1`,
        [name],
      )
      return rows
    }
    const expected = await contents(schema)
    expect(expected.find(({ name }) => name === 'note')?.xml).toContain('seeded')
    expect(await contents(copy)).toEqual(expected)
    expect(await fingerprintOf(fixture.admin, copy)).toBe(await fingerprintOf(fixture.admin, schema))
  })
})

test.each([
  ['aggregate', 'create aggregate summed(numeric) (sfunc = numeric_add, stype = numeric)', 'function summed(numeric)'],
  ['collation', `create collation mine from "C"`, 'type collation mine'],
  ['a table of a type', 'create type t as (a integer); create table typed of t', 'table typed'],
  [
    'a child whose parent got columns later',
    'create table a (x integer); create table b (y integer) inherits (a); alter table a add column z integer',
    'table b',
  ],
])('a schema with %s is refused by name', async (_, ddl, name) => {
  const schema = await fixture.schema(`tenant_refused_${++copies}`, ddl)
  await expect(snapshotOf(fixture.admin, schema)).rejects.toMatchObject({
    code: 'MIGRATION_UNPROVEN',
    message: expect.stringContaining(name) as string,
  })
})
