// How migrations look on the command line: where the fleet stands, runs, and what was changed by hand.
import type { DriftReport, FleetStatus, MigrationRun, TenantDrift } from '../../../features/migrations/fleet.ts'
import { quoteIdentifier } from '../../../kernel/identifiers.ts'
import type { Output } from '../output.ts'
import { fieldLines, tableLines } from '../output.ts'
import { durationText } from '../progress-line.ts'
import { timeText } from '../tenant-view.ts'
import { plain } from '../text.ts'

/** How many tenants that failed are shown; --json has all. */
const SHOWN_FAILURES = 20

export function printStatus(output: Output, status: FleetStatus): void {
  const { target, total, upToDate, pending, failed, shared, versions, run, warnings } = status
  const fields: [string, string][] = [
    ['Newest migration', target ?? 'none'],
    ['Tenants', String(total)],
    ['Up to date', String(upToDate)],
    ['Pending', String(pending)],
    ['Failed', String(failed)],
    ['Shared', `${shared.applied} applied, ${shared.pending.length} pending`],
  ]
  if (run !== null) fields.push(['Last run', `${run.state}, ${timeText(run.startedAt)}, ${run.runId}`])
  for (const line of fieldLines(fields)) output.line(line)
  for (const name of shared.pending) output.line(`  - ${plain(name)} (shared)`)
  const behind = versions.filter(({ migration }) => migration !== target)
  if (behind.length > 0) {
    const rows = behind.map(({ migration, tenants }) => [migration ?? 'none', String(tenants)])
    output.line()
    for (const line of tableLines([{ title: 'AT MIGRATION' }, { title: 'TENANTS', align: 'right' }], rows))
      output.line(line)
  }
  for (const warning of warnings) output.note(output.style('yellow', `! ${plain(warning)}`))
  const next = nextStep(status)
  if (next !== undefined) output.note(next)
}

function nextStep({ pending, failed, shared, run }: FleetStatus): string | undefined {
  if (run?.state === 'running') return 'A run is under way.'
  if (failed > 0) return 'Try those that failed again: tenantry migrate retry'
  if (pending > 0 || shared.pending.length > 0) return 'Bring them up to date: tenantry migrate up'
  return undefined
}

/** The end of a run, or what it would do. */
export function printRun(output: Output, run: MigrationRun): void {
  const { failures } = run
  output.line(headline(output, run))
  for (const name of run.shared) output.line(`  shared: ${plain(name)}`)
  for (const { slug, code, migration, sqlState, message } of failures.slice(0, SHOWN_FAILURES)) {
    const where = [code, migration, sqlState].filter((part) => part !== null).join(', ')
    output.line(`  ${output.style('red', '✗')} ${plain(slug)}: ${plain(message)} (${plain(where)})`)
  }
  const more = failures.length - SHOWN_FAILURES
  if (more > 0) output.line(`  … and ${more} more; --json has all.`)
  if (run.reason !== null) output.note(plain(run.reason))
  if (run.dryRun) return
  if (run.failed > 0) output.note('When the cause is mended: tenantry migrate retry')
  else if (run.state !== 'complete') output.note('What is done stays done. Go on with: tenantry migrate up')
}

function headline(output: Output, run: MigrationRun): string {
  const { total, done, failed, upToDate, state, shared, durationMs } = run
  const target = run.target === null ? '' : ` to ${plain(run.target)}`
  if (run.dryRun) {
    return `Would bring ${counted(total, 'tenant')}${target} and apply ${counted(shared.length, 'shared migration')}; ${upToDate} are up to date.`
  }
  if (isNothing(run)) return `Nothing to do: ${counted(upToDate, 'tenant')} up to date, proven.`
  const took = durationText(durationMs)
  if (state === 'complete' && failed === 0) {
    return `${output.style('green', '✓')} ${counted(done, 'tenant')} brought${target} in ${took}; ${upToDate} were up to date.`
  }
  const left = total - done - failed
  return `${output.style('yellow', '!')} ${state}: ${done} of ${counted(total, 'tenant')} done, ${failed} failed, ${left} left, after ${took}.`
}

/** Whether the run found everything as it should be. */
const isNothing = ({ state, total, shared }: MigrationRun): boolean =>
  state === 'complete' && total === 0 && shared.length === 0

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`

export function printRuns(output: Output, runs: readonly MigrationRun[]): void {
  const columns = [
    { title: 'ID', width: 36 },
    { title: 'STATE', width: 11 },
    { title: 'STARTED', width: 24 },
    ...(['DONE', 'FAILED', 'OF'] as const).map((title) => ({ title, align: 'right' as const, width: 6 })),
    { title: 'TARGET' },
  ]
  const rows = runs.map(({ runId, state, startedAt, done, failed, total, target }) => [
    ...[runId, state, timeText(startedAt), String(done), String(failed), String(total), target ?? '-'],
  ])
  for (const line of tableLines(columns, rows)) output.line(line)
}

/** SQL that can be run as it is printed; the rest is comments. */
export function printDrift(output: Output, report: DriftReport): void {
  for (const tenant of report.drifted) {
    for (const line of driftLines(tenant)) output.line(line)
    output.line()
  }
  const { checked, drifted, pending } = report
  const behind = pending > 0 ? `; ${pending} are behind and were not compared` : ''
  const found = drifted.length === 0 ? 'none differs' : `${drifted.length} differ`
  output.note(`${counted(checked, 'tenant')} compared with the reference, ${found}${behind}.`)
}

function driftLines({ slug, schemaName, differences }: TenantDrift): string[] {
  const lines = differences.flatMap(({ kind, name, change, mend, warning }) => [
    `-- ${change}: ${kind} ${plain(name)}`,
    ...(warning === null ? [] : [`-- ! ${plain(warning)}`]),
    ...(mend === null ? ['-- To be decided by hand: its data would be lost.'] : statementLines(mend)),
  ])
  return [
    `-- ${plain(slug)}`,
    'begin;',
    `set local search_path = ${plain(quoteIdentifier(schemaName))}, pg_temp;`,
    ...lines,
    'commit;',
  ]
}

const statementLines = (sql: string): string[] => `${sql.replace(/;?\s*$/, '')};`.split('\n').map(plain)
