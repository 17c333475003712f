// `adopt plan` on the command line: the file it writes, the questions it asks, the page it draws, and what it refuses.
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest'
import type { AdoptPlan } from '../../src/features/adopt/plan.ts'
import { fingerprintNow } from '../../src/features/adopt/plan-check.ts'
import { readPlan } from '../../src/features/adopt/plan-read.ts'
import { readPlanFile } from '../../src/surfaces/config/plan-file.ts'
import { type AdoptFixture, databaseWith, decisionsOf, tableOf } from '../support/adopt-fixture.ts'
import { runCli } from '../support/cli.ts'
import { nastyRows, nastySchema } from '../support/nasty-schema.ts'

let fixture: AdoptFixture
let folder: string

beforeAll(async () => {
  fixture = await databaseWith(
    nastySchema,
    nastyRows,
    `create table "<script>alert('x')</script>" (id integer primary key, company_id integer not null references company)`,
  )
})
afterAll(() => fixture.drop())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenantry-adopt-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const adopt = (words: readonly string[], typing?: readonly (readonly [RegExp, string])[]) =>
  runCli(['adopt', 'plan', ...words], {
    cwd: folder,
    env: { DATABASE_ADMIN_URL: fixture.adminUrl },
    ...(typing !== undefined && { typing }),
  })
const answers = ['--decide', 'setting=global', 'transfer=tenant:via from_account→account']
const planIn = async (name = 'adopt.plan.yaml'): Promise<AdoptPlan> => readPlan(await readPlanFile(join(folder, name)))

