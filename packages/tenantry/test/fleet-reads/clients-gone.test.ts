// Clients that go away while a fleet read of theirs goes on: the database's work ends with them.
import { afterAll, beforeAll, test } from 'vitest'
import { type HttpServer, serve } from '../../src/surfaces/http/server.ts'
import { until } from '../harness/wait.ts'
import { type FleetFixture, openFleet } from './fixture.ts'

let fleet: FleetFixture
let server: HttpServer
let key: string

beforeAll(async () => {
  fleet = await openFleet()
  key = (await fleet.tenantry.keys.ensure()).key ?? ''
  server = await serve(fleet.tenantry, { port: 0 })
})

afterAll(async () => {
  await server.drain()
  await fleet.close()
})

const busy = async () => {
  const { rows } = await fleet.superuser.query(
    `select from pg_stat_activity where datname = current_database() and application_name = 'tenantry'
        and state in ('active', 'idle in transaction') and pid <> pg_backend_pid()`,
  )
  return rows.length
}

test.each([
  ['before its first row', 'select pg_sleep(600)', 'waits'],
  ['in the middle of its rows', 'select generate_series(1, 12500000) as n', 'reads'],
  ['while rows are sorted', 'select n from generate_series(1, 12500000) n', 'sorts'],
])('%s, its statements end in every tenant', async (_when, sql, how) => {
  const controller = new AbortController()
  const merge = how === 'sorts' ? { merge: { order: ['-n'], limit: 1 } } : {}
  const asked = fetch(`${server.url}/api/fleet/query`, {
    ...{ method: 'POST', signal: controller.signal },
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'a test', sql, ...merge }),
  })
  asked.catch(() => {})
  if (how === 'reads') await (await asked).body?.getReader().read()
  await until(async () => (await busy()) === 4, { what: 'four tenants that are read' })
  controller.abort()
  await until(async () => (await busy()) === 0, { what: 'nothing that is read' })
})
