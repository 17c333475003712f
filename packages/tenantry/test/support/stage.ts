// The tables and tenants of the bridge suite on a database of their own, for a test file's own claims.
import { openBridgeStage, type BridgeStage } from '../../src/testing/bridge-stage.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'
import { createTestDatabase } from '../harness/database.ts'

export interface Stage extends BridgeStage {
  readonly tenantry: Tenantry
  readonly adminUrl: string
  /** Two tenants of each isolation. */
  readonly four: readonly Tenant[]
  close(): Promise<void>
}

/** Call in beforeAll, and `close()` in afterAll. */
export async function openStage(): Promise<Stage> {
  const database = await createTestDatabase()
  const tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  const stage = await openBridgeStage(tenantry)
  await stage.reset()
  const { row, schema } = stage.tenants
  const close = async () => {
    await tenantry.close()
    await database.drop()
  }
  return { ...stage, adminUrl: database.adminUrl, four: [...row.slice(0, 2), ...schema.slice(0, 2)], close }
}
