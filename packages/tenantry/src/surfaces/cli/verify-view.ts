// How a run of verify reads: what fails first, grouped by claim, each with its repair; then what was not proven; then
// how much holds.
import { fails, type VerifyCheck } from '../../features/verify/check.ts'
import type { VerifyReport } from '../../features/verify/report.ts'
import type { Output } from './output.ts'
import { plain } from './text.ts'

/** Prints the report for a person. */
export function printReport(output: Output, report: VerifyReport): void {
  const { checks, allowSkipped } = report
  const failed = checks.filter((check) => fails(check, allowSkipped))
  const passedOver = checks.filter((check) => !check.ok && !fails(check, allowSkipped))
  printGroups(output, failed, output.style('red', '✗'))
  printGroups(output, passedOver, output.style('yellow', '!'))
  const held = groups(checks.filter(({ ok }) => ok))
  for (const [name, members] of held) {
    const count = members.length === 1 ? '' : ` (${members.length})`
    output.line(`${output.style('green', '✓')} ${plain(name)}${count}`)
  }
  output.line()
  output.line(summary(report, failed.length, passedOver.length))
}

function printGroups(output: Output, checks: readonly VerifyCheck[], mark: string): void {
  const printed = new Set<string>()
  for (const [name, members] of groups(checks)) {
    output.line(`${mark} ${plain(name)}`)
    for (const { subject, fix = '' } of members) {
      if (subject !== undefined) output.line(`    ${plain(subject)}`)
      // One hole is met by many attacks, and all of them have the one repair.
      if (fix.includes('\n') && printed.has(fix)) {
        output.line(`      ${output.style('dim', 'the same repair as above')}`)
        continue
      }
      printed.add(fix)
      // Statements are to be copied, so their line breaks stay.
      for (const line of fix.split('\n').filter((text) => text !== '')) output.line(`      ${plain(line)}`)
    }
  }
}

function groups(checks: readonly VerifyCheck[]): ReadonlyMap<string, readonly VerifyCheck[]> {
  const byName = new Map<string, VerifyCheck[]>()
  for (const check of checks) byName.set(check.name, [...(byName.get(check.name) ?? []), check])
  return byName
}

function summary({ checks, ok, fingerprint, changed }: VerifyReport, failed: number, passedOver: number): string {
  const counts = `${checks.length} checks, ${failed} failed, ${passedOver} accepted or warned of.`
  const since = changed === null || changed.length === 0 ? '' : ` Changed since the last run: ${changed.join(', ')}.`
  const print = fingerprint === null ? '' : ` Fingerprint ${fingerprint.slice(0, 16)}.`
  return `${ok ? 'Isolation holds' : 'Isolation is not proven'}: ${counts}${since}${print}`
}

/** The published shape: `{ ok, checks: [{ name, ok, subject?, fix?, severity?, skipped? }] }`. */
export function publishedReport({ ok, checks }: VerifyReport): object {
  return {
    ok,
    checks: checks.map(({ name, ok: holds, subject, fix, severity, skipped }) => ({
      ...{ name, ok: holds, subject, fix, severity, skipped },
    })),
  }
}
