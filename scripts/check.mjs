// `npm run check`: every gate of the repository, in order. The quick steps all run even when one fails; the slow
// ones start only on a clean base. `--skip tests,package` leaves steps out.
import { spawnSync } from 'node:child_process'

const steps = [
  { name: 'format', command: 'npm run --silent check:format' },
  { name: 'lint', command: 'npm run --silent check:lint' },
  { name: 'types', command: 'npm run --silent check:types' },
  { name: 'layers', command: 'npm run --silent check:layers' },
  { name: 'exports', command: 'npm run --silent check:exports' },
  { name: 'docs', command: 'npm run --silent check:docs' },
  { name: 'client', command: 'npm run --silent check:client' },
  { name: 'tests', command: 'npm run --silent test', slow: true },
  { name: 'package', command: 'npm run --silent check:package', slow: true },
]

const skipped = new Set(process.argv[2] === '--skip' ? process.argv[3]?.split(',') : [])
const unknown = [...skipped].filter((name) => !steps.some((step) => step.name === name))
if (unknown.length > 0)
  throw new Error(`No step ${unknown.join(', ')}; there are ${steps.map((s) => s.name).join(', ')}.`)

function run(step) {
  console.log(`\n== ${step.name}: ${step.command}`)
  const start = performance.now()
  const { status } = spawnSync(step.command, { shell: true, stdio: 'inherit' })
  return { name: step.name, code: status ?? 1, seconds: (performance.now() - start) / 1000 }
}

const results = []
const firstFailure = () => results.find((result) => result.code !== 0)
for (const step of steps) {
  if (skipped.has(step.name) || (step.slow && firstFailure())) results.push({ name: step.name, code: 0, seconds: null })
  else results.push(run(step))
}

console.log('\n== summary')
for (const { name, code, seconds } of results) {
  const outcome = seconds === null ? 'not run' : code === 0 ? 'ok' : `FAILED (exit ${code})`
  console.log(`${name.padEnd(10)}${outcome.padEnd(18)}${seconds === null ? '' : `${seconds.toFixed(1)} s`}`)
}
process.exitCode = firstFailure()?.code ?? 0
