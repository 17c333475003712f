// One read as the honey tenant over every table of every schema tenant, many tables a statement: the sample is attacked
// in depth, and nobody is left out.
import type { VerifyCheck } from '../check.ts'
import { seesNothing } from './attacks.ts'
import type { Honey } from './honey.ts'
import type { ProbeSession } from './probe-session.ts'
import { quoteLiteral } from '../../../kernel/identifiers.ts'
import { skipped } from './table-probe.ts'

const AT_ONCE = 100

export interface BreadthOptions {
  readonly session: ProbeSession
  readonly honey: Honey
  /** The repair for a table named so. */
  readonly fixOf: (table: string) => string
  readonly onProgress: (done: number, of: number) => void
}

/** Reads every table named; quoted, schema-qualified. */
export async function probeBreadth(options: BreadthOptions, names: readonly string[]): Promise<readonly VerifyCheck[]> {
  const checks: VerifyCheck[] = []
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const chunk = names.slice(from, from + AT_ONCE)
    checks.push(...(await options.session.rolledBack(() => readTables(options, chunk))))
    options.onProgress(Math.min(from + AT_ONCE, names.length), names.length)
  }
  const [first] = checks
  return first === undefined && names.length > 0
    ? [{ name: 'probe: all schemas', ok: true, subject: `${names.length} tables of schema tenants` }]
    : checks
}

async function readTables(options: BreadthOptions, names: readonly string[]): Promise<readonly VerifyCheck[]> {
  const text = names
    .map((name) => `select ${quoteLiteral(name)} as name where exists (select from ${name})`)
    .join(' union all ')
  const outcome = await options.session.attempt({ as: options.honey.attacker.prelude(), text })
  if (outcome.refused !== undefined) return (await readEach(options, names)).flat()
  return outcome.rows.map((row) => foreign(options, String(row['name'])))
}

/** After a refusal, which says nothing about the others of the statement. */
async function readEach(
  options: BreadthOptions,
  names: readonly string[],
): Promise<readonly (readonly VerifyCheck[])[]> {
  const as = options.honey.attacker.prelude()
  return Promise.all(
    names.map(async (name) => {
      const verdict = seesNothing(await options.session.attempt({ as, text: `select 1 from ${name} limit 1` }))
      if (verdict === 'held') return []
      return verdict === 'breached' ? [foreign(options, name)] : [skipped('probe: read', name, verdict.notRun)]
    }),
  )
}

function foreign({ fixOf }: BreadthOptions, name: string): VerifyCheck {
  return { name: 'probe: read', ok: false, subject: name, fix: fixOf(name) }
}
