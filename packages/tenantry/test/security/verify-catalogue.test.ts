// What `verify` finds in the catalogue: nothing in an untouched instance, and each protection that is taken away, by its
// name and subject. Where the fix is SQL, it is run and the check holds again. Each in a transaction that is rolled back.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Check } from '../../src/control/admin-requirements.ts'
import { patchLevel } from '../../src/control/patch-level.ts'
import type { Sql } from '../../src/engine/sql/database.ts'
import { catalogueCheckNames, checkCatalogue } from '../../src/features/verify/catalogue/check-catalogue.ts'
import { fixStatements } from '../../src/features/verify/catalogue/fix-statements.ts'
import { quoteIdentifier } from '../../src/kernel/identifiers.ts'
import { catalogueMutations } from '../support/catalogue-mutations.ts'
import type { Mutation } from '../support/mutations/mutation.ts'
import { openVerifiedInstance, type VerifiedInstance } from '../support/verified-instance.ts'

let verified: VerifiedInstance

beforeAll(async () => {
  verified = await openVerifiedInstance()
})

afterAll(() => verified.close())

class Rollback extends Error {}

/** Runs the work as a superuser in a transaction that never commits. */
async function undone<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
  let result: { value: T } | undefined
  const run = verified.superuser.transaction(async (tx) => {
    result = { value: await work(tx) }
    throw new Rollback()
  })
  await run.catch((error: unknown) => {
    if (!(error instanceof Rollback)) throw error
  })
  if (result === undefined) throw new Error('The transaction did not run.')
  return result.value
}

// As verify judges a run: warnings fail nothing.
const holds = (checks: readonly Check[]) => checks.every(({ ok, severity }) => ok || severity === 'warning')

const broken = (checks: readonly Check[]) => checks.filter(({ ok }) => !ok)

describe('an untouched instance holds in every check', () => {
  test('seen by its admin login', async () => {
    const checks = await verified.check(verified.admin)
    expect(broken(checks)).toEqual([])
    expect(checks.map(({ name }) => name)).toEqual(catalogueCheckNames)
    expect(holds(checks)).toBe(true)
    expect(fixStatements(checks)).toEqual([])
  })

  test('seen by a superuser', async () => {
    expect(broken(await verified.check(verified.superuser))).toEqual([])
  })

  test('and progress is told before each check', async () => {
    const told: string[] = []
    const { roles } = verified.instance
    const onProgress = (done: number, total: number, what: string) => told.push(`${done}/${total} ${what}`)
    const options = { roles, loginUser: roles.login, sharedSchemas: ['public'], onProgress }
    const { length: total } = await checkCatalogue(verified.admin, options)
    expect(told).toHaveLength(total + 1)
    expect(told.at(-1)).toBe(`${total}/${total} done`)
  })
})

/** {app}, {login}, {central}, {owner} and {database} stand for the instance's quoted names, {north} for a tenant's id. */
async function filled(tx: Sql, text: string): Promise<string> {
  const { rows } = await tx.query<Record<string, string>>(
    `select quote_ident(pg_get_userbyid(n.nspowner)) as owner, quote_ident(current_database()) as database, pg_get_userbyid(n.nspowner)::text as ownername,
            (select id::text from tenantry.tenant where slug = 'north') as north,
            (select archived_schema from tenantry.tenant where slug = 'gone') as archived
       from pg_namespace n where n.nspname = 'tenantry'`,
  )
  const names: Record<string, string> = { ...rows[0], ...verified.instance.roles }
  return text.replace(/\{(\w+)\}/g, (_, name: string) => names[name] ?? '')
}

async function versionOf(tx: Sql): Promise<number> {
  const { rows } = await tx.query<{ major: number }>(
    "select current_setting('server_version_num')::int / 10000 as major",
  )
  return rows[0]?.major ?? 0
}

test('the number of queries does not depend on tables and tenants', async () => {
  const count = async (prepare: string) =>
    undone(async (tx) => {
      await tx.query(await filled(tx, prepare))
      let queries = 0
      const counting: Sql = {
        query: (text, values) => {
          queries++
          return tx.query(text, values)
        },
      }
      await verified.check(counting)
      return queries
    })
  const many = `do $$ begin for i in 1..50 loop
    execute format('create table loose_%s (x int)', i); execute format('grant select on loose_%s to {app}', i);
    execute format('create table tenant_north.own_%s (x int)', i); end loop; end $$`
  const few = await count('select 1')
  expect(await count(many)).toBe(few)
  expect(few).toBeLessThan(catalogueCheckNames.length + 5)
})

describe('a protection that is taken away is named, and mended where that is SQL', () => {
  test.each(catalogueMutations)('$check: $what', async (mutation: Mutation) => {
    await undone(async (tx) => {
      if ((await versionOf(tx)) < (mutation.since ?? 15)) return
      await tx.query(await filled(tx, mutation.sql))
      const subject = await filled(tx, mutation.subject)
      const found = broken(await verified.check(tx))
      const named = found.filter((check) => check.name === mutation.check && check.subject === subject)
      expect(named, JSON.stringify(found, null, 1)).toHaveLength(1)
      expect(named[0]?.severity ?? 'error').toBe(mutation.severity ?? 'error')
      expect(holds(found)).toBe(mutation.severity === 'warning')
      const fixes = found.map(({ fix }) => fix ?? '')
      expect(fixes.filter((fix) => fix.trim() === '')).toEqual([])
      // What else is broken along with it, and nothing beyond.
      const others = [...new Set(found.map(({ name }) => name))].filter((name) => name !== mutation.check)
      expect(others.sort()).toEqual([...(mutation.also ?? [])].sort())
      if (mutation.remains === true) return
      const statements =
        mutation.severity === 'warning' ? fixes.filter((fix) => fix.endsWith(';')) : fixStatements(found)
      for (const statement of statements) await tx.query(statement)
      expect(broken(await verified.check(tx))).toEqual([])
    })
  })

  test('for every check there is a mutation, or a test of its own', () => {
    const tried = new Set(catalogueMutations.map(({ check }) => check))
    expect(catalogueCheckNames.filter((name) => !tried.has(name))).toEqual([
      'server has the fixes to row-level security',
      // verify-neighbours.test.ts, which has gateways.
      'gateway policy has the generated form',
    ])
  })
})

