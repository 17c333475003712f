// Runs the host suite over one web framework, on a database of its own.
import { afterAll, describe, it } from 'vitest'
import { type Host, hostSuite } from '../../src/testing/index.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

/** Every case of the suite but those whose names end like this, where the host leaves nothing to claim. */
export function describeHost(host: Host, without: readonly string[] = []): void {
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
    const cases = hostSuite({ host, tenantry: open }).filter(({ name }) => !without.some((end) => name.endsWith(end)))
    for (const { name, run } of cases) it(name, { timeout: 120_000 }, run)
  })
}
