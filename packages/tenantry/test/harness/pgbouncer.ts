// A PgBouncer of the test's own, in front of the run's cluster. Debian's package puts it where ordinary users do not
// look, and it refuses to run as root.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type pg from 'pg'
import type { TestContext } from 'vitest'
import { initialise } from '../../src/control/initialise.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { isRoot, unprivilegedUser } from '../../src/embedded/server-user.ts'
import { skipUnless } from './skip.ts'
import { until } from './wait.ts'

export interface PgBouncerOptions {
  readonly poolMode: 'transaction' | 'statement' | 'session'
  /** Sessions on the server for each pair of user and database. */
  readonly poolSize: number
  /** URLs whose user and password it takes; all of one server. */
  readonly urls: readonly string[]
}

export interface PgBouncer {
  /** The same URL, through the pooler. */
  through(url: string): string
  close(): Promise<void>
}

const binary = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin']
  .map((folder) => path.join(folder, 'pgbouncer'))
  .find((file) => existsSync(file))

/** Whether there is one to start. */
export const hasPgBouncer = binary !== undefined

/** Skips a test on a machine without PgBouncer; in CI that is a failure. */
export function needsPgBouncer(context: Pick<TestContext, 'skip'>): void {
  skipUnless(context, hasPgBouncer, 'PgBouncer is not installed: apt-get install pgbouncer.')
}

export async function startPgBouncer({ poolMode, poolSize, urls }: PgBouncerOptions): Promise<PgBouncer> {
  if (binary === undefined) throw new Error('PgBouncer is not installed.')
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-pgbouncer-'))
  const port = await freePort()
  const [settings, users] = [path.join(folder, 'pgbouncer.ini'), path.join(folder, 'users.txt')]
  const server = new URL(urls[0] ?? '')
  await writeFile(users, urls.map(userLine).join(''), { mode: 0o600 })
  await writeFile(
    settings,
    `[databases]
* = host=${server.hostname} port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = ${poolMode}
default_pool_size = ${poolSize}
max_client_conn = 500
query_wait_timeout = 20
`,
  )
  const user = await unprivilegedUser()
  if (user) for (const file of [folder, settings, users]) await chown(file, user.uid, user.gid)
  const child = spawn(binary, ['--quiet', settings], { stdio: 'ignore', ...(isRoot && user) })
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await until(() => child.exitCode !== null || isListening(port))
  if (child.exitCode !== null) throw new Error(`PgBouncer ended with ${child.exitCode}.`)
  return {
    through: (url) => Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href,
    close: async () => {
      child.kill('SIGKILL')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function userLine(url: string): string {
  const quoted = [new URL(url).username, new URL(url).password].map((part) => decodeURIComponent(part))
  return `${quoted.map((part) => `"${part.replaceAll('"', '""')}"`).join(' ')}\n`
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** The scoped login's URL, of a database that is made ready where it is not. */
export async function urlOfLogin(adminUrl: string): Promise<string> {
  const central = openCentralDatabase({ url: adminUrl })
  const { roles, loginPassword } = await initialise(central)
  await central.close()
  return Object.assign(new URL(adminUrl), { username: roles.login, password: loginPassword }).href
}

/** pg-pool's end() does not wait for its connections, which would then be cut along with the pooler. */
export async function endPool(pool: pg.Pool): Promise<void> {
  let left = pool.totalCount
  const gone = new Promise<void>((resolve) => {
    pool.on('remove', () => {
      if (--left === 0) resolve()
    })
  })
  await pool.end()
  if (left > 0) await gone
}