describe('adopt plan', () => {
  test('without a terminal lists its questions, writes the file, and ends with 4', async () => {
    const { code, stderr } = await adopt(['--root', 'company'])
    expect(code).toBe(4)
    expect(stderr).toContain('Whose is it?')
    expect(stderr).toContain('public.transfer has 2 equally near ways to a tenant')
    const plan = await planIn()
    expect(plan.questions).toHaveLength(2)
    expect(tableOf(plan, 'setting').decision).toBe('undecided')
  })

  test('writes a file that reads as the plan it printed, with a comment for each table', async () => {
    const { code, stdout } = await adopt(['--root', 'company', ...answers, '--json'])
    expect(code).toBe(0)
    expect(await planIn()).toEqual(JSON.parse(stdout))
    const text = await readFile(join(folder, 'adopt.plan.yaml'), 'utf8')
    expect(text).toContain('# public.transfer: 2 rows. It finds its tenant by from_account → public.account')
    expect(text).toContain('# - keys go round: public.department → public.person → public.department')
  })

  test('writes JSON where the file is named so', async () => {
    await adopt(['--root', 'company', ...answers, '--output', 'plan.json'])
    expect(await planIn('plan.json')).toEqual(JSON.parse(await readFile(join(folder, 'plan.json'), 'utf8')))
  })

  test('asks on a terminal, and takes the answers', async () => {
    const [down, enter] = ['\u001b[B', '\r']
    const { code } = await adopt(
      ['--root', 'company'],
      [
        [/Whose is it\?/, `${down}${enter}`],
        [/slug of the tenant/, `acme${enter}`],
        [/Which one says whose a row is\?/, enter],
      ],
    )
    expect(code).toBe(0)
    expect(decisionsOf(await planIn())).toMatchObject({
      setting: 'tenant',
      transfer: 'tenant by from_account→account company_id→company',
    })
    expect(tableOf(await planIn(), 'setting').orphans).toBe('acme')
  })

  test('does not replace a plan that is there unless it is told to', async () => {
    await writeFile(join(folder, 'adopt.plan.yaml'), '# mine\n')
    const { code, stderr } = await adopt(['--root', 'company', ...answers])
    expect(code).not.toBe(0)
    expect(stderr).toContain('--yes')
    expect(await readFile(join(folder, 'adopt.plan.yaml'), 'utf8')).toBe('# mine\n')
    expect((await adopt(['--root', 'company', ...answers, '--yes'])).code).toBe(0)
  })

  test('draws a page that loads nothing and escapes every name', async () => {
    const { code } = await adopt(['--root', 'company', ...answers, '--html', 'plan.html'])
    expect(code).toBe(0)
    const page = await readFile(join(folder, 'plan.html'), 'utf8')
    expect(page).toContain('<svg')
    expect(page).toContain('&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;')
    expect(page).not.toContain('<script')
    expect(page).not.toMatch(/(?:src|href)="(?!#)/)
    expect(page).toContain("default-src 'none'")
    expect(page).toContain('light-dark(')
    for (const { table } of (await planIn()).tables.filter(({ table: name }) => /^public\.[a-z_]+$/.test(name))) {
      expect(page).toContain(`>${table.replace('public.', '')}</text>`)
    }
  })

  test('shows the SQL of every stage on the page where the control plane is there', async () => {
    await runCli(['init'], { cwd: folder, env: { DATABASE_ADMIN_URL: fixture.adminUrl } })
    const { code } = await adopt(['--root', 'company', ...answers, 'note=tenant:to house', '--html', 'plan.html'])
    expect(code).toBe(0)
    const page = await readFile(join(folder, 'plan.html'), 'utf8')
    expect(page).toContain('What each stage runs')
    expect(page).toContain('alter table public.note add column tenant_id uuid')
    expect(page).not.toContain('<script')
  })

  test.each([
    [['--root', 'nowhere'], 3, 'There is no table nowhere'],
    [['--root', 'company', '--column', 'company_id'], 2, 'one root'],
    [['--root', 'assignment'], 2, 'no single column that tells its rows apart'],
    [['--root', 'company', '--decide', 'nonsense'], 2, 'A decision cannot be read'],
    [['--root', 'company', '--schema', 'nowhere'], 3, 'The schema nowhere has no tables'],
    [['--default', 'Not A Slug'], 2, 'slug'],
  ] as const)('refuses %j', async (words, exit, message) => {
    const { code, stderr } = await adopt(words)
    expect(stderr).toContain(message)
    expect(code).toBe(exit)
  })
})

describe('a plan that was edited', () => {
  const edited = async (from: RegExp | string, to: string) => {
    await adopt(['--root', 'company', ...answers, '--yes'])
    const file = join(folder, 'adopt.plan.yaml')
    const text = await readFile(file, 'utf8')
    expect(text).toMatch(from)
    await writeFile(file, text.replace(from, to))
    return planIn()
  }

  test.each([
    [/rows: 2\n/, 'rows: 2\n    colour: red\n', 'tables[1].colour is not known'],
    [/decision: global/, 'decision: everyone', 'is none of tenant, global, undecided'],
    [/table: public\.account\n/, 'table: public.country\n', 'is listed twice'],
    [/format: 1/, 'format: 2', 'format is not 1'],
    [/target: row/, 'target: [row', 'is not valid YAML (line'],
    [/decision: composite/, 'decision: kept', 'both of its ends belong to tenants'],
    [/decision: kept/, 'decision: composite', 'one of its ends is no table of tenants'],
    [/decision: tenant\n/, 'decision: global\n', 'but it has a path'],
    [/orphans: null/, 'orphans: Not A Slug', 'is not a valid slug'],
    [/pilot: \[\]\n/, '', 'pilot is missing'],
  ])('with %s as %j is refused with the place', async (from, to, message) => {
    const error: unknown = await edited(from, to).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'PLAN_INVALID' })
    expect(String(error)).toContain(message)
  })

  test('a question that was answered in the file is none any more', async () => {
    await adopt(['--root', 'company', '--decide', 'transfer=global'])
    const file = join(folder, 'adopt.plan.yaml')
    await writeFile(file, (await readFile(file, 'utf8')).replace('decision: undecided', 'decision: global'))
    expect((await planIn()).questions).toEqual([])
  })

  test('with a table or a column that the database does not have is refused with the place', async () => {
    await adopt(['--root', 'company', ...answers])
    const plan = await planIn()
    expect(await fingerprintNow(fixture.database, plan)).toBe(plan.fingerprint)
    const gone = {
      ...plan,
      tables: plan.tables.map((table, i) => (i === 3 ? { ...table, table: 'public.gone' } : table)),
    }
    await expect(fingerprintNow(fixture.database, gone)).rejects.toMatchObject({
      code: 'PLAN_INVALID',
      field: 'tables[3].table',
    })
    const path = [{ columns: ['gone'], table: 'public.company', references: ['id'] }]
    const lost = { ...plan, tables: plan.tables.map((table, i) => (i === 3 ? { ...table, path } : table)) }
    await expect(fingerprintNow(fixture.database, lost)).rejects.toMatchObject({
      code: 'PLAN_INVALID',
      field: 'tables[3].path[0]',
    })
  })
})
