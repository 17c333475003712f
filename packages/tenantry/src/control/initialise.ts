// `tenantry init`: migrations, instance and roles in one transaction, so that a refusal leaves nothing behind.
import { DatabaseError } from '../engine/sql/pg.ts'
import type { CentralDatabase, Sql } from '../engine/sql/database.ts'
import { TenantryError } from '../kernel/errors.ts'
import { quoteIdentifier } from '../kernel/identifiers.ts'
import { type AdminFacts, readAdminFacts, readRoleFacts } from './admin-facts.ts'
import { adminRequirements } from './admin-requirements.ts'
import { applyControlMigrations, readLedger } from './control-migrations.ts'
import { hardenLanguages, hardenSetConfig } from './hardening.ts'
import { ensureInstanceRow, type Instance, readInstance, roleNames } from './instance.ts'
import { ensureRoles } from './roles.ts'

export interface InitialiseOptions {
  /** Takes set_config away from everyone but the instance's login and admin. Superuser only. */
  readonly harden?: boolean
}

const ATTEMPTS = 20

// What the loser of a race to the first CREATE SCHEMA or CREATE TABLE meets, for all of IF NOT EXISTS: unique
// violations in the catalogs, duplicates, and "tuple concurrently updated".
const raceCodes = new Set(['23505', '42P06', '42P07', '42710', 'XX000', '40001', '40P01'])

/**
 * Prepares a database for Tenantry, or brings it up to this version; does nothing where all is in place. Safe when
 * many processes do it at once. Throws ADMIN_TOO_WEAK (with the grants to run), POSTGRES_TOO_OLD, ROLE_CONFLICT,
 * MIGRATION_CHANGED and CONTROL_PLANE_NEWER; then nothing was changed.
 *
 * @example
 * ```ts
 * const instance = await initialise(openCentralDatabase({ url: adminUrl }))
 * ```
 */
export async function initialise(admin: CentralDatabase, options: InitialiseOptions = {}): Promise<Instance> {
  for (let attempt = 1; ; attempt++) {
    try {
      await admin.transaction((tx) => initialiseIn(tx, options))
      return await readInstance(admin)
    } catch (error) {
      const isRace = error instanceof DatabaseError && raceCodes.has(error.code ?? '')
      if (!isRace || attempt === ATTEMPTS) throw error
    }
  }
}

async function initialiseIn(tx: Sql, options: InitialiseOptions): Promise<void> {
  // Nothing of ours may resolve to an object of the user's, nor be created in the user's schemas.
  await tx.query('set local search_path = pg_catalog, pg_temp')
  const connected = await readAdminFacts(tx)
  if (options.harden === true) refuseToHarden(connected)
  const facts = await actAsOwner(tx, connected)
  await refuseWeakAdmin(tx, facts)
  await applyControlMigrations(tx)
  const instanceId = await ensureInstanceRow(tx)
  const roles = roleNames(instanceId)
  await ensureRoles(tx, { instanceId, roles, facts })
  if (options.harden === true) {
    await tx.query('reset role')
    await hardenSetConfig(tx, [roles.login, facts.user])
    await hardenLanguages(tx, facts.user)
  }
}

function refuseToHarden(facts: AdminFacts): void {
  if (facts.superuser) return
  throw new TenantryError('ADMIN_TOO_WEAK', 'Only a superuser can take set_config away from PUBLIC.', {
    fix: 'Run `tenantry init --harden` once with a superuser as DATABASE_ADMIN_URL.',
  })
}

// A superuser who runs init later must not become the owner of half of the control plane.
async function actAsOwner(tx: Sql, facts: AdminFacts): Promise<AdminFacts> {
  if (facts.controlOwner === null || facts.controlOwner === facts.user || !facts.ownsControl) return facts
  await tx.query(`set local role ${quoteIdentifier(facts.controlOwner)}`)
  return readAdminFacts(tx)
}

async function refuseWeakAdmin(tx: Sql, facts: AdminFacts): Promise<void> {
  const missing = adminRequirements(facts, { rolesExist: await allRolesExist(tx, facts) }).filter(({ ok }) => !ok)
  if (missing.length === 0) return
  const code = missing[0]?.name === 'server version' ? 'POSTGRES_TOO_OLD' : 'ADMIN_TOO_WEAK'
  throw new TenantryError(
    code,
    `The database is not ready for Tenantry. Not so: ${missing.map(({ name }) => name).join('; ')}.`,
    { fix: missing.map(({ fix }) => fix).join('\n') },
  )
}

async function allRolesExist(tx: Sql, facts: AdminFacts): Promise<boolean> {
  if (!facts.ownsControl || (await readLedger(tx)) === undefined) return false
  const { rows } = await tx.query<{ id: string }>('select id from tenantry.instance')
  if (rows[0] === undefined) return false
  return (await readRoleFacts(tx, Object.values(roleNames(rows[0].id)))).size === 3
}
