// `tenantry verify`, the catalogue's half: whether everything that isolation rests on is there and unaltered, read
// from pg_catalog in a number of queries that does not grow with tables or tenants.
import type { Check } from '../../../control/admin-requirements.ts'
import type { InstanceRoles } from '../../../control/instance.ts'
import { patchLevel } from '../../../control/patch-level.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import { catalogueBase } from './catalogue-base.ts'
import { examineRule } from './catalogue-rule.ts'
import { catalogueRules } from './catalogue-rules.ts'
import {
  checkControlFunctions,
  checkControlTriggers,
  checkOpenedTables,
  FUNCTIONS_UNALTERED,
  OPENED_AS_LISTED,
  OPENED_POLICIES,
  TRIGGERS_ENABLED,
} from './control-plane-checks.ts'
import { checkForeignKeys, FOREIGN_KEYS } from './foreign-key-checks.ts'
import { checkLoginPowers, checkPasswords, LOGIN_POWERS, PASSWORDS, readServerFacts } from './login-checks.ts'

export interface CatalogueOptions {
  readonly roles: InstanceRoles
  /** Who the scoped pool logs in as: the instance's own login, or the user of DATABASE_URL. */
  readonly loginUser: string
  /** Schemas that every tenant's search_path ends with. */
  readonly sharedSchemas: readonly string[]
  /** Called before each check, and once at the end with `done` equal to `total`. */
  readonly onProgress?: (done: number, total: number, what: string) => void
}

interface Examination {
  readonly name: string
  readonly examine: () => Promise<readonly Check[]>
}

const ROLES_EXIST = 'the roles of the instance exist'
const PATCH_LEVEL = 'server has the fixes to row-level security'

/** The names of all checks, in the order in which they run. */
export const catalogueCheckNames: readonly string[] = [
  ...[ROLES_EXIST, PATCH_LEVEL, LOGIN_POWERS, PASSWORDS, FUNCTIONS_UNALTERED, TRIGGERS_ENABLED],
  ...[OPENED_AS_LISTED, OPENED_POLICIES],
  ...catalogueRules.map(({ name }) => name),
  FOREIGN_KEYS,
]

/**
 * Examines the catalogue over an admin connection, and changes nothing. A check that holds appears once, with what was
 * examined as its subject; each violation of one appears with its own subject and the fix. Warnings are `ok: false` with
 * `severity: 'warning'`: whoever judges the whole passes over them. In a caller's transaction the search_path stays
 * PostgreSQL's own until it ends.
 *
 * @example
 * ```ts
 * const checks = await checkCatalogue(admin, { roles, loginUser: roles.login, sharedSchemas: ['public'] })
 * console.log(fixStatements(checks).join('\n'))
 * ```
 */
export async function checkCatalogue(sql: Sql, options: CatalogueOptions): Promise<readonly Check[]> {
  const examinations = await examinationsOf(sql, options)
  const checks: Check[] = []
  for (const [done, { name, examine }] of examinations.entries()) {
    options.onProgress?.(done, examinations.length, name)
    checks.push(...(await examine()))
  }
  options.onProgress?.(examinations.length, examinations.length, 'done')
  return checks
}

async function examinationsOf(sql: Sql, options: CatalogueOptions): Promise<readonly Examination[]> {
  const server = await readServerFacts(sql)
  const roles = await checkRoles(sql, options)
  const first = [
    { name: ROLES_EXIST, examine: async () => roles },
    { name: PATCH_LEVEL, examine: async () => [patchLevel(server)] },
  ]
  // Every other question is about these roles: without them each answer would be empty, and look well.
  if (!roles.every(({ ok }) => ok)) return first
  const base = catalogueBase(options)
  return [
    ...first,
    { name: LOGIN_POWERS, examine: () => checkLoginPowers(sql, options, server) },
    { name: PASSWORDS, examine: () => checkPasswords(sql, options, server) },
    { name: FUNCTIONS_UNALTERED, examine: () => checkControlFunctions(sql) },
    { name: TRIGGERS_ENABLED, examine: () => checkControlTriggers(sql) },
    { name: OPENED_AS_LISTED, examine: () => checkOpenedTables(sql, 'grants', options.roles.app) },
    { name: OPENED_POLICIES, examine: () => checkOpenedTables(sql, 'policies', options.roles.app) },
    ...catalogueRules.map((rule) => ({ name: rule.name, examine: () => examineRule(sql, base, rule) })),
    { name: FOREIGN_KEYS, examine: () => checkForeignKeys(sql) },
  ]
}

async function checkRoles(sql: Sql, { roles, loginUser }: CatalogueOptions): Promise<readonly Check[]> {
  const names = [...new Set([...Object.values<string>({ ...roles }), loginUser])]
  const { rows } = await sql.query<{ name: string }>(
    'select rolname::text as name from pg_catalog.pg_roles where rolname = any ($1)',
    [names],
  )
  const missing = names.filter((name) => !rows.some((row) => row.name === name))
  if (missing.length === 0) return [{ name: ROLES_EXIST, ok: true, subject: `${names.length} roles` }]
  return missing.map((subject) => ({ name: ROLES_EXIST, ok: false, subject, fix: 'Run `tenantry init`.' }))
}
