// Runs one bench: `npm run bench -- <name> [--json] [--rounds n] [--only text]`. With --json the last line is one JSON object.
import { readdir } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { printTable } from './src/report.mjs'

const names = (await readdir(new URL('./benches', import.meta.url)))
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -4))

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '9' },
    only: { type: 'string', default: '' },
  },
  allowPositionals: true,
})
const [name] = positionals
const rounds = Number(values.rounds)
if (!names.includes(name) || !Number.isInteger(rounds) || rounds < 1) {
  console.error(`Usage: npm run bench -- <name> [--json] [--rounds n] [--only text]\nBenches: ${names.join(', ')}`)
  process.exit(2)
}
const { run } = await import(`./benches/${name}.mjs`)
const { ratios, rows, notes } = await run({ rounds, only: values.only, progress: (line) => console.error(line) })
printTable(rows)
for (const note of notes ?? []) console.log(note)
if (values.json) console.log(JSON.stringify({ bench: name, ratios }))
process.exit(0)
