// Every rule is explained in docs/lint.md, by an example that it finds and one in which nothing is found: the page's
// examples are the fixtures.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lintFolder } from '../../src/features/lint/lint-folder.ts'
import { type RuleName, rules } from '../../src/features/lint/rules.ts'

const page = readFileSync(new URL('../../../../docs/lint.md', import.meta.url), 'utf8')
const sections = new Map(page.split(/^### /m).map((section) => [section.split('\n')[0] ?? '', section]))

interface Example {
  readonly file: string
  readonly text: string
}

function examplesOf(rule: string, outcome: 'found' | 'fine'): Example[] {
  const fences = [...(sections.get(rule) ?? '').matchAll(/```(ts|sql)( tenant)? (found|fine)\n([^]*?)```/g)]
  return fences
    .filter((fence) => fence[3] === outcome)
    .map(([, language, tenant, , text = '']) => ({
      file: language === 'ts' ? 'example.ts' : tenant ? 'migrations/tenant/0001_a.sql' : 'migrations/shared/0001_a.sql',
      text,
    }))
}

let folder: string
let count = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenantry-lint-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function lint(files: Readonly<Record<string, string>>) {
  count += 1
  const root = join(folder, String(count))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return lintFolder(root)
}

const names = Object.keys(rules) as RuleName[]

describe('docs/lint.md', () => {
  it('explains the rules there are, and no other', () => {
    const explained = [...page.matchAll(/^### (.+)$/gm)].map((match) => match[1])
    expect(explained).toEqual(names)
  })

  it.each(names)('says how severe %s is', (name) => {
    expect(sections.get(name)).toContain(`\n\n${rules[name].severity}: `)
  })
})

describe.each(names)('%s', (name) => {
  it('finds its own example, and nothing else in it', async () => {
    const [example, ...more] = examplesOf(name, 'found')
    expect(example).toBeDefined()
    expect(more).toEqual([])
    const { findings, ok } = await lint({ [example?.file ?? '']: example?.text ?? '' })
    const expected = name === 'suppression-without-reason' ? [name, 'built-sql'] : [name]
    expect(findings.map(({ rule }) => rule)).toEqual(expected)
    expect(findings[0]).toMatchObject({ file: example?.file, severity: rules[name].severity, fix: rules[name].fix })
    expect(ok).toBe(rules[name].severity === 'info')
  })

  it('is silent about the example that is fine, and so is every other rule', async () => {
    const [example] = examplesOf(name, 'fine')
    expect(example).toBeDefined()
    expect(await lint({ [example?.file ?? '']: example?.text ?? '' })).toEqual({ ok: true, files: 1, findings: [] })
  })
})
