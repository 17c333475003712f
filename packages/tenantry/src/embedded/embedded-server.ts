// The embedded PostgreSQL: a real server from an npm package, for development, `embedded: true` and tests. One call
// starts it, on loopback and with random passwords; one stops it. No signal handlers are installed here.
import { createServer } from 'node:net'
import path from 'node:path'
import { TenantryError } from '../kernel/errors.ts'
import { readyBinaries } from './binaries.ts'
import { ADMIN_DATABASE, ADMIN_ROLE, type Cluster, openCluster, SUPERUSER } from './cluster.ts'
import { type HomeRecord, openHome, saveRecord } from './cluster-home.ts'
import { lockFolder } from './folder-lock.ts'
import { type Postmaster, type ServerExit, startPostmaster, stopOrphan } from './postmaster.ts'

export interface EmbeddedOptions {
  /** Default `TENANTRY_DATA_DIR`, else `.tenantry`. */
  readonly dataDir?: string
  /** Default the port of the last start, at first a free one. */
  readonly port?: number
  /** Server settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** Default true: what was committed survives a crash of the machine. Tests pass false. */
  readonly durable?: boolean
  /** Told what a start is busy with; a start that has nothing to prepare says nothing. */
  readonly onProgress?: (line: string) => void
  /** Folder of a binary package to use instead of this platform's. */
  readonly binaries?: string
}

export interface EmbeddedServer {
  /** Superuser connection string, database `postgres`. */
  readonly url: string
  /** Connection string of `"Tenantry_Admin"`, which owns the database `tenantry`, may create roles and no more. */
  readonly adminUrl: string
  /** Where the cluster lies. */
  readonly dataDir: string
  /** Major version of PostgreSQL. */
  readonly version: number
  readonly port: number
  readonly pid: number
  readonly logFile: string
  /** Resolves when the server process has ended, by `stop` or by itself. */
  readonly exited: Promise<ServerExit>
  /** Fast shutdown: ends open sessions, writes everything down, resolves when the process has ended. */
  stop(): Promise<void>
}

// synchronous_commit stays on: a killed server must not lose what it confirmed.
const UNSAFE_BUT_FAST = { fsync: 'off', full_page_writes: 'off' }

/**
 * Starts the embedded PostgreSQL of a data folder, and makes its cluster on first use.
 *
 * @throws EMBEDDED_BINARIES_MISSING, EMBEDDED_RUNNING, EMBEDDED_DATA_VERSION, EMBEDDED_FAILED
 *
 * @example
 * ```ts
 * const server = await startEmbedded({ dataDir: '.tenantry' })
 * await server.stop()
 * ```
 */
export async function startEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedServer> {
  const dataDir = path.resolve(options.dataDir ?? process.env.TENANTRY_DATA_DIR ?? '.tenantry')
  const record = await openHome(dataDir)
  const lock = await lockFolder(record.home)
  try {
    const server = await startLocked(options, dataDir, record)
    void server.exited.then(() => lock.release())
    return { ...server, stop: () => server.stop().then(() => lock.release()) }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function startLocked(options: EmbeddedOptions, dataDir: string, record: HomeRecord): Promise<EmbeddedServer> {
  const { durable = true } = options
  const { home } = record
  const onProgress = (line: string) => options.onProgress?.(line)
  const binaries = await readyBinaries(options.binaries, dataDir, onProgress)
  const cluster = await openCluster({ binaries, home, durable, onProgress })
  await stopOrphan(cluster.data, onProgress)
  const choosePort = () => findPort(options.port, record.port)
  const logFile = path.join(home, 'server.log')
  const settings = { ...(durable ? {} : UNSAFE_BUT_FAST), ...options.settings }
  const postmaster = await startPostmaster({ binaries, cluster, choosePort, settings, logFile })
  try {
    if (postmaster.port !== record.port) await saveRecord(dataDir, { home, port: postmaster.port })
  } catch (error) {
    await postmaster.stop()
    throw error
  }
  return describe(postmaster, { logFile, version: binaries.major, cluster })
}

interface Description {
  readonly logFile: string
  readonly version: number
  readonly cluster: Cluster
}

function describe(postmaster: Postmaster, { logFile, version, cluster }: Description): EmbeddedServer {
  const { port, pid, exited } = postmaster
  const { superuser, admin } = cluster.credentials
  const url = (user: string, password: string, database: string) =>
    `postgresql://${user}:${password}@127.0.0.1:${port}/${database}`
  return {
    url: url(SUPERUSER, superuser, 'postgres'),
    adminUrl: url(ADMIN_ROLE, admin, ADMIN_DATABASE),
    dataDir: cluster.data,
    version,
    port,
    pid,
    logFile,
    exited,
    stop: () => postmaster.stop(),
  }
}

async function findPort(wanted: number | undefined, last: number | undefined): Promise<number> {
  if (wanted !== undefined && wanted !== 0) {
    if ((await freePort(wanted)) !== undefined) return wanted
    throw new TenantryError('EMBEDDED_FAILED', `Port ${wanted} is taken.`, { fix: 'Choose another port.' })
  }
  const port = (await freePort(last ?? 0)) ?? (await freePort(0))
  if (port !== undefined) return port
  throw new TenantryError('EMBEDDED_FAILED', 'No port on 127.0.0.1 is free.')
}

function freePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(undefined))
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
    })
  })
}
