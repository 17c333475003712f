// An instance with two tenants, and a second instance over the same control plane that stands for another process.
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

export interface KeysFixture {
  readonly database: TestDatabase
  readonly central: CentralDatabase
  readonly here: Tenantry
  readonly there: Tenantry
  /** Facts of the keys, as events and audit entries tell them. */
  facts(type: string): Promise<readonly Record<string, unknown>[]>
  close(): Promise<void>
}

export async function openKeysFixture(): Promise<KeysFixture> {
  const database = await createTestDatabase()
  const settings = { adminUrl: database.adminUrl, migrations: '/nonexistent', isolation: 'row' } as const
  const [here, there] = [createTenantry(settings), createTenantry(settings)]
  const central = openCentralDatabase({ url: database.adminUrl })
  await here.start()
  await there.start()
  await here.tenants.create({ name: 'Acme', slug: 'acme' })
  await here.tenants.create({ name: 'Globex', slug: 'globex' })
  return {
    ...{ database, central, here, there },
    async facts(type) {
      const { rows } = await central.query(
        `select e.type, e.payload, e.tenant_id, a.actor, a.action, a.detail from tenantry.event e
           join tenantry.audit_entry a on a.detail->>'keyId' = e.payload->>'keyId' and a.at = e.created_at
          where e.type = $1 order by e.seq`,
        [type],
      )
      return rows
    },
    async close() {
      await here.close()
      await there.close()
      await central.close()
      await database.drop()
    },
  }
}
