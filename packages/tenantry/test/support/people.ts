// An instance with tenants for tests of who belongs where, and short ways to arrange people in it.
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

export interface People {
  readonly database: TestDatabase
  readonly admin: CentralDatabase
  readonly tenantry: Tenantry
  /** Makes a tenant; returns its id. */
  tenant(slug: string): Promise<string>
  /** Puts a member into a tenant as they are to be, whatever the rules of the verbs. */
  member(tenantId: string, userId: string, as?: { role?: string; state?: string }): Promise<void>
  /** Types of the events of a tenant, or with null those of none, oldest first. */
  events(tenantId: string | null): Promise<readonly string[]>
  /** Acts in the audit log of a tenant, or of none, oldest first. */
  audit(tenantId: string | null): Promise<readonly string[]>
  close(): Promise<void>
}

/** Call in beforeAll, and `close()` in afterAll. */
export async function openPeople(): Promise<People> {
  const database = await createTestDatabase()
  const admin = openCentralDatabase({ url: database.adminUrl, max: 8 })
  const tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent', maxClients: 4 })
  await tenantry.start()
  const names = async (text: string, tenantId: string | null) =>
    (await admin.query<{ name: string }>(text, [tenantId])).rows.map(({ name }) => name)
  return {
    ...{ database, admin, tenantry },
    tenant: async (slug) => (await tenantry.tenants.create({ name: slug, slug })).id,
    async member(tenantId, userId, { role = 'member', state = 'active' } = {}) {
      await admin.query(
        `insert into tenantry.member (tenant_id, user_id, role, state, joined_at, revoked_at)
         values ($1, $2, $3, $4, now(), case when $4 = 'revoked' then now() end)
         on conflict (tenant_id, user_id) do update set role = excluded.role, state = excluded.state,
           revoked_at = excluded.revoked_at`,
        [tenantId, userId, role, state],
      )
    },
    events: (tenantId) =>
      names(
        `select type as name from tenantry.event where tenant_id is not distinct from $1::uuid
            and type not like 'tenant.%' order by seq`,
        tenantId,
      ),
    audit: (tenantId) =>
      names(
        `select action as name from tenantry.audit_entry where tenant_id is not distinct from $1::uuid
            and action not like 'tenant.%' order by seq`,
        tenantId,
      ),
    async close() {
      await tenantry.close()
      await admin.close()
      await database.drop()
    },
  }
}
