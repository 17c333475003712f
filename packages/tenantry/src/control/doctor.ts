// `tenantry doctor`: everything that must hold, before init and after, with the SQL that mends what does not. A finding
// is a value, never an error.
import type { Sql } from '../engine/sql/database.ts'
import { toTenantryError } from '../engine/sql/database-errors.ts'
import { TenantryError } from '../kernel/errors.ts'
import { quoteIdentifier } from '../kernel/identifiers.ts'
import { type AdminFacts, readAdminFacts, readRoleFacts, type RoleFacts } from './admin-facts.ts'
import { adminRequirements, type Check, check } from './admin-requirements.ts'
import { checkAdminUrl, checkScopes } from './connection-checks.ts'
import { type Instance, readInstance } from './instance.ts'
import { readExcessPowers } from './login-powers.ts'
import { grantAdminOption } from './roles.ts'

export interface Examination {
  readonly ok: boolean
  readonly checks: readonly Check[]
}

export interface ExamineOptions {
  /** A connection of the login that DATABASE_URL names, where it is not the instance's own. */
  readonly login?: Sql
  /** The URLs themselves, for what only a connection can tell. */
  readonly adminUrl?: string
  readonly databaseUrl?: string
}

// The first minor release without a known way around row-level security: CVE-2024-10976, CVE-2025-8713.
const safeReleases: Readonly<Record<number, number>> = { 15: 150_014, 16: 160_010, 17: 170_006 }

const LARGEST_CLOCK_OFFSET_MS = 5_000
const RUN_INIT = 'Run `tenantry init`.'

/**
 * Examines database, admin login, control plane, roles and scoped login. Works before init, with a weak admin and with
 * a server that is down; what is wrong is in the checks.
 *
 * @example
 * ```ts
 * const { ok, checks } = await examine(admin)
 * for (const { name, fix } of checks.filter((check) => !check.ok)) console.log(`${name}\n  ${fix}`)
 * ```
 */
export async function examine(admin: Sql, options: ExamineOptions = {}): Promise<Examination> {
  const checks: Check[] = []
  try {
    const facts = await readAdminFacts(admin)
    checks.push(check('connection', true, { subject: facts.database, fix: '' }), patchLevel(facts))
    if (options.adminUrl !== undefined) checks.push(await checkAdminUrl(options.adminUrl, facts.database))
    const { instance, finding } = await controlPlane(admin)
    const roles = instance === undefined ? undefined : await readRoleFacts(admin, Object.values(instance.roles))
    checks.push(...adminRequirements(facts, { rolesExist: roles?.size === 3 }), finding)
    if (instance !== undefined && roles !== undefined) {
      checks.push(...afterInit(facts), ...instanceRoles(instance, roles, facts), clock(instance))
      checks.push(...(await loginStrength(admin, instance, { facts, ...options })))
      if (options.databaseUrl !== undefined) checks.push(await checkScopes(options.databaseUrl, instance))
    }
  } catch (error) {
    checks.push(failed('examination', error))
  }
  return { ok: checks.every(({ ok }) => ok), checks }
}

function failed(name: string, error: unknown): Check {
  const mapped = toTenantryError(error)
  if (mapped instanceof TenantryError) return { name, ok: false, subject: mapped.message, fix: mapped.fix }
  const message = error instanceof Error ? error.message : 'unknown failure'
  return { name, ok: false, subject: message, fix: 'Mend what the database says, and run doctor again.' }
}

function patchLevel({ versionNum, version }: AdminFacts): Check {
  const safe = safeReleases[Math.floor(versionNum / 10_000)] ?? 0
  return check('server has the fixes to row-level security', versionNum >= safe, {
    subject: version,
    fix: `Update the server to ${Math.floor(safe / 10_000)}.${safe % 10_000} or newer.`,
  })
}

async function controlPlane(admin: Sql): Promise<{ instance?: Instance; finding: Check }> {
  try {
    const instance = await readInstance(admin)
    return { instance, finding: { name: 'control plane', ok: true, subject: instance.id } }
  } catch (error) {
    return { finding: failed('control plane', error) }
  }
}

// What init took away may have been given back since.
function afterInit(facts: AdminFacts): readonly Check[] {
  return [
    check('temporary tables are revoked', !facts.publicTemp, {
      subject: facts.database,
      fix: `REVOKE TEMPORARY ON DATABASE ${quoteIdentifier(facts.database)} FROM PUBLIC;`,
    }),
    check('admin may create temporary tables', facts.adminTemp, {
      subject: facts.user,
      fix: `GRANT TEMPORARY ON DATABASE ${quoteIdentifier(facts.database)} TO ${quoteIdentifier(facts.user)}; -- for scope.copyFrom()`,
    }),
    check('schema public is closed to PUBLIC', !facts.publicCreate, {
      subject: 'public',
      fix: 'REVOKE CREATE ON SCHEMA public FROM PUBLIC;',
    }),
  ]
}

function instanceRoles(instance: Instance, roles: ReadonlyMap<string, RoleFacts>, facts: AdminFacts): Check[] {
  const checks = Object.values(instance.roles).map((name: string) =>
    check('role exists', roles.has(name), { subject: name, fix: RUN_INIT }),
  )
  for (const role of roles.values()) {
    checks.push(
      check('admin administers the role', role.administered, {
        subject: role.name,
        fix: facts.versionNum >= 160_000 ? grantAdminOption(role.name, facts.user) : createRoleFor(facts),
      }),
    )
  }
  const inherited = roles.get(instance.roles.central)?.inherited === true
  return [
    ...checks,
    check('admin sees the rows of all tenants', inherited, {
      subject: facts.user,
      fix: centralFor(instance.roles.central, facts),
    }),
  ]
}

const createRoleFor = (facts: AdminFacts) => `ALTER ROLE ${quoteIdentifier(facts.user)} CREATEROLE;`

function centralFor(central: string, { user, versionNum }: AdminFacts): string {
  const options = versionNum >= 160_000 ? ' WITH INHERIT TRUE, SET TRUE' : ''
  const inherit = versionNum >= 160_000 ? '' : ` ALTER ROLE ${quoteIdentifier(user)} INHERIT;`
  return `GRANT ${quoteIdentifier(central)} TO ${quoteIdentifier(user)}${options};${inherit}`
}

function clock({ clockOffsetMs }: Instance): Check {
  return check('clocks agree', Math.abs(clockOffsetMs) <= LARGEST_CLOCK_OFFSET_MS, {
    subject: `${clockOffsetMs} ms`,
    fix: 'Synchronise the clocks of the database server and this machine (NTP).',
  })
}

async function loginStrength(
  admin: Sql,
  { roles }: Instance,
  { facts, login }: ExamineOptions & { readonly facts: AdminFacts },
): Promise<readonly Check[]> {
  const user = login === undefined ? roles.login : await sessionUser(login)
  const powers = await readExcessPowers(admin, { user, roles, versionNum: facts.versionNum })
  if (powers.length === 0) return [{ name: 'login may do nothing but become app', ok: true, subject: user }]
  return powers.map(({ role, reason, fix }) => ({
    name: 'login may do nothing but become app',
    ok: false,
    subject: `${role} ${reason}`,
    fix,
  }))
}

async function sessionUser(login: Sql): Promise<string> {
  const { rows } = await login.query<{ user: string }>('select session_user::text as "user"')
  return rows[0]?.user ?? ''
}
