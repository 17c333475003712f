// Where the cluster of a data folder lies. In the data folder itself where the server's user can reach it; for root
// in a folder without closed parents, and the data folder records where.
import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { TenantryError } from '../kernel/errors.ts'
import { isOursAlone, isReachable, isRoot } from './server-user.ts'

/** What `embedded.json` in the data folder says. */
export interface HomeRecord {
  /** The folder that holds the cluster, its log and its lock. */
  readonly home: string
  /** The port of the last start. */
  readonly port?: number
}

// Durable places: a cluster in the system's temporary folder would be cleared away with it.
const ROOT_PLACES = ['/var/lib/tenantry', '/var/tmp/tenantry']

export const pgData = (home: string): string => path.join(home, 'data')

/**
 * The record of a data folder; made, with the folders it names, where there is none.
 *
 * @throws EMBEDDED_FAILED where no folder can be made.
 */
export async function openHome(dataDir: string): Promise<HomeRecord> {
  try {
    await makeFolder(dataDir)
    const recorded = await readRecord(dataDir)
    const record = recorded ?? { home: await chooseHome(dataDir) }
    await makeFolder(record.home)
    if (recorded === undefined) await saveRecord(dataDir, record)
    return record
  } catch (cause) {
    if (cause instanceof TenantryError) throw cause
    throw new TenantryError('EMBEDDED_FAILED', `The data folder ${dataDir} cannot be made.`, { cause })
  }
}

/** Writes the record; a reader sees the old one or the new one. */
export async function saveRecord(dataDir: string, record: HomeRecord): Promise<void> {
  const file = path.join(dataDir, 'embedded.json')
  const unfinished = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(unfinished, `${JSON.stringify(record)}\n`, { mode: 0o600 })
  await rename(unfinished, file)
}

/** Whether a finished cluster lies in this home. */
export async function hasCluster(home: string): Promise<boolean> {
  return (await stat(pgData(home)).catch(() => undefined)) !== undefined
}

// Its mode is set apart from its making, because the umask would take from it what the server's user needs.
async function makeFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (made !== undefined && isRoot) await chmod(folder, 0o711)
}

async function readRecord(dataDir: string): Promise<HomeRecord | undefined> {
  const text = await readFile(path.join(dataDir, 'embedded.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const record = JSON.parse(text) as Partial<HomeRecord>
    if (typeof record.home !== 'string') return undefined
    // A data folder that was moved takes its cluster along.
    if (!(await hasCluster(record.home)) && (await hasCluster(inside(dataDir)))) return undefined
    return { home: record.home, ...(typeof record.port === 'number' && { port: record.port }) }
  } catch {
    return undefined
  }
}

const inside = (dataDir: string): string => path.join(dataDir, 'postgres')

async function chooseHome(dataDir: string): Promise<string> {
  if (!isRoot || (await isReachable(dataDir)) || (await hasCluster(inside(dataDir)))) return inside(dataDir)
  // From the path, so that a lost record finds its cluster again.
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  for (const place of ROOT_PLACES) {
    await makeFolder(place).catch(() => undefined)
    if ((await isOursAlone(place)) && (await isReachable(place))) return path.join(place, hash)
  }
  throw new TenantryError(
    'EMBEDDED_FAILED',
    `An unprivileged user cannot reach ${dataDir}, and none of ${ROOT_PLACES.join(', ')} can be used instead.`,
    {
      fix: 'Choose a TENANTRY_DATA_DIR whose parent folders other users may pass through, or run as an ordinary user.',
    },
  )
}
