// Which of the fixes are statements to run, and in which order.
import type { Check } from '../../../control/admin-requirements.ts'

/** Whether the checks as a whole hold: warnings fail nothing. */
export function catalogueHolds(checks: readonly Check[]): boolean {
  return checks.every(({ ok, severity }) => ok || severity === 'warning')
}

/**
 * The SQL that repairs what failed, in an order in which it can run in one transaction. What is a sentence, a command
 * of another owner or a warning is left to the reader. Each text may hold several statements.
 */
export function fixStatements(checks: readonly Check[]): readonly string[] {
  const fixes = checks.filter(({ ok, severity }) => !ok && severity !== 'warning').map(({ fix }) => fix ?? '')
  return [...new Set(fixes.filter((fix) => fix.endsWith(';')))]
}
