// What verify finds: a list of claims, each held or not. `name`, `ok`, `subject` and `fix` are the published shape; the
// rest is for reading.
import type { Check } from '../../control/admin-requirements.ts'

/** One claim about the isolation of this database. */
export interface VerifyCheck extends Check {
  /** Why a probe could not run. It proves nothing then, so `ok` is false; the run may accept that. */
  readonly skipped?: string
  /** The attacks behind one claim about a table. */
  readonly ran?: readonly string[]
}

/** Whether a check stands in the way of the whole: warnings do not, and what was skipped only where that is not accepted. */
export function fails({ ok, severity, skipped }: VerifyCheck, allowSkipped: boolean): boolean {
  return !ok && severity !== 'warning' && !(allowSkipped && skipped !== undefined)
}
