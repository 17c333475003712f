// The server itself goes down in the midst of an adoption, without a word to anybody, and comes back.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EmbeddedServer, startEmbedded } from '../../src/embedded/embedded-server.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { temporaryFolder, testBinaries } from '../harness/cluster.ts'
import { contentOf, faultsOf, shopNames, shopPlan, shopTables } from './fixture.ts'

let folder: string
let server: EmbeddedServer
let admin: CentralDatabase
let tenantry: Tenantry

const start = () => {
  const binaries = testBinaries()
  return startEmbedded({ dataDir: folder, durable: false, ...(binaries !== undefined && { binaries }) })
}

/** As `pg_ctl stop -m immediate` and start. */
async function crash(): Promise<void> {
  process.kill(server.pid, 'SIGQUIT')
  await server.exited
}

beforeAll(async () => {
  folder = await temporaryFolder()
  server = await start()
  admin = openCentralDatabase({ url: server.adminUrl })
  tenantry = createTenantry({ adminUrl: server.adminUrl, migrations: '/nonexistent' })
  await tenantry.start()
}, 60_000)

afterAll(async () => {
  await tenantry.close()
  await admin.close()
  await server.stop()
  await rm(path.dirname(server.dataDir), { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
})

async function makeShop(schema: string) {
  await admin.transaction((tx) => tx.query(shopTables(schema)))
  return { plan: await shopPlan(admin, schema), before: await contentOf(admin, schema, shopNames) }
}

describe('a server that is stopped at once in the midst of the backfill', () => {
  test('ends a run that waits no longer with an error that says so; the next run ends it', async () => {
    const { plan, before } = await makeShop('gone')
    let stopped: Promise<void> | undefined
    const run = tenantry.adopt.apply(plan, {
      batchSize: 20,
      lockWaitMs: 100,
      onProgress: ({ stage, subject, done }) => {
        if (stage === 'backfill' && subject === 'gone.line' && done >= 100) stopped ??= crash()
      },
    })
    await expect(run).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    await stopped
    server = await start()
    const { rows } = await admin.query<{ left: number }>(
      'select count(*)::int as left from gone.line where tenant_id is null',
    )
    expect(rows[0]?.left).toBeGreaterThan(0)
    expect((await tenantry.adopt.status()).stages.find(({ stage }) => stage === 'backfill')?.state).toBe('running')
    const { tables } = await tenantry.adopt.apply(plan, { batchSize: 20 })
    expect(tables.every(({ same }) => same === true)).toBe(true)
    expect(await contentOf(admin, 'gone', shopNames)).toEqual(before)
    expect(await faultsOf(tenantry)).toEqual([])
    await tenantry.adopt.revert()
  }, 90_000)

  test('and is back soon is waited for by the run itself', async () => {
    const { plan, before } = await makeShop('back')
    let restarted: Promise<void> | undefined
    await tenantry.adopt.apply(plan, {
      to: 'keys',
      batchSize: 20,
      onProgress: ({ stage, subject, done }) => {
        if (stage !== 'backfill' || subject !== 'back.line' || done < 100) return
        restarted ??= crash().then(async () => {
          server = await start()
        })
      },
    })
    await restarted
    expect(restarted).toBeDefined()
    expect(await contentOf(admin, 'back', shopNames)).toEqual(before)
    const { rows } = await admin.query('select count(*)::int as count from back.line where tenant_id is null')
    expect(rows).toEqual([{ count: 0 }])
  }, 90_000)
})
