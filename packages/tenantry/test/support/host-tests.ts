// Runs the host suite over one web framework, on a database of its own.
import { afterAll, describe, it } from 'vitest'
import { type Host, hostSuite } from '../../src/testing/index.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

export function describeHost(host: Host): void {
  describe(host.name, () => {
    let database: TestDatabase | undefined
    let tenantry: Tenantry | undefined
    afterAll(async () => {
      await tenantry?.close()
      await database?.drop()
    })
    const open = async (settings: object) => {
      database = await createTestDatabase()
      tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent', ...settings })
      return tenantry
    }
    for (const { name, run } of hostSuite({ host, tenantry: open })) it(name, { timeout: 120_000 }, run)
  })
}
