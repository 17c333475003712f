// run.json in the data folder: how the command line finds the dev server that runs there. It holds a key, so only
// its owner may read it; it dies with the server.
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface RunFile {
  readonly url: string
  readonly pid: number
  /** A key of this run alone; the server forgets it when it stops. */
  readonly key: string
}

export type RunFileState =
  | { readonly kind: 'running'; readonly run: RunFile }
  | { readonly kind: 'stale'; readonly pid: number }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'absent' }

// The url is the server's own loopback address. A file that points anywhere else was not written by it.
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost):\d{1,5}$/

const pathIn = (dataDir: string): string => join(dataDir, 'run.json')

/** Writes run.json, readable by its owner only, in one step. */
export async function writeRunFile(dataDir: string, run: RunFile): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  const draft = `${pathIn(dataDir)}.${run.pid}`
  await writeFile(draft, `${JSON.stringify(run)}\n`, { mode: 0o600 })
  // An older draft of the same name would have kept its own mode.
  await chmod(draft, 0o600)
  await rename(draft, pathIn(dataDir))
}

/** Removes run.json where it is that of this process; another server's stays. */
export async function removeRunFile(dataDir: string, pid: number): Promise<void> {
  const run = await parse(dataDir)
  if (run !== undefined && run !== 'unreadable' && run.pid === pid) await rm(pathIn(dataDir), { force: true })
}

/** What run.json says about a server on this data folder. */
export async function readRunFile(dataDir: string): Promise<RunFileState> {
  const run = await parse(dataDir)
  if (run === undefined) return { kind: 'absent' }
  if (run === 'unreadable') return { kind: 'unreadable' }
  return isAlive(run.pid) ? { kind: 'running', run } : { kind: 'stale', pid: run.pid }
}

async function parse(dataDir: string): Promise<RunFile | 'unreadable' | undefined> {
  try {
    return runFileOf(JSON.parse(await readFile(pathIn(dataDir), 'utf8'))) ?? 'unreadable'
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code))
    return missing ? undefined : 'unreadable'
  }
}

function runFileOf(content: unknown): RunFile | undefined {
  if (typeof content !== 'object' || content === null) return undefined
  const { url, pid, key }: { url?: unknown; pid?: unknown; key?: unknown } = content
  if (typeof url !== 'string' || !LOOPBACK.test(url) || typeof key !== 'string') return undefined
  return typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? { url, pid, key } : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: there is such a process, and it is another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
