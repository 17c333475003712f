// The user the server runs as. PostgreSQL refuses root, so for root it is an unprivileged user that exists.
import { lstat, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { TenantryError } from '../kernel/errors.ts'

export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

export const isRoot = process.getuid?.() === 0

/**
 * The user for a new cluster: undefined means the user we are. initdb looks its name up, so an id without an entry
 * in /etc/passwd will not do.
 *
 * @throws EMBEDDED_FAILED where we are root and there is no user `nobody`.
 */
export async function unprivilegedUser(): Promise<ServerUser | undefined> {
  if (!isRoot) return undefined
  const passwd = await readFile('/etc/passwd', 'utf8')
  const fields = passwd
    .split('\n')
    .find((line) => line.startsWith('nobody:'))
    ?.split(':')
  const uid = Number(fields?.[2])
  const gid = Number(fields?.[3])
  if (!Number.isSafeInteger(uid) || !Number.isSafeInteger(gid) || uid <= 0) {
    throw new TenantryError('EMBEDDED_FAILED', 'PostgreSQL does not run as root, and there is no user nobody.', {
      fix: 'Run as an ordinary user, or add an unprivileged user named nobody.',
    })
  }
  return { uid, gid }
}

/** The user of an existing cluster is the owner of its files, whatever we would choose today. */
export async function ownerOf(folder: string): Promise<ServerUser | undefined> {
  if (!isRoot) return undefined
  const { uid, gid } = await stat(folder)
  return uid === 0 ? unprivilegedUser() : { uid, gid }
}

/** Whether any user may pass through this folder and all above it; a folder that does not exist yet counts. */
export async function isReachable(folder: string): Promise<boolean> {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const found = await stat(at).catch(() => undefined)
    if (found !== undefined && (found.mode & 0o001) === 0) return false
    if (at === path.dirname(at)) return true
  }
}

/** Whether a folder is there that nobody but us can have made or filled. */
export async function isOursAlone(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  return found !== undefined && found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0
}
