// What a check of the catalogue is, and how it is put to the database: one query a check, whatever the number of tables.
import type { Check } from '../../../control/admin-requirements.ts'
import type { Sql } from '../../../engine/sql/database.ts'

export interface CatalogueRule {
  /** Stable: scripts and the documentation name it. Says what has to hold. */
  readonly name: string
  /** Default: error. A warning is the reader's to decide. */
  readonly severity?: 'warning'
  /** What is counted where it holds: "tables". */
  readonly unit: string
  /**
   * A query over the base (see catalogue-base.ts) with one row for each thing that is examined: `subject` text, `fix`
   * text, and `bad`, true where the rule is broken. Null for `bad` counts as broken.
   */
  readonly found: string
}

interface Found {
  readonly examined: number
  readonly violations: readonly { readonly subject: string; readonly fix: string }[]
}

// Names are deparsed in full unless they are PostgreSQL's own, so a look-alike of `=` or of a function shows in the text.
const SESSION = 'set local search_path = pg_catalog, pg_temp; set local jit = off;'

/** Runs a rule over the base. In a caller's transaction the search_path stays PostgreSQL's own until it ends. */
export async function examineRule(sql: Sql, base: string, rule: CatalogueRule): Promise<readonly Check[]> {
  const { rows } = await sql.query<Found>(`${SESSION}
    with recursive ${base}, found as (${rule.found})
    select count(*)::int as examined, coalesce(jsonb_agg(jsonb_build_object('subject', subject, 'fix', fix)
             order by subject) filter (where bad is not false), '[]') as violations from found`)
  const { examined, violations } = rows[0] ?? { examined: 0, violations: [] }
  const severity = rule.severity === undefined ? {} : { severity: rule.severity }
  if (violations.length === 0) return [{ name: rule.name, ok: true, subject: `${examined} ${rule.unit}` }]
  return violations.map(({ subject, fix }) => ({ name: rule.name, ok: false, subject, fix, ...severity }))
}
