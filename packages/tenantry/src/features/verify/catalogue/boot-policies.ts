// The check of the policies before any tenant is served: a table whose policies were altered, or whose row-level security
// was switched off, is open to every tenant, however well the statements are scoped.
import type { Sql } from '../../../engine/sql/database.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { catalogueBase } from './catalogue-base.ts'
import { examineRule } from './catalogue-rule.ts'
import type { CatalogueOptions } from './check-catalogue.ts'
import { policyRules } from './rules/policy-rules.ts'

const NAMED = 5

/** Throws VERIFY_FAILED naming what does not hold of the policies of protected tables and tenants' schemas. */
export async function refuseBrokenPolicies(sql: Sql, options: CatalogueOptions): Promise<void> {
  const base = catalogueBase(options)
  const broken: string[] = []
  for (const rule of policyRules) {
    for (const { ok, name, subject = '' } of await examineRule(sql, base, rule)) {
      if (!ok) broken.push(`${name}: ${subject}`)
    }
  }
  if (broken.length === 0) return
  const more = broken.length > NAMED ? `; and ${broken.length - NAMED} more` : ''
  throw new TenantryError(
    'VERIFY_FAILED',
    `Isolation does not hold. Broken: ${broken.slice(0, NAMED).join('; ')}${more}.`,
  )
}
