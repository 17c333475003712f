// One read as the honey tenant over every table of every schema tenant, many tables a statement: the sample is attacked
// in depth, and nobody is left out.
import type { VerifyCheck } from '../check.ts'
import { seesNothing } from './attacks.ts'
import type { Honey } from './honey.ts'
import type { ProbeSession } from './probe-session.ts'
import type { SessionGroup } from './session-group.ts'
import { quoteLiteral } from '../../../kernel/identifiers.ts'
import { skipped } from './table-probe.ts'

const AT_ONCE = 100

export interface BreadthOptions {
  readonly sessions: SessionGroup
  readonly honey: Honey
  /** The repair for a table named so. */
  readonly fixOf: (table: string) => string
  readonly onProgress: (done: number, of: number) => void
}

/** Reads every table named; quoted, schema-qualified. */
export async function probeBreadth(options: BreadthOptions, names: readonly string[]): Promise<readonly VerifyCheck[]> {
  const chunks: (readonly string[])[] = []
  for (let from = 0; from < names.length; from += AT_ONCE) chunks.push(names.slice(from, from + AT_ONCE))
  let done = 0
  const found = await options.sessions.each(chunks, async (session, chunk) => {
    const checks = await session.rolledBack(() => readTables(options, session, chunk))
    done += chunk.length
    options.onProgress(done, names.length)
    return checks
  })
  const checks = found.flat()
  if (checks.length > 0 || names.length === 0) return checks
  return [{ name: 'probe: all schemas', ok: true, subject: `${names.length} tables of schema tenants` }]
}

async function readTables(
  options: BreadthOptions,
  session: ProbeSession,
  names: readonly string[],
): Promise<readonly VerifyCheck[]> {
  const text = names
    .map((name) => `select ${quoteLiteral(name)} as name where exists (select from ${name})`)
    .join(' union all ')
  const outcome = await session.attempt({ as: options.honey.attacker.prelude(), text })
  if (outcome.refused !== undefined) return (await readEach(options, session, names)).flat()
  return outcome.rows.map((row) => foreign(options, String(row['name'])))
}

/** After a refusal, which says nothing about the others of the statement. */
async function readEach(
  options: BreadthOptions,
  session: ProbeSession,
  names: readonly string[],
): Promise<readonly (readonly VerifyCheck[])[]> {
  const as = options.honey.attacker.prelude()
  return Promise.all(
    names.map(async (name) => {
      const verdict = seesNothing(await session.attempt({ as, text: `select 1 from ${name} limit 1` }))
      if (verdict === 'held') return []
      return verdict === 'breached' ? [foreign(options, name)] : [skipped('probe: read', name, verdict.notRun)]
    }),
  )
}

function foreign({ fixOf }: BreadthOptions, name: string): VerifyCheck {
  return { name: 'probe: read', ok: false, subject: name, fix: fixOf(name) }
}
