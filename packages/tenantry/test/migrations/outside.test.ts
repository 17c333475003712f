// Migrations that say no-transaction: an index is built concurrently, and a run that ended in the middle goes on.
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Sql } from '../../src/engine/sql/database.ts'
import { readMigrationFiles } from '../../src/features/migrations/migration-files.ts'
import type { MigrationFile } from '../../src/features/migrations/migration-file.ts'
import {
  type OutsideRun,
  runOutsideTransaction,
} from '../../src/features/migrations/outside/run-outside-transaction.ts'
import { errorOf, migrationStage } from './fixture.ts'

const stage = migrationStage()

const HEAD = '-- tenantry: no-transaction\n'
const table = { 'migrations/tenant/0001_a.sql': 'create table notes (id integer, text text)' }

/** A tenant with the table notes, and then the file 0002_b to run for it. */
const prepare = async (slug: string, text: string, extension = 'sql'): Promise<MigrationFile> => {
  await stage.tenant(slug, table)
  await stage.write({ [`migrations/tenant/0002_b.${extension}`]: text })
  const { tenant } = await readMigrationFiles(join(stage.folder(), 'migrations'))
  const file = tenant[1]
  if (file === undefined) throw new Error('no second migration')
  return file
}

interface TestRun extends OutsideRun {
  /** Puts a fault between the run and its session. */
  readonly around?: (sql: Sql) => Sql
}

const runFor = (slug: string, file: MigrationFile, { around = (sql) => sql, ...run }: TestRun = {}) =>
  stage
    .fixture()
    .admin.session((session) => runOutsideTransaction(around(session), file, { schema: `tenant_${slug}`, ...run }))

const indexes = (slug: string) =>
  stage.rows(
    `select c.relname as name, i.indisvalid as valid from pg_index i join pg_class c on c.oid = i.indexrelid
      where c.relnamespace = $1::regnamespace order by 1`,
    [`tenant_${slug}`],
  )

