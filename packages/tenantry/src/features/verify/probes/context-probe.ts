// Attacks on what all tables stand on: the function that verifies the context, the roles, and the connection.
import { openedTables } from '../../../control/app-tables.ts'
import type { InstanceRoles } from '../../../control/instance.ts'
import type { PoolConfig } from '../../../engine/sql/pg.ts'
import { endAll, openTwo } from '../../../engine/sql/pooler.ts'
import type { ScopedClientConfig } from '../../../engine/sql/scoped-client.ts'
import { testIsolation } from '../../../engine/sql/self-test.ts'
import { isTenantryError } from '../../../kernel/errors.ts'
import { quoteIdentifier } from '../../../kernel/identifiers.ts'
import type { VerifyCheck } from '../check.ts'
import type { Honey } from './honey.ts'
import type { Outcome, ProbeSession } from './probe-session.ts'

export interface ContextProbeOptions {
  readonly session: ProbeSession
  readonly connection: PoolConfig & ScopedClientConfig
  readonly honey: Honey
  readonly roles: InstanceRoles
  /** Roles that must be out of reach: owners of tenants' tables, superusers, those that bypass policies. */
  readonly outOfReach: readonly string[]
}

const VERIFIER = 'tenantry.current_tenant_id()'
const WHO = `select ${VERIFIER}::text as tenant`

/** Everything about context, roles and connection. */
export async function probeContext(options: ContextProbeOptions): Promise<readonly VerifyCheck[]> {
  const { session } = options
  const connection = await probeConnection(options)
  const inside = await session.rolledBack(async () => [
    ...(await probeVerifier(options)),
    await probeSettings(options),
    ...(await probeRoles(options)),
    ...(await probeSecrets(options)),
    ...(await probeOpened(options)),
  ])
  return [connection, ...inside]
}

function claim(name: string, ok: boolean, about: { subject: string; fix: string }): VerifyCheck {
  return ok ? { name, ok, subject: about.subject } : { name, ok, ...about }
}

/** What serving does at its start: two scopes and a bare statement over one connection. */
async function probeConnection({ connection, honey, roles }: ContextProbeOptions): Promise<VerifyCheck> {
  const subject = 'scoped connection'
  const fix = 'Connect directly, or through a pooler that keeps a session for the length of a transaction.'
  const clients = await openTwo({ ...connection, pipeline: true })
  try {
    await testIsolation({ clients, entrance: honey.entrance, appRole: roles.app })
    return claim('probe: pooler', true, { subject, fix })
  } catch (error) {
    // A verifier that refuses true contexts, or believes false ones, is named by its own probe.
    if (!isTenantryError(error) || error.code === 'DATABASE_UNAVAILABLE') throw error
    return claim('probe: pooler', false, { subject, fix })
  } finally {
    await endAll(clients)
  }
}

async function probeVerifier({ session, honey }: ContextProbeOptions): Promise<readonly VerifyCheck[]> {
  const { victim, attacker } = honey
  const fix = 'Restore the function from sql/control/0002_context.sql of this version of Tenantry.'
  const about = { subject: VERIFIER, fix }
  const ask = (as: ReturnType<typeof honey.missing>) => session.attempt({ as, text: WHO })
  const [own, missing, unsigned, swapped, expired] = await Promise.all([
    ask(victim.prelude()),
    ask(honey.missing()),
    ask(honey.unsigned(victim.id)),
    ask(honey.swapped(attacker.id, victim.id)),
    ask(honey.expired(victim.id)),
  ])
  const tenant = own.rows[0]?.['tenant']
  return [
    claim('probe: signed context', tenant === victim.id, about),
    claim('probe: missing context', missing.refused === 'TN001', about),
    claim('probe: unsigned context', unsigned.refused === 'TN002', about),
    claim('probe: swapped tenant', swapped.refused === 'TN002', about),
    claim('probe: expired context', expired.refused === 'TN003', about),
  ]
}

