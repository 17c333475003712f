// The stage of every bench: an embedded PostgreSQL with fsync on in a folder of its own, and an instance on it.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { createTenantry } from 'tenantry'

export async function openStage({ migrations, ...settings } = {}) {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'tenantry-bench-'))
  const tenantry = createTenantry({
    ...settings,
    migrations: migrations ?? path.join(dataDir, 'no-migrations'),
    embedded: { dataDir, settings: { shared_buffers: '512MB', max_connections: '100' } },
  })
  await tenantry.start()
  const connection = await tenantry.asCentral('bench: connection of the plain pool', async (central) => {
    const { rows } = await central.query("select current_setting('port') as port, current_database() as database")
    return { host: '127.0.0.1', port: Number(rows[0].port), database: rows[0].database }
  })
  // The plain side logs in as a role of its own with plain grants and no tenancy at all.
  await tenantry.asCentral('bench: a plain role', (central) =>
    central.query("create role bench_plain login password 'bench-only'; grant usage on schema public to bench_plain"),
  )
  const plain = { ...connection, user: 'bench_plain', password: 'bench-only', application_name: 'plain' }
  const open = []
  const keep = (connection) => {
    open.push(connection)
    return connection
  }
  return {
    tenantry,
    plain,
    plainPool: () => keep(new pg.Pool({ ...plain, max: 8 })),
    plainClient: async (options) => {
      const client = keep(new pg.Client({ ...plain, ...options }))
      await client.connect()
      return client
    },
    central: (sql, values) => tenantry.asCentral('bench', (central) => central.query(sql, values)),
    close: async () => {
      await Promise.all(open.map((connection) => connection.end()))
      await tenantry.close()
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
