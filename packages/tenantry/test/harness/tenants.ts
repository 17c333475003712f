// An initialised control plane in a database of its own, and the tenants over it, as the composition root wires them.
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { type Instance } from '../../src/control/instance.ts'
import { initialise } from '../../src/control/initialise.ts'
import { createTenants } from '../../src/tenants/create-tenants.ts'
import type { TenantsOptions } from '../../src/tenants/options.ts'
import type { Tenants } from '../../src/tenants/tenants.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { tenantsOptions } from './tenants-options.ts'

export interface TenantsFixture {
  readonly admin: CentralDatabase
  readonly instance: Instance
  readonly url: string
  /** Tenants of this control plane with the options of the test. */
  tenants(options?: Partial<TenantsOptions>): Tenants
  close(): Promise<void>
}

/** Call in beforeAll, and `close()` in afterAll. */
export async function openTenantsFixture(): Promise<TenantsFixture> {
  const database: TestDatabase = await createTestDatabase()
  const admin = openCentralDatabase({ url: database.adminUrl, max: 12 })
  const instance = await initialise(admin)
  return {
    admin,
    instance,
    url: database.adminUrl,
    tenants: (options) => createTenants({ ...tenantsOptions(admin, instance), ...options }),
    close: async () => {
      await admin.close()
      await database.drop()
    },
  }
}
