// docs/verify.md and the checks of the catalogue say the same.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { catalogueCheckNames } from '../../src/features/verify/catalogue/check-catalogue.ts'
import { catalogueRules } from '../../src/features/verify/catalogue/catalogue-rules.ts'

const page = readFileSync(new URL('../../../../docs/verify.md', import.meta.url), 'utf8')
const documented = [...page.matchAll(/^\| (.+?) \| (error|warning) \| .+ \|$/gm)].map(([, name = '', weight]) => ({
  name,
  weight,
}))

it('lists every check of the catalogue once, with its weight, and nothing else', () => {
  const warnings = new Set(catalogueRules.filter(({ severity }) => severity === 'warning').map(({ name }) => name))
  const there = catalogueCheckNames.map((name) => ({ name, weight: warnings.has(name) ? 'warning' : 'error' }))
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name)
  expect(documented.toSorted(byName)).toEqual(there.toSorted(byName))
})

it('names no check twice', () => {
  expect(new Set(catalogueCheckNames).size).toBe(catalogueCheckNames.length)
})
