// The embedded server after crashes: of the server, of the process that started it, and of a first start half way.
import { spawn, spawnSync } from 'node:child_process'
import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from '../../src/embedded/embedded-server.ts'
import { startOf } from '../../src/embedded/processes.ts'
import { startChild, type TestChild } from '../harness/child-process.ts'
import { temporaryFolder, testBinaries } from '../harness/cluster.ts'
import { until } from '../harness/wait.ts'

const program = new URL('../harness/run-embedded.ts', import.meta.url)
const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function newFolder(): Promise<string> {
  const folder = await temporaryFolder()
  cleanups.push(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }))
  return folder
}

async function start(dataDir: string, options: EmbeddedOptions = {}): Promise<EmbeddedServer> {
  const binaries = testBinaries()
  const server = await startEmbedded({
    dataDir,
    durable: false,
    ...(binaries !== undefined && { binaries }),
    ...options,
  })
  cleanups.push(() => server.stop())
  return server
}

function startProgram(folder: string): TestChild {
  const child = startChild(program, { args: [folder, testBinaries() ?? ''] })
  cleanups.push(() => child.kill())
  return child
}

async function serverOf(child: TestChild): Promise<EmbeddedServer> {
  return JSON.parse((await child.line(/^ready /)).slice('ready '.length)) as EmbeddedServer
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

const ended = (pid: number) =>
  until(async () => (await startOf(pid)) === undefined, { timeoutMs: 20_000, what: `the end of process ${pid}` })

// The little shell that watches over its parent: in the server's session, but not a child of the server.
function guardOf(serverPid: number): number {
  const { stdout } = spawnSync('ps', ['-e', '-o', 'pid=,ppid=,sid=,comm='], { encoding: 'utf8' })
  const row = stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([pid, ppid, session, name]) => {
      const isInSession = session === String(serverPid) && pid !== session && ppid !== session
      return isInSession && name === 'sh'
    })
  if (row === undefined) throw new Error('The server has no guard.')
  return Number(row[0])
}

test('a server killed by SIGKILL tells its caller, and the next start recovers what was committed', async () => {
  const folder = await newFolder()
  const first = await start(folder)
  await query(first.adminUrl, 'create table kept as select 7 as answer')
  process.kill(first.pid, 'SIGKILL')
  expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
  const second = await start(folder)
  expect(await query(second.adminUrl, 'select answer from kept')).toEqual([{ answer: 7 }])
  // The first one's stop must not take the second one's lock away.
  await first.stop()
  await expect(start(folder)).rejects.toMatchObject({ code: 'EMBEDDED_RUNNING' })
})

test('a server does not outlive a process that was killed by SIGKILL', async () => {
  const folder = await newFolder()
  const child = startProgram(folder)
  const { pid, adminUrl } = await serverOf(child)
  await query(adminUrl, 'create table kept as select 7 as answer')
  await child.kill()
  await ended(pid)
  expect(await readFile(path.join(folder, 'postgres', 'server.log'), 'utf8')).toContain(
    'received fast shutdown request',
  )
  const next = await start(folder)
  expect(await query(next.adminUrl, 'select answer from kept')).toEqual([{ answer: 7 }])
})

test('a start right after the process was killed waits for its server and never runs two', async () => {
  const folder = await newFolder()
  const child = startProgram(folder)
  const { pid, adminUrl } = await serverOf(child)
  await query(adminUrl, 'create table kept as select 7 as answer')
  await child.kill()
  const next = await start(folder)
  const log = await readFile(next.logFile, 'utf8')
  expect(log.match(/starting PostgreSQL|database system is shut down/g)).toEqual([
    'starting PostgreSQL',
    'database system is shut down',
    'starting PostgreSQL',
  ])
  await ended(pid)
  expect(await query(next.adminUrl, 'select answer from kept')).toEqual([{ answer: 7 }])
})

test('an orphan that lost its guard as well is stopped by the next start', async () => {
  const folder = await newFolder()
  const child = startProgram(folder)
  const { pid, adminUrl } = await serverOf(child)
  await query(adminUrl, 'create table kept as select 7 as answer')
  const guard = guardOf(pid)
  process.kill(guard, 'SIGKILL')
  await ended(guard)
  await child.kill()
  expect(await startOf(pid)).toBeDefined()
  const progress: string[] = []
  const next = await start(folder, { onProgress: (line) => progress.push(line) })
  expect(progress).toEqual([expect.stringContaining(`process ${pid}`)])
  expect(await startOf(pid)).toBeUndefined()
  expect(await query(next.adminUrl, 'select answer from kept')).toEqual([{ answer: 7 }])
})

test('while another process lives its folder is refused, naming that process', async () => {
  const folder = await newFolder()
  const child = startProgram(folder)
  const { adminUrl } = await serverOf(child)
  await expect(start(folder)).rejects.toMatchObject({
    code: 'EMBEDDED_RUNNING',
    message: expect.stringContaining(`process ${child.pid}`) as string,
  })
  expect(await query(adminUrl, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a server that somebody else started on the folder is left alone and named', async () => {
  const folder = await newFolder()
  const first = await start(folder)
  await first.stop()
  const owner = spawnSync('stat', ['-c', '%u %g', first.dataDir], { encoding: 'utf8' }).stdout.split(' ').map(Number)
  const program = (await readFile(path.join(first.dataDir, 'postmaster.opts'), 'utf8')).split(' ')[0] ?? ''
  const foreign = spawn(program, ['-D', first.dataDir, '-p', String(first.port), '-k', ''], {
    ...(process.getuid?.() === 0 && { uid: owner[0], gid: owner[1] }),
    cwd: '/',
    stdio: 'ignore',
  })
  const exit = new Promise((resolve) => foreign.once('exit', resolve))
  cleanups.push(async () => {
    foreign.kill('SIGQUIT')
    await exit
  })
  await until(() => query(first.url, 'select 1'))
  await expect(start(folder)).rejects.toMatchObject({
    code: 'EMBEDDED_RUNNING',
    message: expect.stringContaining(`Process ${foreign.pid ?? 0}`) as string,
  })
  expect(await query(first.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('Ctrl-C for the whole process group does not reach the server', async () => {
  const folder = await newFolder()
  const child = startProgram(folder)
  const { adminUrl, pid } = await serverOf(child)
  process.kill(-child.pid, 'SIGINT')
  expect(await query(adminUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  process.kill(child.pid, 'SIGTERM')
  await ended(pid)
})

test('a first start that was killed half way starts over, and leaves nothing of the first attempt', async () => {
  const folder = await newFolder()
  const home = path.join(folder, 'postgres')
  const child = startProgram(folder)
  const unfinished = async () => (await readdir(home)).find((name) => /^data\.new-[0-9a-f]+$/.test(name))
  const isHalfMade = async () => {
    const name = await unfinished()
    return name !== undefined && (await readdir(path.join(home, name))).includes('base')
  }
  await until(isHalfMade, { what: 'initdb half way' })
  await child.kill()
  expect(await unfinished()).toBeDefined()
  expect(await readdir(home)).not.toContain('data')
  const server = await start(folder)
  expect(await query(server.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  expect((await readdir(home)).sort()).toEqual(['data', 'owner.json', 'server.log'])
})
