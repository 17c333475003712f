// The check of the policies before any tenant is served: a table whose policies were altered, or whose row-level security
// was switched off, is open to every tenant, however well the statements are scoped.
import type { CentralDatabase, Sql } from '../../../engine/sql/database.ts'
import { sqlStateOf } from '../../../engine/sql/database-errors.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { catalogueBase } from './catalogue-base.ts'
import { examineRule } from './catalogue-rule.ts'
import type { CatalogueOptions } from './check-catalogue.ts'
import { checkOpenedTables } from './control-plane-checks.ts'
import { policyRules } from './rules/policy-rules.ts'

const NAMED = 5
const LOCK_NOT_AVAILABLE = '55P03'
/** To write a policy out, PostgreSQL looks at its table, and waits for whoever is altering it. */
const LOCK_TIMEOUT_MS = 10_000

/**
 * Throws VERIFY_FAILED naming what does not hold of the policies of protected tables, of tenants' schemas, and of what the
 * application reads of the control plane; LOCK_NOT_TAKEN where a session that alters a table does not end in time.
 */
export async function refuseBrokenPolicies(
  database: CentralDatabase,
  options: CatalogueOptions,
  lockTimeoutMs = LOCK_TIMEOUT_MS,
): Promise<void> {
  try {
    await database.transaction(async (tx) => {
      await tx.query(`set local lock_timeout = ${lockTimeoutMs}`)
      await refuseBroken(tx, options)
    })
  } catch (error) {
    if (sqlStateOf(error) !== LOCK_NOT_AVAILABLE) throw error
    throw new TenantryError('LOCK_NOT_TAKEN', 'Policies cannot be compared: another session is altering their table.', {
      cause: error,
      sqlState: LOCK_NOT_AVAILABLE,
      fix: 'Start again when that session, such as a migration, has ended.',
    })
  }
}

async function refuseBroken(sql: Sql, options: CatalogueOptions): Promise<void> {
  const base = catalogueBase(options)
  const checks = [...(await checkOpenedTables(sql, 'policies', options.roles.app))]
  for (const rule of policyRules) checks.push(...(await examineRule(sql, base, rule)))
  const broken = checks.filter(({ ok }) => !ok).map(({ name, subject = '' }) => `${name}: ${subject}`)
  if (broken.length === 0) return
  const more = broken.length > NAMED ? `; and ${broken.length - NAMED} more` : ''
  throw new TenantryError(
    'VERIFY_FAILED',
    `Isolation does not hold. Broken: ${broken.slice(0, NAMED).join('; ')}${more}.`,
  )
}
