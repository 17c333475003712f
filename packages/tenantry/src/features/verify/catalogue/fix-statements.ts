// Which of the fixes are statements to run, and in which order.
import type { Check } from '../../../control/admin-requirements.ts'
import { catalogueCheckNames } from './check-catalogue.ts'

/**
 * The SQL that repairs what failed, in an order in which it can run in one transaction. Each text may hold several
 * statements. Left to the reader are sentences, what only another owner may run (it ends in a comment that names the
 * owner) and the fixes of warnings.
 */
export function fixStatements(checks: readonly Check[]): readonly string[] {
  const rank = ({ name }: Check) => {
    const at = catalogueCheckNames.indexOf(name)
    return at === -1 ? catalogueCheckNames.length : at
  }
  const failed = checks.filter(({ ok, severity }) => !ok && severity !== 'warning')
  const inOrder = failed.toSorted((a, b) => rank(a) - rank(b))
  return [...new Set(inOrder.map(({ fix }) => fix ?? '').filter(isStatement))]
}

/** Whether a fix is SQL that can be run as it is. */
function isStatement(fix: string): boolean {
  return fix.endsWith(';')
}
