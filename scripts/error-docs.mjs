// Writes the table of docs/errors.md from src/kernel/error-codes.ts. With --check it only tells whether they agree.
import { readFileSync, writeFileSync } from 'node:fs'
import ts from 'typescript'

const tablePath = new URL('../packages/tenantry/src/kernel/error-codes.ts', import.meta.url)
const docsPath = new URL('../docs/errors.md', import.meta.url)
const start = '<!-- table: written by scripts/error-docs.mjs -->'
const end = '<!-- end of table -->'

async function errorCodes() {
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 }
  const { outputText } = ts.transpileModule(readFileSync(tablePath, 'utf8'), { compilerOptions: options })
  const loaded = await import(`data:text/javascript;base64,${Buffer.from(outputText).toString('base64')}`)
  return loaded.errorCodes
}

const row = ([code, { status, exit, retryable, fix }]) =>
  `| \`${code}\` | ${status} | ${exit} | ${retryable ? 'yes' : 'no'} | ${fix.replaceAll('|', '\\|')} |`

const table = [
  '| Code | HTTP | Exit | Retry | What to do |',
  '|---|---|---|---|---|',
  ...Object.entries(await errorCodes()).map(row),
].join('\n')

const page = readFileSync(docsPath, 'utf8')
const [head, rest] = page.split(start)
const tail = rest?.split(end)[1]
if (tail === undefined) throw new Error(`docs/errors.md has lost its markers:\n${start}\n${end}`)
const next = `${head}${start}\n${table}\n${end}${tail}`

if (process.argv.includes('--check')) {
  if (next !== page) {
    console.error('docs/errors.md is not what the error table says; run `node scripts/error-docs.mjs`.')
    process.exitCode = 1
  }
} else {
  writeFileSync(docsPath, next)
}
