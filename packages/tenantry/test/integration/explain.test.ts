// tenantry.explain: the plan as the tenant gets it, beside the one without a policy, and what keeps indexes from it.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { PlanNode } from '../../src/features/explain/plan.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { runCli } from '../support/cli.ts'

let database: TestDatabase
let tenantry: Tenantry
beforeAll(async () => {
  database = await createTestDatabase()
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  await tenantry.asCentral('tables', (central) =>
    central.query(`create table item (id int not null, body text not null, name varchar(40) not null, tags jsonb not null default '{}');
      create index item_body on item (body text_pattern_ops);
      create index item_tags on item using gin (tags);
      create index item_lower on item (lower(body));
      create table note (id int); create table country (code text)`),
  )
  await tenantry.asCentral('a table of all tenants', (central) =>
    central.query(
      `do $$ begin execute (select 'grant select on country to tn_' || id || '_app' from tenantry.instance); end $$`,
    ),
  )
  await tenantry.protect('item')
  await tenantry.protect('note')
  for (const slug of ['acme', 'globex']) await tenantry.tenants.create({ name: slug, slug })
  await tenantry.tenants.create({ name: 'initech', slug: 'initech', isolation: 'schema' })
  const fill = `insert into item (id, body, name) select g, 'body ' || g, 'name ' || g from generate_series(1, 5000) g`
  await tenantry.scope('acme').query(fill)
  await tenantry.scope('globex').query(fill)
  await tenantry.asCentral('statistics', (central) => central.query('analyze item'))
})
afterAll(async () => {
  await tenantry.close()
  await database.drop()
})

const explain = (...args: Parameters<Tenantry['explain']> extends [unknown, ...infer R] ? R : never) =>
  tenantry.explain('acme', ...args)
const nodes = (plan: PlanNode): PlanNode[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)]
const countItems = async () =>
  (await tenantry.asCentral('count', (central) => central.query<{ n: number }>('select count(*)::int as n from item')))
    .rows[0]?.n

describe('the plans', () => {
  it('stand beside each other: under the policy, and with the tenant as a plain filter', async () => {
    const { tenant, underPolicy, withoutPolicy, verifications, generic } = await explain(
      'select * from item where id = 7',
    )
    expect(tenant).toMatchObject({ slug: 'acme', isolation: 'row' })
    expect({ verifications, generic }).toEqual({ verifications: 1, generic: false })
    expect(JSON.stringify(underPolicy.plan)).toContain('current_tenant_id()')
    expect(JSON.stringify(withoutPolicy?.plan)).not.toContain('current_tenant_id()')
    expect(JSON.stringify(withoutPolicy?.plan)).toContain(tenant.id)
    expect(underPolicy.totalCost).toBeGreaterThan(withoutPolicy?.totalCost ?? Number.POSITIVE_INFINITY)
    expect(underPolicy.executionMs).toBeUndefined()
  })

  it('count the rows of this tenant alone when they are run', async () => {
    const { underPolicy, withoutPolicy } = await explain('select * from item', { analyze: true })
    const seen = [underPolicy, withoutPolicy].map((each) => each?.plan['Actual Rows'])
    expect(seen).toEqual([5000, 5000])
    expect(underPolicy.executionMs).toBeGreaterThan(0)
    expect(withoutPolicy?.executionMs).toBeGreaterThan(0)
  })

  it('take values for parameters', async () => {
    const { underPolicy } = await explain('select * from item where id = $1 and body = $2', { params: [7, 'x'] })
    expect(JSON.stringify(underPolicy.plan)).toContain('id = 7')
  })

  it('leave parameters open from PostgreSQL 16 on', async () => {
    const open = explain("select * from item where id = $1 and body <> '$9'")
    if (inject('clusterVersion') < 16) {
      await expect(open).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'params' })
      return
    }
    const { generic, underPolicy, withoutPolicy } = await open
    expect(generic).toBe(true)
    expect(JSON.stringify(underPolicy.plan)).toContain('id = $1')
    expect(JSON.stringify(withoutPolicy?.plan)).toContain('id = $1')
  })

  it('of a schema tenant verify once for each table, and are compared in its own schema', async () => {
    const { schemaName } = await tenantry.tenants.get('initech')
    await tenantry.asCentral('a table', async (central) => {
      await central.query(`create table ${schemaName}.invoice (id int)`)
      await central.query(
        `select tenantry.guard_schema(t.id, t.schema_name, 'tn_' || i.id || '_app', 'tn_' || i.id || '_central')
           from tenantry.tenant t, tenantry.instance i where t.slug = 'initech'`,
      )
    })
    const { verifications, withoutPolicy } = await tenantry.explain('initech', 'select * from invoice, item')
    expect(verifications).toBe(2)
    expect(nodes(withoutPolicy?.plan as PlanNode).map((node) => node.Schema)).toContain(schemaName)
  })

  it('are compared where a table of all tenants is read as well', async () => {
    const { withoutPolicy } = await explain('select * from item join country on code = body where id = 7')
    expect(nodes(withoutPolicy?.plan as PlanNode).map((node) => node['Relation Name'])).toContain('country')
  })

  it('are not compared where a shared table is named with its schema, which would show more rows', async () => {
    const result = await explain('select * from public.item')
    expect(result).toMatchObject({ withoutPolicy: null, notComparable: expect.stringContaining('schema') as string })
  })
})

