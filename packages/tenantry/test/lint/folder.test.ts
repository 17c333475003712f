// The walk over a folder: what is left out, what cannot be read, what a comment answers for, and how long it takes.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lintFolder, lintMigrations } from '../../src/features/lint/lint-folder.ts'
import { runCli } from '../support/cli.ts'

let folder: string
const BUILT = 'pool.query(`select ${a}`)'

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenantry-lint-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function write(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

const found = async (ignore: readonly string[] = []) =>
  (await lintFolder(folder, { ignore })).findings.map(({ file, line, rule }) => `${file}:${line} ${rule}`)

describe('the files of a folder', () => {
  it('are left out where they are not source of the user', async () => {
    const left = ['node_modules/a.js', 'dist/a.js', 'coverage/a.js', '.git/a.js', 'src/.cache/a.js', 'a.json', 'a.vue']
    await write(Object.fromEntries(['src/a.ts', ...left].map((name) => [name, BUILT])))
    expect(await found()).toEqual(['src/a.ts:1 built-sql'])
    expect(await lintFolder(folder)).toMatchObject({ files: 1, ok: false })
  })

  it('are left out where they are named, by path or by name', async () => {
    await write({ 'src/a.ts': BUILT, 'src/old/b.ts': BUILT, 'test/c.ts': BUILT, 'src/test/d.ts': BUILT })
    expect(await found(['./src/old/', 'test'])).toEqual(['src/a.ts:1 built-sql'])
  })

  it('are found once where symbolic links make a loop', async () => {
    await write({ 'src/a.ts': BUILT })
    await symlink('..', join(folder, 'src/up'))
    await symlink(join(folder, 'src/a.ts'), join(folder, 'src/again.ts'))
    await symlink('nowhere', join(folder, 'src/broken.ts'))
    expect(await found()).toEqual(['src/a.ts:1 built-sql'])
  })

  it('are findings where they cannot be read, and the others are linted all the same', async () => {
    await write({
      'a.ts': 'const = 1',
      'b.sql': 'select 1;\nselect from from',
      'c.ts': Buffer.from([0xff, 0xfe, 0x41]),
      'd.sql': Buffer.from('select 1;\0'),
      'e.js': Buffer.alloc(2_000_001, ' '),
      'f.ts': BUILT,
      'g.sql': '',
      'h.sql': '-- nothing yet\n',
    })
    const { findings } = await lintFolder(folder)
    expect(findings.map(({ file, rule }) => `${file} ${rule}`)).toEqual([
      ...['a.ts', 'b.sql', 'c.ts', 'd.sql', 'e.js'].map((name) => `${name} unreadable-file`),
      'f.ts built-sql',
    ])
    expect(findings[0]).toMatchObject({ line: 1, column: 7 })
    expect(findings[1]).toMatchObject({ line: 2, column: 13 })
  })

  it('are no secret: no value of a file stands in a message', async () => {
    await write({ 'a.ts': 'const x = "hunter2" "hunter2"', 'b.sql': "select 'hunter2' 'hunter2' hunter2 hunter2" })
    expect(JSON.stringify(await lintFolder(folder))).not.toContain('hunter2')
  })

  it('may be 2,000', async () => {
    const body = Array.from(
      { length: 40 },
      (_, i) => `export const f${i} = async (x) => { await pool.query("select a from t where b = $1", [x]) }`,
    ).join('\n')
    const files = Array.from({ length: 2_000 }, (_, i) =>
      i % 10 === 0
        ? [`migrations/shared/${i}.sql`, `create table t${i} (tenant_id uuid not null, id uuid primary key);`.repeat(5)]
        : [`src/${i % 50}/${i}.ts`, body],
    )
    await write(Object.fromEntries(files) as Record<string, string>)
    expect(await lintFolder(folder)).toEqual({ ok: true, files: 2_000, findings: [] })
  }, 60_000)
})

describe('a comment with a reason', () => {
  it('covers its line and the next, in scripts and in SQL', async () => {
    await write({
      'a.ts': `// tenantry-lint-ok: a is a column\n${BUILT}\n${BUILT} // tenantry-lint-ok: same\n\n${BUILT}`,
      'b.sql': '-- tenantry-lint-ok: reporting reads all\ngrant select on a to public;\ngrant select on b to public;',
      'c.ts': `/* tenantry-lint-ok: once */\n\n${BUILT}`,
    })
    expect(await found()).toEqual([
      'a.ts:5 built-sql',
      'b.sql:3 grant-to-public',
      'c.ts:1 unused-suppression',
      'c.ts:3 built-sql',
    ])
  })
})

describe('migrations', () => {
  const INDEX = 'create index i on a (b)'

  it('are told from scripts by their folder or number, and all SQL is one where they are asked for', async () => {
    const migrations = ['shared/0001_a.sql', 'db/migrate/1.sql', 'drizzle/0000_x.sql', 'sql/20240101_a.sql']
    await write(Object.fromEntries([...migrations, 'seed.sql', 'scripts/x.sql'].map((name) => [name, INDEX])))
    await write({ 'a.ts': BUILT })
    expect((await found()).sort()).toEqual(
      ['a.ts:1 built-sql', ...migrations.map((name) => `${name}:1 index-lock`)].sort(),
    )
    const { files, findings } = await lintMigrations(folder)
    expect({ files, rules: findings.map(({ rule }) => rule) }).toEqual({ files: 6, rules: Array(6).fill('index-lock') })
  })

  it('are those of tenants below a folder tenant, also where it is the one that is linted', async () => {
    const text = 'create table other.a (b int)'
    await write({ 'tenant/1_a.sql': text, 'tenant/2_a/migration.sql': text })
    const expected = ['leaves-schema', 'leaves-schema']
    for (const path of [folder, join(folder, 'tenant')]) {
      expect((await lintMigrations(path)).findings.map(({ rule }) => rule)).toEqual(expected)
    }
  })

  it('of Drizzle Kit and Prisma Migrate are known by what lies beside them', async () => {
    const text = 'ALTER TABLE "a" ADD CONSTRAINT k FOREIGN KEY (b) REFERENCES "public"."c"(d) NOT VALID'
    await write({
      'x/tenant/0000_a.sql': text,
      'y/tenant/0000_a.sql': text,
      'y/tenant/meta/_journal.json': '{}',
      'z/tenant/1_a/migration.sql': text,
    })
    expect((await found()).filter((line) => line.includes('leaves'))).toEqual(['x/tenant/0000_a.sql:1 leaves-schema'])
  })

  it('that were applied are read, and not judged', async () => {
    await write({
      'tenant/0001_a.sql': 'create table a (b varchar(10)); create table c (d int)',
      'tenant/0002_b.sql': `${INDEX}; -- tenantry-lint-ok:`,
      'tenant/0003_c.sql': 'alter table a alter b type varchar(20)',
      'tenant/0004_d.sql': INDEX,
    })
    for (const since of ['0003', '0003_c.sql']) {
      const { findings } = await lintMigrations(folder, { since })
      expect(findings.map(({ file, rule }) => `${file} ${rule}`)).toEqual(['tenant/0004_d.sql index-lock'])
    }
    expect(await lintMigrations(folder, { since: '0004' })).toMatchObject({ ok: true, files: 4 })
  })

  it('are answered for by a comment with a reason', async () => {
    await write({ '0001_a.sql': `-- tenantry-lint-ok: nobody has rows yet\n${INDEX}` })
    expect(await lintMigrations(folder)).toEqual({ ok: true, files: 1, findings: [] })
  })

  it('carry the SQL to write instead', async () => {
    await write({ '0001_a.sql': INDEX })
    const { findings } = await lintMigrations(folder)
    expect(findings).toMatchObject([
      { rule: 'index-lock', line: 1, instead: '-- tenantry: no-transaction\ncreate index concurrently i on a (b);' },
    ])
  })
})

describe('tenantry lint', () => {
  it('prints each finding with its place and what to do, and exits with 1', async () => {
    await write({ 'src/a.ts': `\n  ${BUILT}` })
    const { code, stdout, stderr } = await runCli(['lint'], { cwd: folder })
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toContain('src/a.ts:2:3  error  built-sql')
    expect(stdout).toContain('Pass values as parameters')
    expect(stdout).toContain('1 finding in 1 file')
  })

  it('prints the report as JSON, and exits with 0 where there is nothing but information', async () => {
    await write({ 'a.ts': 'tenantry.scope("a", { switch: true })' })
    const { code, stdout } = await runCli(['lint', '.', '--json'], { cwd: folder })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, files: 1, findings: [{ rule: 'scope-switch', file: 'a.ts' }] })
  })

  it('takes what is known of the migrations, and prints the SQL to write instead', async () => {
    await write({
      'migrations/tenant/0001_a.sql': 'create index i on a (b)',
      'migrations/tenant/0002_b.sql':
        'alter table a alter b set not null;\nalter table a add c int references app.d (e)',
    })
    const options = ['--since', '0001', '--postgres', '18', '--shared-schemas', 'app, other']
    const { code, stdout } = await runCli(['lint', ...options], { cwd: folder })
    expect(code).toBe(1)
    expect(stdout).toContain('alter table a add constraint b_not_null not null b not valid;')
    expect(stdout).toContain('1 finding in 2 files.')
    expect(await runCli(['lint', '--postgres', '9'], { cwd: folder })).toMatchObject({ code: 2 })
  })

  it('takes folders and files to leave out', async () => {
    await write({ 'test/a.ts': BUILT, 'b.ts': BUILT })
    expect(await runCli(['lint', '--ignore', 'test, b.ts'], { cwd: folder })).toMatchObject({ code: 0 })
  })

  it('refuses a folder that is not there', async () => {
    const { code, stderr } = await runCli(['lint', 'nowhere'], { cwd: folder })
    expect(code).toBe(2)
    expect(stderr).toContain('INVALID_INPUT')
  })
})
