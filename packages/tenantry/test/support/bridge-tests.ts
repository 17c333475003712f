// Runs the bridge suite over one ORM, on a database of its own.
import { afterAll, describe, it } from 'vitest'
import { type Bridge, bridgeSuite } from '../../src/testing/index.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

export function describeBridge(bridge: Bridge): void {
  describe(bridge.name, () => {
    let database: TestDatabase | undefined
    let tenantry: Tenantry | undefined
    const open = async () => {
      database = await createTestDatabase()
      tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
      return tenantry
    }
    afterAll(async () => {
      await tenantry?.close()
      await database?.drop()
    })

    for (const { name, run } of bridgeSuite({ bridge, tenantry: open })) it(name, run)
  })
}
