// Plain facts about the repository's files: links lead somewhere, control-plane migrations are numbered without gaps.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const root = new URL('../../../../', import.meta.url)
const markdown = (folder: string): string[] =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}${name}`)

it('links only to files that exist', () => {
  const broken = [...markdown('./'), ...markdown('docs/')].flatMap((page) => {
    const text = readFileSync(new URL(page, root), 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '')
    return links.filter((link) => !existsSync(new URL(link, new URL(page, root)))).map((link) => `${page}: ${link}`)
  })
  expect(broken).toEqual([])
})

it('numbers the migrations of the control plane from 0001 without gaps', () => {
  const names = readdirSync(new URL('packages/tenantry/sql/control', root)).sort()
  const numbers = names.map((name) => /^(\d{4})_[a-z][a-z0-9_]*\.sql$/.exec(name)?.[1] ?? `${name} is misnamed`)
  expect(numbers).toEqual(names.map((_, index) => String(index + 1).padStart(4, '0')))
})

it('names tests that exist, in what shows the claims', () => {
  const page = readFileSync(new URL('docs/evidence.md', root), 'utf8')
  const named = [...page.matchAll(/`(test\/[^`]+)`/g)].map((match) => match[1] ?? '')
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter((path) => !existsSync(new URL(`packages/tenantry/${path}`, root)))).toEqual([])
})
