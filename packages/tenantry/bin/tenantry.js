#!/usr/bin/env node
// The `tenantry` command. Checks what it stands on, then hands over to the built command line.
import { existsSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
const main = new URL('../dist/surfaces/cli/main.js', import.meta.url)

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`tenantry needs Node.js 20.19 or newer; this is ${process.versions.node}.\n`)
  process.exitCode = 5
} else if (!existsSync(main)) {
  process.stderr.write('tenantry is not built yet: run `npm run build` first.\n')
  process.exitCode = 5
} else {
  const { main: run } = await import(main.href)
  process.exitCode = await run(process.argv.slice(2))
}
