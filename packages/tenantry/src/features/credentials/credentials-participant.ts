// Direct credentials in the life of their tenant: locked with every status but active and under maintenance, reading by
// default while it is read-only, dropped and proven gone by purge.
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import type { Participant } from '../../tenants/participant.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import { isUsable, letsIn } from './login-choice.ts'
import {
  dropLogin,
  endSessions,
  type LoginRole,
  markedRoles,
  readLogins,
  setLogin,
  setReadsOnly,
} from './login-roles.ts'
import { type CredentialSink, metaOf, withdraw } from './sink.ts'

export interface ParticipantOptions {
  readonly database: CentralDatabase
  readonly instanceId: string
  readonly sink?: CredentialSink | undefined
}

/** The part that direct credentials take in the life of a tenant. */
export function credentialsParticipant({ database, instanceId, sink }: ParticipantOptions): Participant {
  const lockedLogins = async (sql: Sql, tenant: Tenant): Promise<readonly LoginRole[]> =>
    (await readLogins(sql, instanceId, tenant.id)).filter(
      (login) => login.role === 'ours' && (!letsIn(tenant) || !isUsable(login)),
    )
  // A session keeps the defaults that it began with.
  const endSessionsBefore = async (tenant: Tenant, modeSince: string): Promise<void> => {
    for (const login of await readLogins(database, instanceId, tenant.id)) {
      if (login.role === 'ours') await database.transaction((tx) => endSessions(tx, login, modeSince))
    }
  }
  return {
    name: 'credentials',
    async statusChanged(tx, tenant) {
      for (const login of await readLogins(tx, instanceId, tenant.id)) {
        // A role without our mark is never touched; its sessions meet the tenant's status in the verifier.
        if (login.role !== 'ours' || !isUsable(login)) continue
        await setLogin(tx, login, letsIn(tenant))
        const readsOnly = tenant.mode === 'read_only'
        if (login.readsOnly !== readsOnly) await setReadsOnly(tx, login.roleName, readsOnly)
      }
    },
    async afterStatusChange(tenant) {
      for (const login of await lockedLogins(database, tenant)) {
        await database.transaction((tx) => endSessions(tx, login))
      }
      if (letsIn(tenant) && tenant.modeSince !== null) await endSessionsBefore(tenant, tenant.modeSince)
    },
    resume: () => endLockedSessions(database, instanceId),
    async purge(tx, tenant) {
      const logins = await readLogins(tx, instanceId, tenant.id)
      for (const login of logins) {
        // What is left alone here is named by leftovers(), and the purge fails.
        if (login.role !== 'unmarked') await dropLogin(tx, login)
      }
      const newest = new Map(logins.map((login) => [login.name, login]))
      for (const login of newest.values()) await withdraw(sink, metaOf(tenant, login))
    },
    leftovers: async (tx, tenant) => (await markedRoles(tx, instanceId, tenant.id)).map((name) => `role ${name}`),
  }
}

/**
 * Ends sessions of logins that may not log in any more: those that a process did not come to end before it stopped, and
 * those of logins that have expired since.
 */
async function endLockedSessions(database: CentralDatabase, instanceId: string): Promise<void> {
  const { rows } = await database.query<{ tenantId: string; username: string }>(
    `select c.tenant_id as "tenantId", c.username::text from tenantry.credential c join tenantry.tenant t on t.id = c.tenant_id
      where (c.revoked_at is not null or c.expires_at <= now() or t.status <> 'active' or t.mode = 'maintenance')
        and exists (select from pg_stat_activity a where a.usesysid = c.role_oid)`,
  )
  for (const { tenantId, username } of rows) {
    const login = (await readLogins(database, instanceId, tenantId)).find((each) => each.username === username)
    if (login?.role !== 'ours') continue
    await database.transaction((tx) => endSessions(tx, login))
  }
}
