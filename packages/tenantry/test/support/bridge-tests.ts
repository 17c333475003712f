// Runs the bridge suite, the catalogue of leaks and a soak over one ORM, on a database of its own. TENANTRY_SOAK is the number of operations
// over all bridges together, TENANTRY_SOAK_SEED repeats a run.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TenantrySettings } from '../../src/index.ts'
import {
  type Bridge,
  type BridgeSession,
  bridgeSoak,
  bridgeSuite,
  isolationSuite,
  type WayIn,
} from '../../src/testing/index.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

/** The bridges that share the operations of the soak. */
const BRIDGES = 9
const OPERATIONS = Math.ceil(Number(process.env.TENANTRY_SOAK ?? 20_000) / BRIDGES)
const SEED = Number(process.env.TENANTRY_SOAK_SEED ?? Date.now() % 1_000_000)

export function describeBridge(bridge: Bridge): void {
  describe(bridge.name, () => {
    const opened: Tenantry[] = []
    let database: TestDatabase | undefined
    const open = async (settings: Partial<TenantrySettings> = {}) => {
      database ??= await createTestDatabase()
      const tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent', ...settings })
      opened.push(tenantry)
      return tenantry
    }
    afterAll(async () => {
      for (const tenantry of opened) await tenantry.close()
      await database?.drop()
    })

    for (const { name, run } of bridgeSuite({ bridge, tenantry: () => open() })) it(name, run)

    describeLeaks(bridge, open)

    it(`${bridge.name} shows no foreign row in ${OPERATIONS} operations of row and schema tenants`, {
      timeout: 600_000,
    }, async () => {
      const report = await bridgeSoak({ bridge, tenantry: await open(), operations: OPERATIONS, seed: SEED })
      expect(report).toMatchObject({ operations: OPERATIONS, foreignRows: 0, faults: [] })
      expect(Object.keys(report.counts).length).toBeGreaterThan(12)
    })
  })
}

/** The leaks seen in real projects, over the ORM's way to SQL text; few connections, so that each meets what was left. */
function describeLeaks(bridge: Bridge, open: (settings?: Partial<TenantrySettings>) => Promise<Tenantry>): void {
  let tenantry: Tenantry
  let session: BridgeSession
  beforeAll(async () => {
    tenantry = await open({ maxClients: 1, sharedConnections: 1 })
    session = await bridge.open(tenantry.pool, tenantry)
  })
  afterAll(() => session.close())
  const way = (): WayIn => ({
    name: bridge.name,
    query: async (tenant, sql, params = []) => ({
      rows: await tenantry.run(tenant, async () => session.raw(sql, params)),
    }),
  })
  for (const { name, run } of isolationSuite({ tenantry: () => tenantry, way })) it(`${bridge.name}, ${name}`, run)
}
