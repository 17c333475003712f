// `tenantry stats --watch` as a real process: it goes on by itself, and Ctrl-C is its orderly end.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { followChild } from '../harness/child-process.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { skipUnless } from '../harness/skip.ts'
import { until } from '../harness/wait.ts'

const bin = fileURLToPath(new URL('../../bin/tenantry.js', import.meta.url))
let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

it('counts again and again until Ctrl-C, and ends with 0', async (context) => {
  const isBuilt = existsSync(new URL('../../dist/surfaces/cli/main.js', import.meta.url))
  skipUnless(context, isBuilt, 'the command line is not built; run npm run build first')
  const env = { ...process.env, DATABASE_ADMIN_URL: database.adminUrl }
  const watch = followChild(
    spawn(process.execPath, [bin, 'stats', '--watch'], { env, stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  const counted = (): number => watch.lines.filter((line) => line === 'Tenant Statistics').length
  await until(() => counted() >= 2, { what: 'a second count' })
  watch.process.kill('SIGINT')
  await until(() => watch.process.exitCode !== null || watch.process.signalCode !== null)
  expect(watch.process.exitCode).toBe(0)
})