describe('a no-transaction file', () => {
  test('runs statement by statement in the tenant’s schema, and notes each', async () => {
    const file = await prepare(
      'concurrent',
      `${HEAD}create index concurrently by_id on notes (id);
alter table notes add more integer;
create unique index concurrently if not exists "By More" on only notes (more);
vacuum analyze notes; reindex index concurrently by_id; drop index concurrently by_id`,
    )
    const done: number[] = []
    await runFor('concurrent', file, { record: async (_, count) => void done.push(count) })
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(await indexes('concurrent')).toEqual([{ name: 'By More', valid: true }])
  })

  test('drops the invalid index that a crash left, and builds it again; a finished one stays', async () => {
    const file = await prepare(
      'crashed',
      `${HEAD}create unique index concurrently one on notes (id);\ncreate index concurrently two on notes (text)`,
    )
    await stage.rows('alter table tenant_crashed.notes no force row level security')
    await stage.rows(`insert into tenant_crashed.notes values (1, 'a'), (1, 'b')`)
    // As a build that is cut off leaves it: made, and not valid.
    await stage
      .fixture()
      .admin.session((session) =>
        errorOf(session.query('create unique index concurrently one on tenant_crashed.notes (id)')),
      )
    expect(await indexes('crashed')).toEqual([{ name: 'one', valid: false }])
    await stage.rows(`delete from tenant_crashed.notes where text = 'b'`)
    const before = await stage.rows(`select 'tenant_crashed.one'::regclass::oid as oid`)
    await runFor('crashed', file, { done: 0 })
    expect(await indexes('crashed')).toEqual([
      { name: 'one', valid: true },
      { name: 'two', valid: true },
    ])
    expect(await stage.rows(`select 'tenant_crashed.one'::regclass::oid as oid`)).not.toEqual(before)
    const built = await stage.rows(`select 'tenant_crashed.one'::regclass::oid as oid`)
    await runFor('crashed', file, { done: 0 })
    expect(await stage.rows(`select 'tenant_crashed.one'::regclass::oid as oid`)).toEqual(built)
  })

  test('goes on where it was: what is done with its note is not done twice', async () => {
    const file = await prepare(
      'resumed',
      `${HEAD}insert into notes values (1);\ncreate index concurrently i on notes (id);\ninsert into notes values (2)`,
    )
    await stage.rows('alter table tenant_resumed.notes disable row level security')
    let done: number | undefined
    const record = async (_: Sql, count: number) => {
      done = count
    }
    const lost = new Error('the connection was lost')
    for (const fatal of ['create index', 'insert into notes values (2)']) {
      const failing = (sql: Sql): Sql => ({
        query: (text, values) => (text.startsWith(fatal) ? Promise.reject(lost) : sql.query(text, values)),
      })
      expect(
        await errorOf(runFor('resumed', file, { ...(done === undefined ? {} : { done }), record, around: failing })),
      ).toMatchObject({
        code: 'MIGRATION_FAILED',
        cause: lost,
      })
    }
    expect(done).toBe(2)
    await runFor('resumed', file, { done: 2, record })
    expect(await stage.rows('select id from tenant_resumed.notes order by 1')).toEqual([{ id: 1 }, { id: 2 }])
  })

  const failing: readonly (readonly [string, string, RegExp])[] = [
    ['a fault of SQL', 'select 1;\n\nselect * from nothing', /0002_b\.sql, line 4 failed \(SQLSTATE 42P01\)/],
    ['a table elsewhere', 'create table public.escaped (id integer)', /reached outside/],
    ['an index elsewhere', 'create index concurrently i on public.other (id)', /line 2: a schema is named/],
    [
      'an index without a name',
      'create index concurrently on notes (id)',
      /line 2: an index that is built concurrently needs a name/,
    ],
  ]
  test.each(failing)('with %s fails by file and line', async (what, text, message) => {
    const slug = what.toLowerCase().replaceAll(' ', '-')
    const file = await prepare(slug, `${HEAD}${text}`)
    expect(await errorOf(runFor(slug.replaceAll('-', '_'), file))).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(message) as string,
    })
    expect(await stage.rows(`select to_regclass('public.escaped') as found`)).toEqual([{ found: null }])
  })

  test('leaves no invalid index where its build fails', async () => {
    const file = await prepare('duplicate', `${HEAD}create unique index concurrently i on notes (id)`)
    await stage.rows('alter table tenant_duplicate.notes no force row level security')
    await stage.rows('insert into tenant_duplicate.notes values (1), (1)')
    expect(await errorOf(runFor('duplicate', file))).toMatchObject({ code: 'MIGRATION_FAILED', sqlState: '23505' })
    expect(await indexes('duplicate')).toEqual([])
  })

  test('waits for a lock as long as it says, or the run', async () => {
    const file = await prepare('locked', `-- tenantry: lock-timeout 20ms\n${HEAD}alter table notes add more integer`)
    expect(file).toMatchObject({ transaction: false, lockTimeoutMs: 20 })
    await stage.fixture().admin.transaction(async (holder) => {
      await holder.query('lock table tenant_locked.notes')
      expect(await errorOf(runFor('locked', file))).toMatchObject({ code: 'MIGRATION_FAILED', sqlState: '55P03' })
      const { name, text, checksum, format } = file
      const plain: MigrationFile = { name, text, checksum, format, transaction: false }
      expect(await errorOf(runFor('locked', plain, { lockTimeoutMs: 20 }))).toMatchObject({ sqlState: '55P03' })
    })
  })

  test('in code sends its statements one by one, and may begin transactions of its own', async () => {
    const text = `// tenantry: no-transaction
import { defineMigration } from 'tenantry'
export default defineMigration({
  async up(client) {
    await client.query('alter table notes add more integer')
    await client.query('create index concurrently i on notes (more)')
    await client.query('begin')
    await client.query('create table gone (id integer)')
    await client.query('rollback')
    await client.query('begin')
    await client.query('create table kept (id integer)')
    await client.query('commit')
  },
})`
    const file = await prepare('outside-code', text, 'ts')
    await runFor('outside_code', file)
    expect(await indexes('outside_code')).toEqual([{ name: 'i', valid: true }])
    expect(
      await stage.rows(
        `select to_regclass('tenant_outside_code.gone') as gone, to_regclass('tenant_outside_code.kept') is null as lost`,
      ),
    ).toEqual([{ gone: null, lost: false }])
  })

  test('in code that waits for what does not come is given up, and what it began is rolled back', async () => {
    const body = `await client.query('begin'); await client.query('create table half ()'); await new Promise(() => {})`
    const head = '// tenantry: no-transaction\n// tenantry: idle-timeout 60ms'
    const text = `${head}\nexport default { async up(client) { ${body} } } // defineMigration`
    const file = await prepare('idle-code', text, 'ts')
    expect(await errorOf(runFor('idle_code', file))).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/0002_b\.ts sent no statement for 60 ms/) as string,
    })
    expect(await stage.rows(`select to_regclass('tenant_idle_code.half') as half`)).toEqual([{ half: null }])
  })

  const escapes: readonly (readonly [string, string])[] = [
    ['alone', `await client.query('create table public.escaped (id integer)')`],
    [
      'in-its-own',
      `await client.query('begin'); await client.query('create table public.escaped (id integer)'); await client.query('commit')`,
    ],
    ['concurrently', `await client.query('create index concurrently i on public.other (id)')`],
    ['by-path', `await client.query('set search_path = public')`],
  ]
  test.each(escapes)('in code cannot make a table elsewhere: %s', async (slug, body) => {
    const text = `// tenantry: no-transaction\nexport default { async up(client) { ${body} } } // defineMigration`
    const file = await prepare(slug, text, 'ts')
    expect(await errorOf(runFor(slug.replaceAll('-', '_'), file))).toMatchObject({ code: 'MIGRATION_FAILED' })
    expect(await stage.rows(`select to_regclass('public.escaped') as found`)).toEqual([{ found: null }])
  })
})

