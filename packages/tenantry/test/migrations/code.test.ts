// Migrations in TypeScript and JavaScript: what they may do, and that they cannot leave their transaction or their schema.
import { describe, expect, test } from 'vitest'
import { errorOf, migrationStage } from './fixture.ts'

const stage = migrationStage()

const code = (body: string) => `import { defineMigration } from 'tenantry'

export default defineMigration({
  async up(client): Promise<void> {
    ${body}
  },
})
`

const base = { 'migrations/tenant/0001_a.sql': 'create table notes (id integer primary key, text text)' }

describe('a migration in TypeScript', () => {
  test('runs between SQL files, in the tenant’s schema, with types, bound values and its own imports', async () => {
    await stage.write({
      'migrations/tenant/texts.ts': `export const texts: readonly string[] = ['one', 'two']`,
      'migrations/tenant/0002_b.ts': `import { texts } from './texts.ts'
import { defineMigration, type MigrationClient } from 'tenantry'
const fill = async (client: MigrationClient, text: string, id: number): Promise<void> => {
  await client.query('insert into notes values ($1, $2)', [id, \`\${text} of \${client.schemaName ?? ''}\`])
}
export default defineMigration({
  async up(client) {
    for (const [id, text] of texts.entries()) await fill(client, text, id)
    await Promise.all([client.query('alter table notes add a integer'), client.query('alter table notes add b integer')])
  },
})`,
      'migrations/tenant/0003_c.sql': 'alter table notes add c integer',
    })
    await stage.tenant('typed', base)
    expect(await stage.rows('select text, a, b, c from tenant_typed.notes order by id')).toEqual([
      { text: 'one of tenant_typed', a: null, b: null, c: null },
      { text: 'two of tenant_typed', a: null, b: null, c: null },
    ])
    expect(await stage.rows(`select from tenantry.migration where name = '0002_b.ts'`)).toHaveLength(1)
  })

  test('may set savepoints of its own, and go back to them', async () => {
    await stage.tenant('savepoints', {
      ...base,
      'migrations/tenant/0002_b.ts': code(`await client.query('savepoint mine')
    await client.query('select 1 / 0').catch(() => undefined)
    await client.query('rollback to savepoint mine')
    await client.query("insert into notes values (1, 'kept')")`),
    })
    expect(await stage.rows('select text from tenant_savepoints.notes')).toEqual([{ text: 'kept' }])
  })

  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['throws an Error', `throw new TypeError('s3cret')`, /^The migration 0002_b\.ts, line 5 threw TypeError\.$/],
    ['throws a text', `throw 's3cret'`, /^The migration 0002_b\.ts threw what is no Error \(string\)\.$/],
    ['throws null', `throw null`, /no Error \(null\)/],
    [
      'has a fault of SQL',
      `await client.query('crate table x ()')`,
      /^The migration 0002_b\.ts failed \(SQLSTATE 42601\)/,
    ],
    [
      'breaks a constraint',
      `await client.query("insert into notes values (1, 's3cret'), (1, '')")`,
      /SQLSTATE 23505\)\.$/,
    ],
    [
      'never awaits',
      `void client.query("insert into notes values (1, '')")`,
      /ended while its statements were running/,
    ],
    [
      'goes on after its end',
      `void (async () => { await client.query('select 1'); await client.query('select 2') })()`,
      /used its client after it had ended|ended while/,
    ],
    [
      'swallows a failure',
      `await client.query('select 1 / 0').catch(() => undefined)`,
      /went on after one of its statements/,
    ],
    ['commits', `await client.query('commit')`, /COMMIT is not for a migration/],
    ['commits and hides it', `await client.query('commit').catch(() => undefined)`, /COMMIT is not for a migration/],
    ['rolls back', `await client.query('create table x (id int); rollback')`, /ROLLBACK is not for a migration/],
    ['releases what is not its own', `await client.query('release savepoint tenantry_code')`, /RELEASE is not/],
    ['sets search_path', `await client.query('set search_path = public')`, /leave its schema by search_path/],
    [
      'sets search_path by a function',
      `await client.query("select set_config('search_path', 'public', true)")`,
      /left its schema or its role/,
    ],
    ['takes a role', `await client.query('set local role postgres')`, /take another role/],
    ['resets its session', `await client.query('reset all')`, /RESET would undo its session/],
    ['makes a table elsewhere', `await client.query('create table public.escaped (id int)')`, /public\.escaped/],
    ['runs CONCURRENTLY', `await client.query('create index concurrently i on notes (id)')`, /CONCURRENTLY cannot run/],
    ['sends what is no text', `await client.query({ text: 'select 1' } as never)`, /no text/],
  ]
  test.each(bad)('that %s is refused, and leaves nothing', async (_, body, message) => {
    await stage.write({ ...base, 'migrations/tenant/0002_b.ts': code(body) })
    const { tenants } = await stage.load()
    const error = await errorOf(tenants.create({ name: 'Bad', slug: 'bad', isolation: 'schema' }))
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED', message: expect.stringMatching(message) as string })
    expect(String(error)).not.toContain('s3cret')
    expect(
      await stage.rows(`select to_regnamespace('tenant_bad') as schema, to_regclass('public.escaped') as escaped`),
    ).toEqual([{ schema: null, escaped: null }])
    expect(await tenants.find('bad')).toBeUndefined()
  })

  test('that commits where no rule sees it is found out', async () => {
    // With the setting off, the server ends the first text at the backslash's quote; a reader of standard SQL does not.
    await stage.write({
      ...base,
      'migrations/tenant/0002_b.ts':
        code(`await client.query("select set_config('standard_conforming_strings', 'off', true)")
    await client.query("select '\\\\''; commit; select ' '")`),
    })
    const { tenants } = await stage.load()
    expect(await errorOf(tenants.create({ name: 'Sly', slug: 'sly', isolation: 'schema' }))).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('left its transaction') as string,
    })
    await stage.rows('drop schema if exists tenant_sly cascade')
  })

  describe('that waits for what does not come', () => {
    const never = (body: string, directives = '// tenantry: idle-timeout 60ms') => `${directives}\n${code(body)}`
    const idle = {
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/0002_b\.ts sent no statement for 60 ms/) as string,
      fix: expect.stringContaining('idle-timeout') as string,
    }
    const waiting = 'await new Promise(() => {})'

    test.each([
      ['after a statement', never(`await client.query('create table half ()'); ${waiting}`)],
      ['before any', never(waiting)],
      ['while it is loaded', `// tenantry: idle-timeout 60ms\n${waiting}\n// defineMigration`],
      [
        'with its client in hand',
        never(`setTimeout(() => void client.query('create table late ()').catch(() => {}), 80); ${waiting}`),
      ],
    ])('%s is given up, and rolled back', async (_, text) => {
      await stage.write({ ...base, 'migrations/tenant/0002_b.ts': text })
      const { tenants } = await stage.load()
      expect(await errorOf(tenants.create({ name: 'Idle', slug: 'idle', isolation: 'schema' }))).toMatchObject(idle)
      expect(await stage.rows(`select to_regnamespace('tenant_idle') as schema`)).toEqual([{ schema: null }])
      expect(
        await stage.rows(
          `select from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`,
        ),
      ).toEqual([])
    })

    test('is not one that waits for a long statement', async () => {
      await stage.tenant('busy', {
        ...base,
        'migrations/tenant/0002_b.ts': never(`await client.query('select pg_sleep(0.2)')`),
      })
      expect(await stage.rows(`select from tenantry.migration where name = '0002_b.ts'`)).not.toEqual([])
    })
  })

  const unloadable: readonly (readonly [string, string, RegExp])[] = [
    [
      'a syntax error',
      'export default {\n  up(client) {\n    const = 1\n  } }\n// defineMigration',
      /0002_b\.ts, line 3 cannot be loaded/,
    ],
    ['an import that is absent', `import './absent.ts'\n// defineMigration`, /0002_b\.ts.* cannot be loaded/],
    ['no up()', 'export default {} // defineMigration', /no default export made by defineMigration/],
    ['a throw at its top', `throw 's3cret' // defineMigration`, /0002_b\.ts cannot be loaded/],
  ]
  test.each(unloadable)('with %s fails by its name when it is to run', async (_, text, message) => {
    await stage.write({ ...base, 'migrations/tenant/0002_b.ts': text })
    const { tenants } = await stage.load()
    expect(await errorOf(tenants.create({ name: 'Bad', slug: 'bad', isolation: 'schema' }))).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(message) as string,
    })
  })

  test('is refused once its text was changed after it was applied', async () => {
    await stage.tenant('changed', { ...base, 'migrations/tenant/0002_b.ts': code(`await client.query('select 1')`) })
    await stage.write({ 'migrations/tenant/0002_b.ts': code(`await client.query('select 2')`) })
    const { migrations } = await stage.load()
    expect(await errorOf(migrations.migrateTenant(stage.fixture().admin, 'changed'))).toMatchObject({
      code: 'MIGRATION_CHANGED',
    })
  })
})
