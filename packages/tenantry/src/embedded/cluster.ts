// Makes a cluster and knows its passwords. A new cluster is made whole in a folder beside its final one and then
// renamed, so that a start which was killed half way leaves nothing that looks finished.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { TenantryError } from '../kernel/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../kernel/identifiers.ts'
import type { Binaries } from './binaries.ts'
import { hasCluster, pgData } from './cluster-home.ts'
import { ownerOf, type ServerUser, unprivilegedUser } from './server-user.ts'

/** Passwords of a cluster, kept in a file inside it that only its owner can read. */
export interface Credentials {
  readonly superuser: string
  readonly admin: string
}

export interface Cluster {
  readonly data: string
  readonly user: ServerUser | undefined
  readonly credentials: Credentials
}

export interface ClusterOptions {
  readonly binaries: Binaries
  readonly home: string
  readonly durable: boolean
  readonly onProgress: (line: string) => void
}

export const SUPERUSER = 'postgres'
/** Mixed case on purpose: names that need quotes are met in development, not in production. */
export const ADMIN_ROLE = 'Tenantry_Admin'
export const ADMIN_DATABASE = 'tenantry'

const CREDENTIALS_FILE = 'tenantry.json'
const INHERITED = ['PATH', 'TZ', 'TMPDIR']

/** The environment of the programs: PG… variables of the caller would change what they do, a locale what they say. */
export function programEnvironment(): Record<string, string> {
  const kept = INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  return { ...(Object.fromEntries(kept) as Record<string, string>), LC_ALL: 'C' }
}

/**
 * The cluster of a home; made on first use. The caller holds the home's lock.
 *
 * @throws EMBEDDED_DATA_VERSION where another major version wrote it.
 * @throws EMBEDDED_FAILED where it cannot be made or its passwords cannot be read.
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { home, binaries } = options
  await removeUnfinished(home)
  if (!(await hasCluster(home))) await makeCluster(options)
  const data = pgData(home)
  await checkVersion(data, binaries.major)
  return { data, user: await ownerOf(data), credentials: await readCredentials(data) }
}

async function checkVersion(data: string, major: number): Promise<void> {
  const written = await readFile(path.join(data, 'PG_VERSION'), 'utf8').then(
    (text) => text.trim(),
    () => 'an unknown version',
  )
  if (written === String(major)) return
  throw new TenantryError(
    'EMBEDDED_DATA_VERSION',
    `The data in ${data} was written by PostgreSQL ${written}, and the installed server is PostgreSQL ${major}.`,
  )
}

async function readCredentials(data: string): Promise<Credentials> {
  const file = path.join(data, CREDENTIALS_FILE)
  try {
    const { superuser, admin } = JSON.parse(await readFile(file, 'utf8')) as Partial<Credentials>
    if (typeof superuser === 'string' && typeof admin === 'string') return { superuser, admin }
  } catch (cause) {
    throw new TenantryError('EMBEDDED_FAILED', `The passwords in ${file} cannot be read.`, { cause })
  }
  throw new TenantryError('EMBEDDED_FAILED', `The file ${file} does not hold the passwords of this cluster.`)
}

async function removeUnfinished(home: string): Promise<void> {
  const leftOver = (await readdir(home)).filter((name) => name.startsWith('data.new-'))
  for (const name of leftOver) await rm(path.join(home, name), { recursive: true, force: true, maxRetries: 5 })
}

async function makeCluster(options: ClusterOptions): Promise<void> {
  const { home, durable, onProgress, binaries } = options
  onProgress(`Making a PostgreSQL ${binaries.major} cluster in ${home}`)
  const user = await unprivilegedUser()
  const unfinished = path.join(home, `data.new-${randomBytes(6).toString('hex')}`)
  const credentials: Credentials = { superuser: newPassword(), admin: newPassword() }
  try {
    await mkdir(unfinished, { mode: 0o700 })
    if (user !== undefined) await chown(unfinished, user.uid, user.gid)
    await initialize(options, unfinished, { user, password: credentials.superuser })
    await createAdmin(options, unfinished, { user, password: credentials.admin })
    await writePrivate(path.join(unfinished, CREDENTIALS_FILE), JSON.stringify(credentials), user)
    await rename(unfinished, pgData(home))
    if (durable) await syncFolder(home)
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true, maxRetries: 5 })
    throw cause
  }
}

interface Login {
  readonly user: ServerUser | undefined
  readonly password: string
}

async function initialize({ binaries, home, durable }: ClusterOptions, data: string, login: Login): Promise<void> {
  // Beside the data folder, because initdb wants that one empty; named like it, so it is cleared away with it.
  const passwordFile = `${data}.password`
  await writePrivate(passwordFile, login.password, login.user)
  // The builtin provider sorts alike on every system; it exists since 17.
  const locale = binaries.major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []
  const args = ['-D', data, '-U', SUPERUSER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8']
  args.push('--locale=C', ...locale, '--no-instructions', ...(durable ? [] : ['--no-sync']))
  try {
    const program = path.join(binaries.bin, 'initdb')
    await finish(spawn(program, args, { ...login.user, cwd: home, env: programEnvironment(), stdio: 'pipe' }), 'initdb')
  } finally {
    await rm(passwordFile, { force: true })
  }
}

// In single-user mode, so that the roles are part of the cluster before anyone can connect to it, and no server has
// to be started twice. It takes one statement a line on standard input.
async function createAdmin({ binaries, home, durable }: ClusterOptions, data: string, login: Login): Promise<void> {
  const role = quoteIdentifier(ADMIN_ROLE)
  const statements = [
    `create role ${role} login createrole nosuperuser nobypassrls password ${quoteLiteral(login.password)}`,
    `create database ${quoteIdentifier(ADMIN_DATABASE)} owner ${role}`,
    `revoke connect on database postgres from public`,
  ]
  // Its output may end up in an error's cause; without the last setting it would quote a statement that failed, and
  // the password with it.
  const settings = [`fsync=${durable ? 'on' : 'off'}`, 'exit_on_error=on', 'log_min_error_statement=panic']
  const args = ['--single', '-D', data, ...settings.flatMap((setting) => ['-c', setting]), 'postgres']
  const program = path.join(binaries.bin, 'postgres')
  const child = spawn(program, args, { ...login.user, cwd: home, env: programEnvironment(), stdio: 'pipe' })
  child.stdin.on('error', () => undefined)
  child.stdin.end(`${statements.join('\n')}\n`)
  await finish(child, 'postgres --single')
}

async function finish(child: ChildProcess, name: string): Promise<void> {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4000)))
  }
  let code: unknown
  try {
    ;[code] = (await once(child, 'close')) as [unknown]
  } catch (cause) {
    throw new TenantryError('EMBEDDED_FAILED', `The program ${name} could not be run.`, { cause })
  }
  if (code === 0) return
  throw new TenantryError('EMBEDDED_FAILED', `The program ${name} failed; the cluster was not made.`, {
    fix: 'See what the program said in the cause; nothing was left behind.',
    cause: new Error(output.trim()),
  })
}

async function writePrivate(file: string, text: string, user: ServerUser | undefined): Promise<void> {
  await writeFile(file, text, { mode: 0o600, flag: 'wx', flush: true })
  if (user !== undefined) await chown(file, user.uid, user.gid)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function newPassword(): string {
  return randomBytes(24).toString('base64url')
}
