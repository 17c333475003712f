// The demo, run as `npm run demo` runs it after the build: each tenant's own rows, and every attack refused.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { skipUnless } from '../harness/skip.ts'

const packageRoot = new URL('../../', import.meta.url)
const run = promisify(execFile)

let output = ''

beforeAll(async () => {
  if (!isBuilt()) return
  const { stdout } = await run(process.execPath, [fileURLToPath(new URL('examples/demo.mjs', packageRoot))])
  output = stdout
})

function isBuilt(): boolean {
  return existsSync(new URL('dist/index.js', packageRoot))
}

function needsBuild(context: TestContext): void {
  skipUnless(context, isBuilt(), 'the library is not built; run npm run build first')
}

describe('the demo', () => {
  it.for([
    { kind: 'cross-tenant read', times: 2 },
    { kind: 'cross-tenant write', times: 2 },
    { kind: 'forged context', times: 4 },
    { kind: 'role hop', times: 4 },
  ])('shows refused: $kind, for both isolations', ({ kind, times }, context) => {
    needsBuild(context)
    const refused = output.split('\n').filter((line) => line.startsWith(`  REFUSED  ${kind}, `))
    expect(refused).toHaveLength(times)
    expect(new Set(refused).size).toBe(2)
    expect(output).not.toContain('GOT THROUGH')
  })

  it('shows each tenant its own customers', (context) => {
    needsBuild(context)
    const own = { 'Acme Corp': 'Desert Freight', Globex: 'Hammock District', Initech: 'Bob & Bob', Hooli: 'Pied Piper' }
    for (const [name, customer] of Object.entries(own)) {
      const shown = output.split('\n\n').filter((block) => block.startsWith(`  ${name}\n`))
      expect(shown).toHaveLength(1)
      expect(shown[0]).toContain(customer)
      for (const other of Object.values(own)) if (other !== customer) expect(shown[0]).not.toContain(other)
    }
  })

  it('prints no colours where its output is not a terminal', (context) => {
    needsBuild(context)
    expect(output).not.toContain('\u001b[')
  })
})
