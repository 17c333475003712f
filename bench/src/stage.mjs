// The stage of every bench: an embedded PostgreSQL with fsync on in a folder of its own, and an instance on it.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { createTenantry } from 'tenantry'
import { startEmbedded } from '../../packages/tenantry/dist/embedded/embedded-server.js'

export async function openStage({ migrations, ...settings } = {}) {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'tenantry-bench-'))
  const server = await startEmbedded({ dataDir, settings: { shared_buffers: '512MB', max_connections: '100' } })
  const { adminUrl } = server
  const tenantry = createTenantry({
    ...settings,
    migrations: migrations ?? path.join(dataDir, 'no-migrations'),
    adminUrl,
  })
  await tenantry.start()
  const { hostname: host, port, pathname } = new URL(adminUrl)
  const connection = { host, port: Number(port), database: pathname.slice(1) }
  // The plain side logs in as a role of its own with plain grants and no tenancy at all.
  await tenantry.asCentral('bench: a plain role', (central) =>
    central.query("create role bench_plain login password 'bench-only'; grant usage on schema public to bench_plain"),
  )
  const plain = { ...connection, user: 'bench_plain', password: 'bench-only', application_name: 'plain' }
  const open = []
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  const keep = (connection) => {
    open.push(connection)
    return connection
  }
  return {
    tenantry,
    adminUrl,
    plain,
    plainPool: () => keep(new pg.Pool({ ...plain, max: 8 })),
    plainClient: async (options) => {
      const client = keep(new pg.Client({ ...plain, ...options }))
      await client.connect()
      return client
    },
    central: (sql, values) => tenantry.asCentral('bench', (central) => central.query(sql, values)),
    /** A script on one administrator's connection, without the record that central access makes. */
    admin: (script) => admin.query(script),
    close: async () => {
      await admin.end()
      await Promise.all(open.map((connection) => connection.end()))
      await tenantry.close()
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Registers row tenants straight in the registry: thousands at once, as no application would. */
export async function addRowTenants(stage, count, prefix) {
  const { rows } = await stage.central(
    `insert into tenantry.tenant (id, slug, name, status, isolation, schema_name, provisioned_at)
     select gen_random_uuid(), $2 || g, $2 || g, 'active', 'row', 'tenant_' || replace($2, '-', '_') || g, now()
       from generate_series(1, $1::int) g returning id`,
    [count, prefix],
  )
  return rows.map(({ id }) => id)
}
