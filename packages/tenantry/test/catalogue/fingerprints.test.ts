import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GuardedSchema } from '../../src/engine/catalogue/catalogue.ts'
import { fingerprintsOf } from '../../src/engine/catalogue/fingerprints.ts'
import { type CatalogueFixture, fingerprintOf, openCatalogueFixture, runIn, undoing } from './fixture.ts'
import { baseDdl, catalogueMutations, statementsOf } from './mutations.ts'

let fixture: CatalogueFixture
let base: GuardedSchema
let expected: string

beforeAll(async () => {
  fixture = await openCatalogueFixture()
  base = await fixture.schema('tenant_base', baseDdl)
  expected = await fingerprintOf(fixture.admin, base)
})
afterAll(() => fixture.close())

describe('schemas with the same objects have the same fingerprint', () => {
  const names = ['tenant_other', 'user', 'Quoted "Tenant" ü', 'a']
  test.each(names)('under the name %s and with other tenants', async (name) => {
    const other = await fixture.schema(name, baseDdl)
    expect(await fingerprintOf(fixture.admin, other)).toBe(expected)
  })

  test('made in another order', async () => {
    const tables = ['create table a (id integer primary key, b text)', 'create table b (id integer unique, c text)']
    const after = [
      'create index x on a (b)',
      'create index y on b (c)',
      'alter table b add foreign key (id) references a',
    ]
    const one = await fixture.schema('tenant_order_1', [...tables, ...after].join(';'))
    const two = await fixture.schema('tenant_order_2', [...tables.toReversed(), after[1], after[2], after[0]].join(';'))
    expect(await fingerprintOf(fixture.admin, two)).toBe(await fingerprintOf(fixture.admin, one))
  })

  test('with columns dropped before the ones that keys, indexes and expressions use', async () => {
    const rest = `alter table a add primary key (id), add check (b <> 'x'), add unique (b, id);
      create index on a (b, id) include (c) where c is null; create index on a (lower(c));
      create table r (x integer, a integer references a (id)); alter table r add foreign key (a) references a`
    const one = await fixture.schema('tenant_gap_1', `create table a (id integer, b text, c text); ${rest}`)
    const two = await fixture.schema(
      'tenant_gap_2',
      `create table a (gone integer, id integer, gone_too text, b text, c text);
       alter table a drop column gone, drop column gone_too; ${rest}`,
    )
    expect(await fingerprintOf(fixture.admin, two)).toBe(await fingerprintOf(fixture.admin, one))
  })

  test('with grants given in another order, or given and taken back', async () => {
    const { app, central } = fixture.instance.roles
    const one = await fixture.schema(
      'tenant_grants_1',
      'create table a (id integer); create function f() returns integer language sql return 1',
    )
    const two = await fixture.schema(
      'tenant_grants_2',
      `create table a (id integer); create function f() returns integer language sql return 1;
       grant select on a to ${central}; grant select on a to ${app}; grant truncate on a to ${app}; revoke truncate on a from ${app};
       revoke execute on function f() from public; grant execute on function f() to public`,
    )
    expect(await fingerprintOf(fixture.admin, two)).toBe(await fingerprintOf(fixture.admin, one))
  })

  test('whatever rows they hold and however far their sequences are', async () => {
    const after = await undoing(fixture, async (tx) => {
      await runIn(tx, base, `insert into customer (name) values ('one'), ('two'); select nextval('ticket_number')`)
      return fingerprintOf(tx, base)
    })
    expect(after).toBe(expected)
  })
})

describe('a schema that was changed has another fingerprint', () => {
  test.each(catalogueMutations.map((mutation) => ({ ...mutation, title: mutation.sql })))(
    '$title',
    async (mutation) => {
      const { app, central } = fixture.instance.roles
      const changed = await undoing(fixture, async (tx) => {
        await runIn(tx, base, statementsOf(mutation, { app, central, schema: base.name }))
        return fingerprintOf(tx, base)
      })
      expect(changed).toMatch(/^[0-9a-f]{64}$/)
      expect(changed).not.toBe(expected)
    },
  )

  test('an index whose building failed', async () => {
    const schema = await fixture.schema('tenant_invalid', 'create table a (id integer); insert into a values (1), (1)')
    const other = await fixture.schema('tenant_valid', 'create table a (id integer); create unique index u on a (id)')
    await expect(fixture.admin.query('create unique index concurrently u on tenant_invalid.a (id)')).rejects.toThrow()
    const found = await fingerprintsOf(fixture.admin, [schema, other])
    expect(found.get('tenant_invalid')).not.toBe(found.get('tenant_valid'))
  })

  test('guards that name another tenant, all of them', async () => {
    expect(await fingerprintOf(fixture.admin, { ...base, tenantId: '00000000-0000-0000-0000-000000000001' })).not.toBe(
      expected,
    )
  })
})

test('many schemas are one statement, and one that does not exist has no fingerprint', async () => {
  const found = await fingerprintsOf(fixture.admin, [base, { name: 'tenant_nowhere', tenantId: base.tenantId }])
  expect([...found]).toEqual([['tenant_base', expected]])
  expect(await fingerprintsOf(fixture.admin, [])).toEqual(new Map())
})

test('the app may not ask for them', async () => {
  const { app } = fixture.instance.roles
  await expect(
    undoing(fixture, async (tx) => {
      await tx.query(`set local role ${app}`)
      return fingerprintOf(tx, base)
    }),
  ).rejects.toMatchObject({ code: '42501' })
})