describe('the findings', () => {
  it('name an index that LIKE cannot use under the policy, and a rewrite that can', async () => {
    const { findings } = await explain("select * from item where body like 'body 12%'")
    expect(findings).toEqual([
      expect.objectContaining({
        ...{ kind: 'index-disabled', table: '"public"."item"', index: 'item_body', because: '~~' },
        ...{ usedWithoutPolicy: true, fix: expect.stringContaining('^@') as string },
      }),
    ])
    const rewritten = await explain("select * from item where body ^@ 'body 12'")
    expect(rewritten.findings).toEqual([])
    expect(nodes(rewritten.underPolicy.plan).map((node) => node['Index Name'])).toContain('item_body')
  })

  it('do not blame the policy for a LIKE that no index could take', async () => {
    expect((await explain("select * from item where body like '%12'")).findings).toEqual([])
  })

  it('name an expression whose function is not LEAKPROOF', async () => {
    const { findings } = await explain("select * from item where lower(body) = 'body 12'")
    expect(findings).toMatchObject([
      { index: 'item_lower', because: 'lower', fix: expect.stringContaining('STORED') as string },
    ])
  })

  it('name an operator of a GIN index', async () => {
    const { findings } = await explain(`select * from item where tags @> '{"a": 1}'`)
    expect(findings).toMatchObject([{ index: 'item_tags', because: '@>' }])
  })

  it('are silent where nothing stands in the way', async () => {
    expect((await explain('select * from item where id = 7')).findings).toEqual([])
  })

  it('name a shared table that is read whole for want of an index', async () => {
    await tenantry.asCentral('no index', (central) =>
      central.query(`do $$ declare i regclass; begin
        for i in select indexrelid::regclass from pg_index where indrelid = 'note'::regclass and not indisunique loop
          execute format('drop index %s', i); end loop; end $$`),
    )
    const { findings } = await explain('select * from note')
    expect(findings).toMatchObject([{ kind: 'no-tenant-index', table: '"public"."note"' }])
  })
})

describe('what is explained', () => {
  it.each(['insert into item (id, body, name) values (1, $$a$$, $$b$$)', 'update item set id = 1', 'delete from item'])(
    'is not run: %s',
    async (statement) => {
      const before = await countItems()
      expect((await explain(statement)).underPolicy.plan['Node Type']).toBe('ModifyTable')
      expect(await countItems()).toBe(before)
    },
  )

  it('may not write when it is run', async () => {
    const before = await countItems()
    await expect(explain('delete from item', { analyze: true })).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
    await expect(
      explain('with gone as (delete from item returning 1) select * from gone', { analyze: true }),
    ).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
    expect(await countItems()).toBe(before)
  })

  it.each([
    'create table x (id int)',
    'explain select 1',
    'vacuum',
    'set role none',
    'do $$ begin end $$',
    '',
    'commit',
  ])('is a statement on rows, not %s', async (statement) => {
    await expect(explain(statement)).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
  })

  it('is one statement', async () => {
    await expect(explain('select 1; drop table note')).rejects.toMatchObject({ code: 'MULTIPLE_STATEMENTS' })
    await expect(explain('select $1; drop table note')).rejects.toMatchObject({ code: 'MULTIPLE_STATEMENTS' })
  })

  it.each([
    [[1], 'select 1'],
    [[], 'select $1::int'],
    [[1], 'select $2::int'],
  ])('has as many values as parameters: %j for %s', async (params, statement) => {
    await expect(explain(statement, { params })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'params' })
  })

  it('reports an error of the statement as the database gives it', async () => {
    await expect(explain('select * from nowhere')).rejects.toMatchObject({ code: '42P01' })
  })

  it('leaves no schema behind', async () => {
    const { rows } = await tenantry.asCentral('look', (central) =>
      central.query("select nspname from pg_namespace where nspname like 'tenantry\\_explain%'"),
    )
    expect(rows).toEqual([])
  })
})

describe('tenantry explain', () => {
  const run = (...words: string[]) =>
    runCli(['explain', 'acme', ...words], { env: { DATABASE_ADMIN_URL: database.adminUrl } })

  it('prints both plans as trees, the difference, and the verification once', async () => {
    const { code, stdout } = await run("select * from item where body like 'body 12%' and id > 0")
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]).toBe('As acme, under the policy (row)')
    expect(stdout).toContain('Without the policy, the tenant as a plain filter')
    expect(stdout).toMatch(/ {2}Bitmap Heap Scan on public\.item {2}\(cost [\d.]+, \d+ rows?\)/)
    expect(stdout).toMatch(/Cost: [\d.]+ under the policy, [\d.]+ without \(\+[\d.]+\)/)
    expect(stdout).toContain('Tenant verified once in the statement.')
    expect(stdout).not.toContain('InitPlan 1:')
    expect(stdout).toContain('index item_body is not used: ~~ is not LEAKPROOF')
  })

  it('measures with --analyze, and takes values', async () => {
    const { stdout } = await run('select * from item where id < $1', '--analyze', '--params', '[11]')
    expect(stdout).toMatch(/ran: 10 rows in [\d.]+ ms/)
    expect(stdout).toMatch(/Milliseconds: [\d.]+ under the policy, [\d.]+ without/)
  })

  it('gives a program what the library gives', async () => {
    const { code, stdout } = await run('select * from item where id = 7', '--json')
    expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({ code: 0, verifications: 1, findings: [] })
  })

  it.each([
    [['delete from item', '--analyze'], 4, 'STATEMENT_REFUSED'],
    [['select 1', '--params', '{"a": 1}'], 2, 'INVALID_JSON'],
    [['select 1', '--params', '[1'], 2, 'INVALID_JSON'],
    [[], 2, 'USAGE'],
  ])('ends %j with exit code %i', async (words, code, error) => {
    const result = await run(...words)
    expect(result.code).toBe(code)
    expect(result.stderr).toContain(error)
  })
})
