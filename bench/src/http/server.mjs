// The servers of the HTTP bench, for each framework one with tenancy and one without, in a process of their own.
import pg from 'pg'
import { createTenantry } from 'tenantry'

const POINT = 'select id, body, amount from item where id = $1'
const PLAIN = 'select id, body, amount from plain_item where tenant_id = $2 and id = $1'

process.once('message', async ({ adminUrl, plain, hosts }) => {
  const tenantry = createTenantry({
    ...{ adminUrl, migrations: '/nonexistent', registryTtlMs: 600_000 },
    // The application's own users, as a verifier that has them in memory answers.
    resolution: { resolvers: ['header'], user: (request) => ({ userId: request.header('x-user') }) },
  })
  await tenantry.start()
  const pool = new pg.Pool(plain)
  const reads = {
    scoped: async (id) => (await tenantry.pool.query({ name: 'point', text: POINT, values: [id] })).rows[0],
    plain: async (id, tenantId) => (await pool.query({ name: 'point', text: PLAIN, values: [id, tenantId] })).rows[0],
  }
  const ports = {}
  for (const name of hosts) {
    const host = await import(`./${name}.mjs`)
    ports[name] = await host.withTenancy(tenantry, reads.scoped)
    ports[`${name} plain`] = await host.plain(reads.plain)
  }
  process.send(ports)
})
process.once('disconnect', () => process.exit(0))
