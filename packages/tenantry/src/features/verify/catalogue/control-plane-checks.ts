// Whether the control plane's functions and triggers are what its SQL files made. One altered line in the verifier
// opens every table at once.
import type { Check } from '../../../control/admin-requirements.ts'
import { appTableDeviations, type Deviation } from '../../../control/app-tables.ts'
import { readControlMigrations } from '../../../control/control-migrations.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import { type ExpectedFunction, expectedFunctions, expectedTriggers, normalisedBody } from './control-functions.ts'

/** As the catalogue has it. */
interface ActualFunction extends Omit<ExpectedFunction, 'statement'> {
  readonly signature: string
}

const FUNCTIONS = `
  set local search_path = pg_catalog, pg_temp;
  select p.proname::text as name, p.oid::regprocedure::text as signature, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body,
         p.prosqlbody is not null as "isSqlBody", p.prosecdef as "securityDefiner", p.provolatile::text as volatility,
         p.proparallel::text as parallel, l.lanname::text as language, coalesce(p.proconfig, '{}') as settings
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang where n.nspname = 'tenantry'`

const TRIGGERS = `
  select t.tgname::text as name, c.relname::text as table, t.tgenabled in ('O', 'A') as enabled
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'tenantry' and not t.tgisinternal`

export const FUNCTIONS_UNALTERED = 'the functions of the control plane are unaltered'
export const TRIGGERS_ENABLED = 'the triggers of the control plane are enabled'

/** Compares the functions of schema tenantry with the files. */
export async function checkControlFunctions(sql: Sql): Promise<readonly Check[]> {
  const expected = expectedFunctions((await readControlMigrations()).map((file) => file.sql))
  const { rows } = await sql.query<ActualFunction>(FUNCTIONS)
  const isOurs = (row: ActualFunction) => {
    const wanted = expected.get(row.name)
    return wanted !== undefined && isSame(row, wanted)
  }
  // Beside the right one, another of that name is a stranger; alone it is the right one, altered.
  const strange = rows
    .filter((row) => !isOurs(row))
    .filter((row) => !expected.has(row.name) || rows.some((other) => other.name === row.name && isOurs(other)))
    .map((row) => violation(FUNCTIONS_UNALTERED, row.signature, `drop function ${row.signature};`))
  const altered = [...expected.values()]
    .filter((wanted) => !rows.some((row) => row.name === wanted.name && isSame(row, wanted)))
    .map((wanted) => violation(FUNCTIONS_UNALTERED, `tenantry.${wanted.name}`, wanted.statement))
  const violations = [...altered, ...strange]
  return violations.length > 0
    ? violations
    : [{ name: FUNCTIONS_UNALTERED, ok: true, subject: `${rows.length} functions` }]
}

function isSame(actual: ActualFunction, wanted: ExpectedFunction): boolean {
  const bodies = [actual.body, wanted.body].map((body) => (wanted.isSqlBody ? normalisedBody(body) : body))
  return (
    bodies[0] === bodies[1] &&
    actual.isSqlBody === wanted.isSqlBody &&
    actual.securityDefiner === wanted.securityDefiner &&
    actual.volatility === wanted.volatility &&
    actual.parallel === wanted.parallel &&
    actual.language === wanted.language &&
    actual.settings.join('\n') === wanted.settings.join('\n')
  )
}

/** Compares the triggers of schema tenantry with the files: the append-only audit log, the announcements. */
export async function checkControlTriggers(sql: Sql): Promise<readonly Check[]> {
  const expected = expectedTriggers((await readControlMigrations()).map((file) => file.sql))
  const { rows } = await sql.query<{ name: string; table: string; enabled: boolean }>(TRIGGERS)
  const violations = expected.flatMap(({ name, table, statement }) => {
    const actual = rows.find((row) => row.name === name && row.table === table)
    if (actual?.enabled === true) return []
    const enable = `alter table tenantry.${table} enable trigger ${name};`
    return [violation(TRIGGERS_ENABLED, `${name} on tenantry.${table}`, actual === undefined ? statement : enable)]
  })
  return violations.length > 0
    ? violations
    : [{ name: TRIGGERS_ENABLED, ok: true, subject: `${expected.length} triggers` }]
}

export const OPENED_AS_LISTED = 'the application reads of the control plane what was opened to it'
export const OPENED_POLICIES = "the control plane's policies have the generated form"

const openedNames: Readonly<Record<Deviation['kind'], string>> = { grants: OPENED_AS_LISTED, policies: OPENED_POLICIES }

/** Compares what of the control plane's tables the application can reach, or which rows, with what init opens. */
export async function checkOpenedTables(sql: Sql, kind: Deviation['kind'], app: string): Promise<readonly Check[]> {
  const name = openedNames[kind]
  const deviations = (await appTableDeviations(sql, app)).filter((deviation) => deviation.kind === kind)
  if (deviations.length === 0) return [{ name, ok: true, subject: 'tables of the control plane' }]
  return deviations.map(({ subject, fix }) => violation(name, subject, fix))
}

const violation = (name: string, subject: string, fix: string): Check => ({ name, ok: false, subject, fix })
