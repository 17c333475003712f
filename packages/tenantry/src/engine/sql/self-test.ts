// At start: drives two scopes and a bare statement over one connection and refuses to serve where anything crosses,
// as it does behind a pooler that shares sessions between statements.
import { randomUUID } from 'node:crypto'
import { TenantryError } from '../../kernel/errors.ts'
import type { ScopedTenant } from '../context/scope.ts'
import type { Entrance } from './entrance.ts'
import { sendFlight } from './flight.ts'
import type { ScopedClient } from './scoped-client.ts'

const PROBE = 'select tenantry.current_tenant_id()::text as tenant'
const BARE = "select coalesce(current_setting('tenantry.context', true), '') as context, current_user::text as role"

/** Throws SELF_TEST_FAILED where a tenant's context reaches another statement on this connection. */
export async function testIsolation(client: ScopedClient, entrance: Entrance, appRole: string): Promise<void> {
  const [a, b] = [randomUUID(), randomUUID()]
  const seen = await Promise.all([a, b, a].map((id) => probe(client, entrance, id)))
  const bare = await sendFlight(client, { config: { text: BARE } })
  const { context, role } = bare.rows[0] as { context: string; role: string }
  if (seen.join() !== [a, b, a].join() || context !== '' || role === appRole) {
    throw new TenantryError('SELF_TEST_FAILED', 'A tenant context outlived its statement on the scoped connection.')
  }
}

async function probe(client: ScopedClient, entrance: Entrance, id: string): Promise<string> {
  const tenant: ScopedTenant = { id, slug: 'self-test', isolation: 'row', schemaName: '', migrationVersion: 0 }
  const prelude = entrance.prelude({ tenant, claims: {} })
  const { rows } = await sendFlight(client, { config: { text: PROBE }, prelude })
  return (rows[0] as { tenant: string }).tenant
}
