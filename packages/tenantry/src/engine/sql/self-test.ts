// At start: drives two scopes, bare statements and a transaction over two connections, and refuses to serve where
// anything crosses, as it does behind a pooler that shares sessions between statements.
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isTenantryError, TenantryError } from '../../kernel/errors.ts'
import type { ScopedTenant } from '../context/scope.ts'
import type { Entrance } from './entrance.ts'
import { sendFlight } from './flight.ts'
import { backendOf } from './pooler.ts'
import type { Prelude } from './prelude.ts'
import type { ScopedClient } from './scoped-client.ts'

const PROBE = 'select tenantry.current_tenant_id()::text as tenant'
const BARE = "select coalesce(current_setting('tenantry.context', true), '') as context, current_user::text as role"
// A pool of one session lets the second connection in only after the first one's transaction.
const OPEN = { mode: 'normal', modeOperators: [] } as const
const CONTENDER_WAITS_MS = 1_000

export interface SelfTest {
  readonly clients: readonly [ScopedClient, ScopedClient]
  readonly entrance: Entrance
  readonly appRole: string
}

/** Throws SELF_TEST_FAILED where a tenant's context or transaction reaches another statement, on either connection. */
export async function testIsolation(test: SelfTest): Promise<void> {
  const [first, second] = test.clients
  if (!first.borrowed) await testOwnSessions(test)
  await testStatements(test, first)
  try {
    await testTransaction(test)
  } catch (error) {
    if (isTenantryError(error, 'SELF_TEST_FAILED')) throw error
    throw failed('A transaction did not stay on one session, as behind a pooler in statement mode.', error)
  }
  await testStatements(test, second)
}

/** Statements prepared by name need a session that nobody else has. */
async function testOwnSessions({ clients: [first, second] }: SelfTest): Promise<void> {
  const before = await backendOf(first)
  if ((await backendOf(second)) !== before && (await backendOf(first)) === before) return
  throw failed('The connections of the scoped login share sessions, and the setting `pooler` says they do not.')
}

async function testStatements(test: SelfTest, client: ScopedClient): Promise<void> {
  const [a, b] = [randomUUID(), randomUUID()]
  const seen = await Promise.all([a, b, a].map((id) => probe(client, preludeOf(test, id))))
  if (seen.join() !== [a, b, a].join()) throw crossed()
  await testBare(test, client)
}

/** Two flushes of one transaction, and between them somebody else's on another connection. */
async function testTransaction(test: SelfTest): Promise<void> {
  const [first, second] = test.clients
  const [a, b] = [randomUUID(), randomUUID()]
  const begun = await probe(first, preludeOf(test, a), 'begin')
  const contender = contend(test, second, b)
  contender.catch(() => undefined)
  await Promise.race([contender, delay(CONTENDER_WAITS_MS, undefined, { ref: false })])
  const { rows } = await sendFlight(first, { config: { text: PROBE }, commit: true })
  const { tenant } = rows[0] as { tenant: string }
  if (begun !== a || tenant !== a || (await contender) !== b) throw crossed()
  await testBare(test, first)
}

async function contend(test: SelfTest, client: ScopedClient, id: string): Promise<string> {
  await testBare(test, client)
  return probe(client, preludeOf(test, id))
}

async function testBare({ appRole }: SelfTest, client: ScopedClient): Promise<void> {
  const { rows } = await sendFlight(client, { config: { text: BARE } })
  const { context, role } = rows[0] as { context: string; role: string }
  if (context !== '' || role === appRole) throw crossed()
}

async function probe(client: ScopedClient, prelude: Prelude, begin?: string): Promise<string> {
  const { rows } = await sendFlight(client, { config: { text: PROBE }, prelude, begin: () => begin })
  return (rows[0] as { tenant: string }).tenant
}

function preludeOf({ entrance }: SelfTest, id: string): Prelude {
  const tenant: ScopedTenant = { id, slug: 'self-test', isolation: 'row', schemaName: '', migrationVersion: 0, ...OPEN }
  return entrance.prelude({ tenant, claims: {} })
}

const crossed = () => failed('A tenant context was met by a statement that is not its own, on the scoped login.')

function failed(message: string, cause?: unknown): TenantryError {
  const fix = 'Let DATABASE_URL lead to PostgreSQL itself, or to a pooler in transaction mode; see docs/poolers.md.'
  return new TenantryError('SELF_TEST_FAILED', message, { fix, cause })
}
