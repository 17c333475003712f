// `tenantry dev` and `tenantry serve` as real processes of the built command, and commands beside them.
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { followChild, type TestChild } from '../harness/child-process.ts'
import { temporaryFolder } from '../harness/cluster.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { skipUnless } from '../harness/skip.ts'
import { until } from '../harness/wait.ts'

const bin = fileURLToPath(new URL('../../bin/tenantry.js', import.meta.url))
const isBuilt = existsSync(new URL('../../dist/surfaces/cli/main.js', import.meta.url))

const children: TestChild[] = []
let folder: string
let env: Record<string, string>

beforeEach(async (context) => {
  skipUnless(context, isBuilt, 'the command line is not built; run npm run build first')
  folder = await temporaryFolder()
  env = { PATH: process.env['PATH'] ?? '', TENANTRY_DATA_DIR: join(folder, 'data') }
})

afterEach(async () => {
  for (const child of children.splice(0)) if (child.process.exitCode === null) await child.kill()
  await rm(folder, { recursive: true, force: true })
})

function start(args: readonly string[]): TestChild {
  const child = followChild(
    spawn(process.execPath, [bin, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  children.push(child)
  return child
}

async function end(child: TestChild, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  child.process.kill(signal)
  await until(() => child.process.exitCode !== null || child.process.signalCode !== null, { timeoutMs: 20_000 })
  return child.process.exitCode
}

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function run(...args: readonly string[]): Promise<Ended> {
  return execute(process.execPath, [bin, ...args])
}

function execute(file: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd: folder, env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

const runFile = async (): Promise<{ url: string; pid: number; key: string }> =>
  JSON.parse(await readFile(join(folder, 'data', 'run.json'), 'utf8')) as { url: string; pid: number; key: string }

describe('tenantry dev', { timeout: 120_000 }, () => {
  it('starts a server that other terminals find, once, and stops it without a trace', async () => {
    const dev = start(['dev', '--port', '0'])
    await dev.line(/^Ctrl-C stops it\.$/)
    expect((await stat(join(folder, 'data', 'run.json'))).mode & 0o777).toBe(0o600)

    const curl = dev.lines.slice(dev.lines.findIndex((line) => line.startsWith('  curl'))).slice(0, 2)
    expect(JSON.parse((await execute('sh', ['-c', curl.join('\n')])).stdout)).toMatchObject({ slug: 'acme-corp' })
    expect((await run('list')).stdout).toContain('acme-corp')
    expect(dev.lines.join('\n')).not.toContain('postgresql://')

    const second = await run('dev', '--port', '0')
    expect(second.code).toBe(5)
    expect(second.stderr).toContain((await runFile()).url)

    expect(await end(dev)).toBe(0)
    expect(existsSync(join(folder, 'data', 'run.json'))).toBe(false)
    expect(await run('list')).toMatchObject({ code: 5, stdout: '' })

    const again = start(['dev', '--port', '0', '--show-admin-url'])
    await again.line(/^Ctrl-C stops it\.$/)
    expect(again.lines.join('\n')).not.toContain('Admin key')
    const adminUrl = /DATABASE_ADMIN_URL='(.+)'/.exec(await again.line(/DATABASE_ADMIN_URL=/))?.[1] ?? ''
    env['DATABASE_ADMIN_URL'] = adminUrl
    expect((await run('sql', 'acme-corp', 'select 40 + 2 as answer')).stdout).toContain('42')
    expect(await end(again, 'SIGINT')).toBe(0)
  })

  it('leaves a run.json behind when it is killed, which is told and ignored', async () => {
    const dev = start(['dev', '--port', '0'])
    await dev.line(/^Ctrl-C stops it\.$/)
    await dev.kill()
    const { code, stderr } = await run('list')
    expect(code).toBe(5)
    expect(stderr).toContain('which was ignored')
    const next = start(['dev', '--port', '0'])
    await next.line(/^Ctrl-C stops it\.$/)
    expect((await run('list')).code).toBe(0)
    expect(await end(next)).toBe(0)
  })
})

describe('tenantry serve', { timeout: 60_000 }, () => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(() => database.drop())
  beforeEach(() => {
    env['DATABASE_ADMIN_URL'] = database.adminUrl
  })

  it('logs JSON, uses the given admin key, and drains at SIGTERM', async () => {
    env['TENANTRY_ADMIN_KEY'] = 'an-admin-key-of-the-test'
    const serve = start(['serve', '--port', '0'])
    const { url } = JSON.parse(await serve.line(/"listening"/)) as { url: string }
    const target = ['--url', url, '--key', 'an-admin-key-of-the-test']
    expect((await run('create', 'Served', '--slug', 'served', ...target)).code).toBe(0)
    expect((await run('show', 'served', ...target)).stdout).toContain('served')
    expect(await end(serve)).toBe(0)
    for (const line of serve.lines) expect(JSON.parse(line)).toHaveProperty('level')
    expect(serve.lines.join('\n')).not.toContain('an-admin-key-of-the-test')
  })

  it('says which port is taken and what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const address = other.address()
    const port = typeof address === 'object' ? String(address?.port) : ''
    const { code, stderr } = await run('serve', '--port', port)
    expect(code).toBe(5)
    expect(stderr).toContain(port)
    expect(stderr).toContain('--port')
    other.close()
  })
})
