import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeRunFile } from './run-file.ts'
import { chooseTarget, requireAdminUrl } from './target.ts'

const key = 'tn_run_0123456789abcdef'
let cwd: string

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'target-'))
})
afterEach(() => rm(cwd, { recursive: true }))

const server = { TENANTRY_URL: 'https://tenants.example', TENANTRY_KEY: 'secret-key' }
const database = { DATABASE_ADMIN_URL: 'postgresql://admin@db/app' }
const startDev = (pid = process.pid) => writeRunFile(join(cwd, '.tenantry'), { url: 'http://127.0.0.1:3000', pid, key })

describe('the target of a command', () => {
  it('is the server of TENANTRY_URL before everything else', async () => {
    await startDev()
    const choice = await chooseTarget({ env: { ...server, ...database }, cwd })
    expect(choice).toEqual({ kind: 'http', url: 'https://tenants.example', key: 'secret-key' })
  })

  it('is the server of --url and --key before that of the environment', async () => {
    const choice = await chooseTarget({ url: 'http://localhost:1', key: 'other', env: server, cwd })
    expect(choice).toEqual({ kind: 'http', url: 'http://localhost:1', key: 'other' })
  })

  it('is the database of DATABASE_ADMIN_URL before the running dev server', async () => {
    await startDev()
    expect(await chooseTarget({ env: database, cwd })).toEqual({
      kind: 'direct',
      adminUrl: database.DATABASE_ADMIN_URL,
    })
  })

  it('is the dev server of the data folder where nothing is configured', async () => {
    await startDev()
    expect(await chooseTarget({ env: {}, cwd })).toEqual({ kind: 'http', url: 'http://127.0.0.1:3000', key })
    const elsewhere = { TENANTRY_DATA_DIR: join(cwd, '.tenantry') }
    expect(await chooseTarget({ env: elsewhere, cwd: '/' })).toMatchObject({ kind: 'http', key })
  })

  it('is none where nothing runs, and says how to start one', async () => {
    const failure = await chooseTarget({ env: {}, cwd }).catch((error: unknown) => error)
    expect(failure).toHaveProperty('code', 'NO_TARGET')
    expect(failure).toHaveProperty('fix', expect.stringContaining('tenantry dev'))
  })

  it('is none where the dev server has died, and says that its run.json was ignored', async () => {
    await startDev(spawnSync(process.execPath, ['--version']).pid)
    const failure = await chooseTarget({ env: {}, cwd }).catch((error: unknown) => error)
    expect(failure).toHaveProperty('code', 'NO_TARGET')
    expect(failure).toHaveProperty('message', expect.stringContaining('ignored'))
  })

  it('is never another one because a URL has no key, is malformed or carries a password', async () => {
    const urls = ['http://localhost:3000', 'localhost:3000', 'ftp://localhost', 'http://user:pass@localhost']
    for (const TENANTRY_URL of urls) {
      const env = { ...database, TENANTRY_URL, ...(TENANTRY_URL === urls[0] ? {} : { TENANTRY_KEY: 'secret-key' }) }
      const failure = await chooseTarget({ env, cwd }).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'CONFIGURATION_INVALID' })
      expect(String(failure)).not.toContain('pass')
    }
  })

  it('is not guessed from --key alone', async () => {
    await expect(chooseTarget({ key: 'k', env: database, cwd })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('has to be the database for commands that work on it, and the error names the variable', () => {
    expect(requireAdminUrl({ env: database }, 'doctor')).toBe(database.DATABASE_ADMIN_URL)
    expect(() => requireAdminUrl({ env: {} }, 'doctor')).toThrow(/DATABASE_ADMIN_URL/)
  })
})