describe('what is on purpose is not reported', () => {
  test.each([
    ['a restrictive policy', 'create policy open_hours on customer as restrictive to {app} using (true)'],
    ['a policy for another role', 'create policy for_reports on customer for select to pg_monitor using (true)'],
    ['a foreign key to a global table', 'alter table invoice add country text references country'],
    ['a foreign key that carries the tenant', 'alter table document add unique (tenant_id, title)'],
    ['a unique key with the tenant', 'alter table customer add unique (tenant_id, name)'],
    ['a table out of reach', 'create table ledger (x int)'],
    [
      'a reachable table in a schema out of reach',
      'create schema inner_ring; create table inner_ring.t (x int); grant select on inner_ring.t to {app}',
    ],
    ['a materialized view out of reach', 'create materialized view all_customers as select * from customer'],
    [
      'a materialized view that is listed as global',
      `create materialized view continents as select 1 as x; grant select on continents to {app};
      insert into tenantry.global_table (schema_name, table_name, reason) values ('public', 'continents', 'the same for everyone')`,
    ],
    [
      'a SECURITY DEFINER function of the admin alone',
      `create function totals() returns bigint language sql security definer
      set search_path = pg_catalog, pg_temp as 'select 1::bigint'; revoke execute on function totals() from public`,
    ],
    [
      'an index over leakproof operators',
      'create index on customer (tenant_id, name); create index on invoice (tenant_id, total desc)',
    ],
    [
      'a schema that an open purge has begun to empty',
      `insert into tenantry.operation (id, tenant_id, verb) values (gen_random_uuid(), '{north}', 'purge');
        drop table tenant_north.task`,
    ],
    [
      'a namesake in a tenant schema of a protected table',
      `create table tenant_north.customer (x int);
      select tenantry.guard_schema('{north}', 'tenant_north', '{app}', '{central}')`,
    ],
  ])('%s', async (_what, sql) => {
    await undone(async (tx) => {
      await tx.query(await filled(tx, sql))
      expect(broken(await verified.check(tx))).toEqual([])
    })
  })
})

test("a login of the user, made like the instance's own, holds; with more it is named", async () => {
  await undone(async (tx) => {
    const { roles } = verified.instance
    const options = { roles, loginUser: 'Tn_Test login', sharedSchemas: ['public'] }
    expect(broken(await checkCatalogue(tx, options))).toMatchObject([
      { name: 'the roles of the instance exist', subject: 'Tn_Test login' },
    ])
    const inherit = (await versionOf(tx)) >= 16 ? ' with inherit false, set true' : ''
    await tx.query(
      await filled(tx, `create role "Tn_Test login" login noinherit; grant {app} to "Tn_Test login"${inherit}`),
    )
    expect(broken(await checkCatalogue(tx, options))).toEqual([])
    await tx.query('grant select on public.customer to "Tn_Test login"')
    expect(broken(await checkCatalogue(tx, options))).toMatchObject([
      { name: 'login may do nothing but become app', subject: 'Tn_Test login has 1 grants of its own' },
    ])
  })
})

test('all of it at once is mended by one list of statements', async () => {
  await undone(async (tx) => {
    const major = await versionOf(tx)
    const isMendable = ({ remains, severity, since = 15 }: Mutation) =>
      remains !== true && severity !== 'warning' && since <= major
    // The first of each check: several would be about one policy.
    const isFirst = ({ check }: Mutation, at: number, all: readonly Mutation[]) =>
      all.findIndex((other) => other.check === check) === at
    const mendable = catalogueMutations.filter(isMendable).filter(isFirst)
    for (const { sql } of mendable) await tx.query(await filled(tx, sql))
    // The second run sees what was out of its sight for want of a policy.
    for (const pass of [1, 2]) {
      const found = await verified.check(tx)
      expect(holds(found), `pass ${pass}`).toBe(false)
      for (const statement of fixStatements(found)) await tx.query(statement)
    }
    const left = broken(await verified.check(tx)).filter(({ severity }) => severity !== 'warning')
    expect(left).toEqual([])
  })
})

test.each([150_013, 160_009, 170_005])(
  'server version %d is known for a way around row-level security',
  (versionNum) => {
    expect(patchLevel({ versionNum, version: 'this one' })).toMatchObject({ ok: false, subject: 'this one' })
    expect(patchLevel({ versionNum: versionNum + 1, version: 'the next' })).toMatchObject({ ok: true })
  },
)

test("the fix of a table that is not the admin's says who has to run it, and is not run", async () => {
  await undone(async (tx) => {
    const stranger = 'Tn_Test stranger'
    await tx.query(`create role ${quoteIdentifier(stranger)}; grant create on schema public to ${quoteIdentifier(stranger)};
      alter table customer owner to ${quoteIdentifier(stranger)}; alter table customer disable row level security`)
    await tx.query(await filled(tx, 'set local role {owner}'))
    const found = broken(await verified.check(tx))
    expect(found).toContainEqual({
      name: 'row-level security is enabled and forced',
      ok: false,
      subject: 'public.customer',
      fix: `alter table public.customer enable row level security, force row level security; -- as "${stranger}", its owner`,
    })
    expect(fixStatements(found).filter((statement) => statement.includes('customer'))).toEqual([])
  })
})
