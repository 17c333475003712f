// Clients that go away while they watch a run: nothing stays behind for them, and the run goes on.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { packageComposition } from '../../src/surfaces/cli/composition.ts'
import type { HttpServer } from '../../src/surfaces/http/server.ts'
import { MigrationRuns } from '../../src/surfaces/http/migration-runs.ts'
import type { Tenantry } from '../../src/tenantry.ts'
import { until } from '../harness/wait.ts'
import { type FleetInstance, openFleetInstance } from './fleet-instance.ts'

const ADMIN = 'key-of-this-test-run'
const headers = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' }

let stage: FleetInstance
let tenantry: Tenantry
let server: HttpServer
/** How many hear of runs; whoever watches adds one, and takes it away. */
let watching = 0

beforeAll(async () => {
  stage = await openFleetInstance()
  const watch = Reflect.get<MigrationRuns, 'watch'>(MigrationRuns.prototype, 'watch')
  MigrationRuns.prototype.watch = function (this: MigrationRuns, listener) {
    const forget = watch.call(this, listener)
    watching += 1
    return () => {
      watching -= 1
      forget()
    }
  }
  return () => {
    MigrationRuns.prototype.watch = watch
  }
})

afterAll(async () => {
  await stage.close()
})

beforeEach(async () => {
  await stage.addMigration()
  tenantry = await stage.open()
  server = await packageComposition.serve(tenantry, { port: 0, ephemeralKeys: [ADMIN] })
  return () => server.drain()
})

async function ask(path: string, init: { readonly body?: object; readonly signal?: AbortSignal } = {}) {
  const { body, signal } = init
  const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  return fetch(`${server.url}${path}`, { headers, ...post, ...(signal && { signal }) })
}

test('of the events of a run: nobody is told any more, no timer stays, and the run goes on to its end', async () => {
  const release = await stage.lock('acme')
  const begun = (await (
    await ask('/api/migrations/up', { body: { connections: 1, batchSize: 1, lockTimeoutMs: 20_000 } })
  ).json()) as { runId: string; state: string }
  expect(begun.state).toBe('running')
  const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
  const before = timers()
  const controllers = Array.from({ length: 20 }, () => new AbortController())
  for (const [at, { signal }] of controllers.entries()) {
    const query = at % 2 === 0 ? '' : `?run=${begun.runId}`
    const response = await ask(`/api/migrations/events${query}`, { signal })
    await response.body?.getReader().read()
  }
  expect(watching).toBe(20)
  expect(timers()).toBeGreaterThan(before + 10)
  for (const controller of controllers) controller.abort()
  await until(() => watching === 0, { what: 'nobody who watches' })
  await until(() => timers() <= before + 5, { what: 'the heartbeats to end' })
  await release()
  await until(
    async () =>
      ((await (await ask(`/api/migrations/runs/${begun.runId}`)).json()) as { state: string }).state === 'complete',
  )
})
