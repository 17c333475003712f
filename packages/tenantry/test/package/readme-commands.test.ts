// Every command that README.md and docs/ show exists: npm scripts in package.json, `tenantry` verbs in the help of the
// built command line. Commands are read from code fences marked sh.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { skipUnless } from '../harness/skip.ts'

const root = new URL('../../../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

/** Tools that a page may show and that are not ours to check. */
const elsewhere = new Set(['curl', 'git', 'export', 'cd', 'createdb', 'psql', 'cat', 'echo'])

function commandsOf(page: string): string[] {
  const fences = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  return fences
    .flatMap((fence) => fence.replaceAll('\\\n', ' ').split(/\n|&&|;/))
    .map((line) =>
      line
        .replace(/(^|\s)#.*$/, '')
        .replace(/^\s*(?:\w+=\S*\s+)*/, '')
        .trim(),
    )
    .filter((line) => line !== '')
}

const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync(new URL('docs', root)).map((name) => `docs/${name}`)]
const commands = pages
  .filter((page) => page.endsWith('.md'))
  .flatMap((page) => commandsOf(read(page)).map((command) => ({ page, command, words: command.split(/\s+/) })))
const cli = commands
  .map((each) => ({ ...each, words: each.words[0] === 'npx' ? each.words.slice(1) : each.words }))
  .filter(({ words }) => words[0] === 'tenantry')

describe('the commands of the documents', () => {
  it('show the two that do everything', () => {
    expect(read('README.md')).toContain('npm ci && npm start')
    expect(read('README.md')).toContain('npm ci && npm test')
  })

  it('use npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const wanted = commands.flatMap(({ words: [tool, verb, name] }) => {
      if (tool !== 'npm') return []
      return verb === 'run' ? [name] : verb === 'test' || verb === 'start' ? [verb] : []
    })
    expect(wanted.filter((name) => name === undefined || !(name in scripts))).toEqual([])
  })

  it('start with a tool that is known here', () => {
    const known = new Set(['npm', 'npx', 'node', 'tenantry', ...elsewhere])
    expect(commands.filter(({ words: [tool = ''] }) => !known.has(tool))).toEqual([])
  })

  it('name `tenantry` verbs that the help lists', (context) => {
    const built = existsSync(new URL('packages/tenantry/dist/surfaces/cli/main.js', root))
    skipUnless(context, built, 'the command line is not built; run npm run build first')
    const bin = fileURLToPath(new URL('packages/tenantry/bin/tenantry.js', root))
    const help = execFileSync(process.execPath, [bin, '--help'], { encoding: 'utf8' })
    const listed = new Set([...help.matchAll(/^\s{2,}([a-z][a-z-]*)/gm)].map((match) => match[1]))
    expect(listed.size).toBeGreaterThan(0)
    const verbs = cli.flatMap(({ page, words: [, verb = ''] }) => (verb.startsWith('-') ? [] : [{ page, verb }]))
    expect(verbs.filter(({ verb }) => !listed.has(verb))).toEqual([])
  })
})
