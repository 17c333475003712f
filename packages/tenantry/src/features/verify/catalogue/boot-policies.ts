// The check of the policies before any tenant is served: a table whose policies were altered, or whose row-level security
// was switched off, is open to every tenant, however well the statements are scoped.
import type { Sql } from '../../../engine/sql/database.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { catalogueBase } from './catalogue-base.ts'
import { examineRule } from './catalogue-rule.ts'
import type { CatalogueOptions } from './check-catalogue.ts'
import { checkOpenedTables } from './control-plane-checks.ts'
import { policyRules } from './rules/policy-rules.ts'

const NAMED = 5

/**
 * Throws VERIFY_FAILED naming what does not hold of the policies of protected tables, of tenants' schemas, and of what the
 * application reads of the control plane.
 */
export async function refuseBrokenPolicies(sql: Sql, options: CatalogueOptions): Promise<void> {
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
