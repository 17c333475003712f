// The better-auth example, run as a program after the build; and its migrations, which must be what the installed better-auth
// asks for.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { BetterAuthOptions } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { skipUnless } from '../harness/skip.ts'

const packageRoot = new URL('../../', import.meta.url)
const example = (name: string) => fileURLToPath(new URL(`examples/${name}`, packageRoot))
const run = promisify(execFile)

const CLAIMS = { users: 5, sessions: 4, 'second factors': 5, keys: 1 }

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

describe('better-auth', () => {
  it('is compiled into the migrations of the example as they are', async () => {
    const { authOptions } = (await import(example('better-auth/auth.mjs'))) as {
      authOptions: (database: pg.Pool) => BetterAuthOptions
    }
    const pool = new pg.Pool({ connectionString: database.adminUrl })
    try {
      const compiled = await (await getMigrations(authOptions(pool))).compileMigrations()
      for (const kind of ['shared', 'tenant']) {
        const file = example(`better-auth/migrations/${kind}/0001_better_auth.sql`)
        expect((await readFile(file, 'utf8')).trim()).toBe(compiled.trim())
      }
    } finally {
      await pool.end()
    }
  })

  it('keeps users, sessions, second factors and keys of tenants apart', async (context) => {
    skipUnless(
      context,
      existsSync(new URL('dist/index.js', packageRoot)),
      'the library is not built; run npm run build first',
    )
    const env = { ...process.env, DATABASE_ADMIN_URL: database.adminUrl, NO_COLOR: '1' }
    const { stdout } = await run(process.execPath, [example('better-auth.mjs')], { env })
    expect(stdout).toContain('Nothing crosses.')
    expect(stdout).not.toContain('FAILED')
    for (const [noun, claims] of Object.entries(CLAIMS)) {
      // For row tenants and for schema tenants.
      expect(stdout.split('\n').filter((line) => line.startsWith(`  ok      ${noun}: `))).toHaveLength(2 * claims)
    }
  })
})
