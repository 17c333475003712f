// The server process: starting it so that it cannot outlive us by accident, waiting until it answers, stopping it,
// and dealing with one that a killed process left behind.
import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { TenantryError } from '../kernel/errors.ts'
import type { Binaries } from './binaries.ts'
import { type Cluster, programEnvironment } from './cluster.ts'
import { becomesTrue, commandOf, folderOf, startOf } from './processes.ts'

/** How the server process ended. */
export interface ServerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Postmaster {
  readonly pid: number
  readonly port: number
  readonly exited: Promise<ServerExit>
  stop(): Promise<void>
}

export interface PostmasterOptions {
  readonly binaries: Binaries
  readonly cluster: Cluster
  /** Asked before each attempt. */
  readonly choosePort: () => Promise<number>
  readonly settings: Readonly<Record<string, string>>
  readonly logFile: string
}

// On the command line of every server we start, and so the way to know one of ours.
const MARKER = 'cluster_name=tenantry'
const READY_MS = 120_000
const FAST_STOP_MS = 60_000
const HAND_OVER_MS = 20_000
const LOG_LIMIT_BYTES = 10_000_000
const LOG_TAIL_BYTES = 8_000

// A process cannot ask Node to end its child when it is itself killed. So a tiny shell holds a pipe from us: the end
// of the pipe without a word is our death, and it asks the server for a fast shutdown. The shell is forked twice,
// because the server takes an unknown child that ends badly for a crash of its own; and the server replaces the outer
// shell by exec, so that its process id is the one we know.
const GUARDED_START = `exec 3<&0 </dev/null
( ( read -r word <&3 || kill -INT $$ ) >/dev/null 2>&1 & )
exec 3<&-
exec "$@"`

/**
 * Starts the server and waits until it accepts connections.
 *
 * @throws EMBEDDED_FAILED naming the log, where the server ends or does not get ready.
 */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const deadline = performance.now() + HAND_OVER_MS
  for (;;) {
    const port = await options.choosePort()
    const logStart = await rotateLog(options.logFile)
    const postmaster = await spawnPostmaster(options, port)
    if (await getsReady(postmaster, options.cluster.data)) return postmaster
    await postmaster.stop()
    const said = await readLog(options.logFile, logStart)
    // Backends of a killed server need a moment to notice that it is gone; and another program may have taken the
    // port since it was seen to be free.
    const passes = said.includes('pre-existing shared memory block') || said.includes('Address already in use')
    if (passes && performance.now() < deadline) continue
    throw new TenantryError('EMBEDDED_FAILED', `PostgreSQL did not start; see ${options.logFile}.`, {
      cause: new Error(said.trim() || 'The server wrote nothing.'),
    })
  }
}

async function getsReady(postmaster: Postmaster, data: string): Promise<boolean> {
  const ended = postmaster.exited.then(() => false)
  let isOver = false
  const ready = becomesTrue(async () => isOver || (await readStatus(data)) === `${postmaster.pid} ready`, READY_MS)
  const result = await Promise.race([ended, ready])
  isOver = true
  return result
}

/**
 * Ends a server of ours that a killed process left behind. The caller holds the lock of the folder, so no living
 * process wants it.
 *
 * @throws EMBEDDED_RUNNING naming the process, where somebody else started a server on the folder.
 */
export async function stopOrphan(data: string, onProgress: (line: string) => void): Promise<void> {
  const file = path.join(data, 'postmaster.pid')
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0])
  if (!Number.isSafeInteger(pid) || pid <= 0) return
  const command = await commandOf(pid)
  if (command === undefined) return
  if (!command.includes(` ${data} `) && (await folderOf(pid)) !== (await realpath(data))) {
    // The id went to another program since; the server would take it for a living server and refuse to start.
    await rm(file, { force: true })
    return
  }
  if (!command.includes(MARKER)) {
    throw new TenantryError('EMBEDDED_RUNNING', `Process ${pid} runs a PostgreSQL server on ${data}.`)
  }
  onProgress(`Stopping the server that an interrupted process left behind (process ${pid})`)
  await end(pid)
}

async function end(pid: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    if (await becomesTrue(async () => (await startOf(pid)) === undefined, HAND_OVER_MS)) return
  }
  throw new TenantryError('EMBEDDED_FAILED', `The PostgreSQL server in process ${pid} does not end.`)
}

async function spawnPostmaster(options: PostmasterOptions, port: number): Promise<Postmaster> {
  const { cluster, binaries, logFile } = options
  const log = await open(logFile, 'a', 0o600)
  try {
    const program = path.join(binaries.bin, 'postgres')
    const child = spawn('/bin/sh', ['-c', GUARDED_START, 'sh', program, ...serverArguments(options, port)], {
      ...cluster.user,
      cwd: path.dirname(cluster.data),
      env: programEnvironment(),
      // A process group of its own: Ctrl-C in a terminal must not stop the server before our own drain.
      detached: true,
      stdio: ['pipe', log.fd, log.fd],
    })
    return { ...(await watch(child)), port }
  } finally {
    await log.close()
  }
}

function serverArguments({ cluster, settings }: PostmasterOptions, port: number): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    ...settings,
    logging_collector: 'off',
    log_destination: 'stderr',
  }
  const given = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', cluster.data, '-c', MARKER, ...given]
}

async function watch(child: ChildProcess): Promise<Omit<Postmaster, 'port'>> {
  const exited = new Promise<ServerExit>((resolve) => {
    child.once('exit', (code, signal) => {
      // A word on the pipe lets the guard go home; the id it would signal is no longer ours.
      child.stdin?.end('done\n')
      resolve({ code, signal })
    })
  })
  child.stdin?.on('error', () => undefined)
  const failure = await new Promise<unknown>((resolve) => {
    child.once('spawn', () => resolve(undefined))
    child.once('error', resolve)
  })
  const { pid } = child
  if (pid === undefined) throw new TenantryError('EMBEDDED_FAILED', 'PostgreSQL could not be run.', { cause: failure })
  child.unref()
  return { pid, exited, stop: () => stopChild(child, exited) }
}

async function stopChild(child: ChildProcess, exited: Promise<ServerExit>): Promise<void> {
  child.ref()
  // Fast, then immediate: the latter leaves the recovery to the next start, but does end.
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    if (child.exitCode !== null || child.signalCode !== null) break
    child.kill(signal)
    if (await becomesTrue(() => child.exitCode !== null || child.signalCode !== null, FAST_STOP_MS)) break
  }
  await exited
}

// PostgreSQL keeps its state in the eighth line of its pid file.
async function readStatus(data: string): Promise<string> {
  const lines = (await readFile(path.join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  return `${lines[0] ?? ''} ${lines[7]?.trim() ?? ''}`
}

async function rotateLog(file: string): Promise<number> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  )
  if (size < LOG_LIMIT_BYTES) return size
  await rename(file, `${file}.1`)
  return 0
}

async function readLog(file: string, from: number): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return Buffer.from(text).subarray(from).subarray(-LOG_TAIL_BYTES).toString('utf8')
}
