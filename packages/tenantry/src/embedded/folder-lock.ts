// One server per data folder: a file that names the process which runs it. A lock whose process is dead is taken
// over; PostgreSQL's own interlock stays the last word against two servers on one folder.
import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { TenantryError } from '../kernel/errors.ts'
import { startOf } from './processes.ts'

interface Holder {
  readonly pid: number
  /** When that process started: ids are reused. */
  readonly start: string
}

export interface FolderLock {
  release(): Promise<void>
}

/**
 * Takes the lock of a folder.
 *
 * @throws EMBEDDED_RUNNING naming the process that holds it.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const file = path.join(folder, 'owner.json')
  const claim = await writeClaim(folder)
  try {
    while (!(await linkClaim(claim, file))) await removeStale(file)
  } finally {
    await rm(claim, { force: true })
  }
  let released: Promise<void> | undefined
  // Once only: the file may be another process's by the second call.
  return { release: () => (released ??= rm(file, { force: true })) }
}

async function writeClaim(folder: string): Promise<string> {
  const claim = path.join(folder, `owner.${randomBytes(6).toString('hex')}`)
  const holder: Holder = { pid: process.pid, start: (await startOf(process.pid)) ?? '' }
  await writeFile(claim, JSON.stringify(holder), { mode: 0o600, flag: 'wx' })
  return claim
}

// A link appears with its content, so a reader never meets a half-written lock.
async function linkClaim(claim: string, file: string): Promise<boolean> {
  try {
    await link(claim, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function removeStale(file: string): Promise<void> {
  const seen = await readFile(file, 'utf8').catch(() => undefined)
  if (seen === undefined) return
  const holder = parseHolder(seen)
  if (holder !== undefined && (await startOf(holder.pid)) === holder.start) {
    throw new TenantryError(
      'EMBEDDED_RUNNING',
      `The embedded PostgreSQL of ${path.dirname(file)} is run by process ${holder.pid}.`,
    )
  }
  const aside = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await rename(file, aside)
  } catch {
    return
  }
  // Another process may have taken the lock over between the reading and the renaming: then it gets it back.
  if ((await readFile(aside, 'utf8')) !== seen) await link(aside, file).catch(() => undefined)
  await rm(aside, { force: true })
}

function parseHolder(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder
  } catch {
    return undefined
  }
}