describe('CONCURRENTLY', () => {
  test('without the directive is refused by file and line, which tell what to do', async () => {
    await stage.write({ 'migrations/tenant/0001_a.sql': 'select 1;\ncreate index concurrently i on notes (id)' })
    expect(await errorOf(stage.load())).toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/0001_a\.sql, line 2: .*say `-- tenantry: no-transaction`/) as string,
    })
  })

  test('is left out for a new tenant, whose schema nobody uses yet', async () => {
    await stage.tenant('fresh', {
      ...table,
      'migrations/tenant/0002_b.sql': `${HEAD}create index concurrently i on notes (id); vacuum notes; select 'concurrently'`,
      'migrations/tenant/0003_c.ts': `// tenantry: no-transaction
export default { async up(client) { await client.query('drop index concurrently i') } } // defineMigration`,
      'migrations/tenant/0004_d.sql': `${HEAD}create index concurrently j on notes (id)`,
    })
    expect(await indexes('fresh')).toEqual([{ name: 'j', valid: true }])
  })

  test('of shared migrations runs between the others, once however many processes start', async () => {
    await stage.write({
      'migrations/shared/0001_a.sql': 'create table public.shared_notes (id integer)',
      'migrations/shared/0002_b.sql': `${HEAD}create index concurrently shared_by_id on public.shared_notes (id)`,
      'migrations/shared/0003_c.sql': 'alter table public.shared_notes add more integer',
    })
    const { migrations } = await stage.load()
    const applied = await Promise.all([1, 2, 3].map(() => migrations.applyShared(stage.fixture().admin)))
    expect(applied.flat().sort()).toEqual(['0001_a.sql', '0002_b.sql', '0003_c.sql'])
    expect(
      await stage.rows(`select indisvalid as valid from pg_index where indexrelid = 'public.shared_by_id'::regclass`),
    ).toEqual([{ valid: true }])
  })
})

describe('a directive', () => {
  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['0001_a.sql', '-- tenantry: no-transactions\nselect 1', /0001_a\.sql, line 1: there is no such directive/],
    ['0001_a.sql', '\n-- a\n-- tenantry: lock-timeout\nselect 1', /0001_a\.sql, line 3: there is no such/],
    ['0001_a.sql', '-- tenantry: lock-timeout 0s', /line 1/],
    ['0001_a.sql', 'select 1;\n-- tenantry: no-transaction', /0001_a\.sql, line 2: the directive comes after/],
    ['0001_a.ts', '// tenantry: nothing\n// defineMigration', /0001_a\.ts, line 1: there is no such/],
    [
      '0001_a.ts',
      'export default defineMigration({})\n// tenantry: no-transaction',
      /0001_a\.ts, line 2: the directive comes/,
    ],
  ]
  test.each(bad)('in %s as %j is refused by file and line', async (name, text, message) => {
    await stage.write({ [`migrations/tenant/${name}`]: text })
    expect(await errorOf(stage.load())).toMatchObject({
      code: 'CONFIGURATION_INVALID',
      message: expect.stringMatching(message) as string,
    })
  })

  test('in a text, or one of the linter’s, is none', async () => {
    await stage.write({
      'migrations/tenant/0001_a.sql': `select '\n-- tenantry: nothing\n';\n-- tenantry: global a list\nselect 1`,
    })
    await stage.load()
  })
})
