// The server itself goes away in the middle of a run, at once: what becomes of the run where the server comes back, and
// where it does not in time.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { initialise } from '../../src/control/initialise.ts'
import { type EmbeddedServer, startEmbedded } from '../../src/embedded/embedded-server.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { createTenants } from '../../src/tenants/create-tenants.ts'
import type { TenantsFixture } from '../harness/tenants.ts'
import { temporaryFolder, testBinaries } from '../harness/cluster.ts'
import { tenantsOptions } from '../harness/tenants-options.ts'
import { until } from '../harness/wait.ts'
import { fileOf, type FleetFixture, first, openFleetFixture, second } from './fixture.ts'

let folder: string
let server: EmbeddedServer
let fixture: FleetFixture

const start = () => {
  const binaries = testBinaries()
  return startEmbedded({ dataDir: folder, durable: false, ...(binaries !== undefined && { binaries }) })
}

/** Ends the server as `pg_ctl stop -m immediate` does: it recovers when it is started. */
const stopAtOnce = async (): Promise<void> => {
  process.kill(server.pid, 'SIGQUIT')
  await server.exited
}

beforeAll(async () => {
  folder = await temporaryFolder()
  server = await start()
  fixture = await openFleetFixture(await fixtureOver(server))
})
afterAll(async () => {
  await fixture.close()
  await server.stop()
  await rm(path.dirname(server.dataDir), { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
})

async function fixtureOver({ adminUrl }: EmbeddedServer): Promise<TenantsFixture> {
  const admin = openCentralDatabase({ url: adminUrl, max: 12 })
  const instance = await initialise(admin)
  return {
    ...{ admin, instance, url: adminUrl },
    tenants: (options) => createTenants({ ...tenantsOptions(admin, instance), ...options }),
    close: () => admin.close(),
  }
}

/** Whom the control plane says to be done are those whose schemas are as the reference is. */
const expectNoLie = async (): Promise<void> => {
  const proven = await fixture.rows(
    `select t.slug from tenantry.migration_state s join tenantry.tenant t on t.id = s.tenant_id
      where s.chain = (select chain from tenantry.migration_reference) and s.state = 'proven'`,
  )
  const unlike = await fixture.unlikeReference()
  expect(unlike.filter((slug) => proven.some((row) => row['slug'] === slug))).toEqual([])
}

const slow = fileOf('0003_note.sql', 'create table note (text text); select pg_sleep(0.01)')

test('a run goes on when its server was stopped at once and started again', async () => {
  await fixture.add(120)
  const fleet = fixture.fleet([first, second, slow])
  let restarted: Promise<void> | undefined
  const run = await fleet.up({
    ...{ batchSize: 2, connections: 2 },
    onProgress: ({ done }) => {
      if (done < 20) return
      restarted ??= stopAtOnce().then(async () => {
        server = await start()
      })
    },
  })
  await restarted
  expect(restarted).toBeDefined()
  expect(run).toMatchObject({ state: 'complete', done: 120, failed: 0 })
  expect(await fixture.unlikeReference()).toEqual([])
  expect(await fleet.status()).toMatchObject({ upToDate: 120, pending: 0, failed: 0 })
}, 90_000)

test('a run whose server stays away says so; what it had done is true, and the next run completes', async () => {
  const files = [first, second, slow, fileOf('0004_more.sql', 'alter table note add more text; select pg_sleep(0.01)')]
  const fleet = fixture.fleet(files, { outageMs: 300 })
  let stopped: Promise<void> | undefined
  const running = fleet.up({
    ...{ batchSize: 2, connections: 2 },
    onProgress: ({ done }) => {
      if (done >= 20) stopped ??= stopAtOnce()
    },
  })
  await expect(running).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true })
  await stopped
  server = await start()
  await until(() => fixture.rows('select 1'))
  await expectNoLie()
  const { upToDate } = await fleet.status()
  expect(upToDate).toBeLessThan(120)
  const next = await fixture.fleet(files).up()
  expect(next).toMatchObject({ state: 'complete', upToDate, done: 120 - upToDate, failed: 0 })
  expect(await fixture.unlikeReference()).toEqual([])
  expect((await fleet.runs()).map(({ state }) => state)).toEqual(['complete', 'interrupted', 'complete'])
}, 90_000)
