// `npm run check:layers`: runs the import rules of layer-rules.mjs over the library's sources, and fails as well on a
// rule that matches nothing and on a planned part that exists by now.
import { cruise } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'
import { forbidden, planned, staticRules } from './layer-rules.mjs'

const run = async (rules, exclude = {}) => {
  const { output } = await cruise(
    ['packages/tenantry/src'],
    {
      ruleSet: { forbidden: rules },
      validate: true,
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
      // Tests beside the sources may reach for the harness.
      exclude: { path: '[.]test[.]ts$', ...exclude },
    },
    { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
    { tsConfig: extractTSConfig('tsconfig.json') },
  )
  return output
}

const output = await run(forbidden)
// What is loaded only when it is needed is not part of what an entry loads.
const loaded = await run(staticRules, { dynamic: true })

const violations = [output, loaded]
  .flatMap(({ summary }) => summary.violations)
  .map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)
const unresolved = output.modules
  .filter((module) => module.couldNotResolve)
  .map((module) => `unresolved import: ${module.source}`)

const patterns = [...forbidden, ...staticRules]
  .flatMap(({ from, to }) => [from.path, from.pathNot, to.path, to.pathNot])
  .flat()
  .filter((pattern) => pattern !== undefined && !pattern.includes('$1'))
const matches = (pattern) => output.modules.some((module) => new RegExp(pattern).test(module.source))
const stale = [...new Set(patterns)]
  .filter((pattern) => !planned.includes(pattern) && !matches(pattern))
  .map((pattern) => `rule pattern matches no file: ${pattern}`)
const arrived = planned
  .filter(matches)
  .map((pattern) => `exists now, take it off "planned" in scripts/layer-rules.mjs: ${pattern}`)

const problems = [...violations, ...unresolved, ...stale, ...arrived]
for (const problem of problems) console.error(problem)
console.log(
  `${output.modules.length} modules, ${forbidden.length + staticRules.length} rules, ${problems.length} problems`,
)
process.exitCode = problems.length > 0 ? 1 : 0