/** What injected SQL can do itself: point the context at another tenant from inside the scope. */
async function probeSettings({ session, honey }: ContextProbeOptions): Promise<VerifyCheck> {
  const { victim, attacker } = honey
  const context = "current_setting('tenantry.context')"
  const text = `select set_config('tenantry.context', replace(${context}, $1, $2), true) is null`
  const values = [attacker.id, victim.id]
  const outcome = await session.attempt({ as: attacker.prelude(), text, values }, { text: WHO })
  // A hardened server refuses set_config itself.
  const isRefused = outcome.refused === 'TN002' || outcome.refused === '42501'
  const fix = 'Restore the function from sql/control/0002_context.sql of this version of Tenantry.'
  return claim('probe: set_config', isRefused, { subject: VERIFIER, fix })
}

async function probeRoles({ session, honey, roles, outOfReach }: ContextProbeOptions): Promise<readonly VerifyCheck[]> {
  const as = honey.attacker.prelude()
  const targets = [...new Set([roles.central, ...outOfReach])].filter(
    (role) => role !== roles.app && role !== roles.login,
  )
  const switched = await Promise.all(
    targets.map(async (role) => {
      const name = quoteIdentifier(role)
      const outcome = await session.attempt({ as, text: `set local role ${name}` })
      const fix = `REVOKE ${name} FROM ${quoteIdentifier(roles.app)}, ${quoteIdentifier(roles.login)};`
      return claim('probe: set role', outcome.refused === '42501', { subject: role, fix })
    }),
  )
  return [...switched, ...(await probeAttributes(session, as, roles))]
}

async function probeAttributes(
  session: ProbeSession,
  as: ReturnType<Honey['missing']>,
  { app, login }: InstanceRoles,
): Promise<readonly VerifyCheck[]> {
  const text = `select r.rolname::text as role, r.rolsuper or r.rolbypassrls as bypasses from pg_catalog.pg_roles r
    where r.rolname in (current_user, session_user)`
  const { rows } = await session.attempt({ as, text })
  const names = [...new Set([app, login])]
  return names.map((role) => {
    const row = rows.find((each) => each['role'] === role)
    const fix = `ALTER ROLE ${quoteIdentifier(role)} NOSUPERUSER NOBYPASSRLS;`
    return claim('probe: row security applies', row?.['bypasses'] === false, { subject: role, fix })
  })
}

const SECRETS = [
  'instance',
  'signing_key',
  'api_key',
  'credential',
  'elevation',
  'audit_entry',
  'verify_key',
  'idempotency',
]

async function probeSecrets({ session, honey, roles }: ContextProbeOptions): Promise<readonly VerifyCheck[]> {
  const as = honey.attacker.prelude()
  const read = (table: string) => `select 1 from tenantry.${table} limit 1`
  const outcomes = await Promise.all(
    SECRETS.map(
      async (table): Promise<readonly Outcome[]> => [
        await session.attempt({ as, text: read(table) }),
        await session.attempt({ as, text: 'set local role none' }, { text: read(table) }),
      ],
    ),
  )
  return SECRETS.map((table, i) => {
    const ok = outcomes[i]?.every(({ refused }) => refused === '42501') ?? false
    const from = ['PUBLIC', quoteIdentifier(roles.app), quoteIdentifier(roles.login)].join(', ')
    const fix = `REVOKE ALL ON tenantry.${table} FROM ${from};`
    return claim('probe: control plane', ok, { subject: `tenantry.${table}`, fix })
  })
}

/** Tables of the control plane whose rows each tenant reads for itself: the attacker is nobody's tenant, so it has none. */
async function probeOpened({ session, honey }: ContextProbeOptions): Promise<readonly VerifyCheck[]> {
  const as = honey.attacker.prelude()
  const outcomes = await Promise.all(
    openedTables.map(async ({ table, key }) => {
      const text = `select 1 from tenantry.${table} where ${key} is not null limit 1`
      return {
        table,
        inside: await session.attempt({ as, text }),
        outside: await session.attempt({ as, text: 'set local role none' }, { text }),
      }
    }),
  )
  return outcomes.map(({ table, inside, outside }) => {
    const ok = inside.refused === undefined && inside.rows.length === 0 && outside.refused === '42501'
    const fix = 'Run `tenantry init`, which opens these tables as it should.'
    return claim('probe: control plane', ok, { subject: `tenantry.${table}`, fix })
  })
}
