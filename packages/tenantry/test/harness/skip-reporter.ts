// Prints each skipped test with its reason at the end of a run, fails a run with a skip that gives none, and appends
// the totals as one JSON line to the file that TENANTRY_TEST_TOTALS names.
import { appendFileSync } from 'node:fs'
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'

interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** A file that broke outside its tests (on import, in a hook) counts as one failure. */
function brokenOutsideTests(module: TestModule): boolean {
  return !module.ok() && ![...module.children.allTests('failed')].length
}

function count(modules: readonly TestModule[], errors: readonly unknown[]): Totals {
  const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state))
  const having = (state: string) => states.filter((each) => each === state).length
  const failed = having('failed') + modules.filter(brokenOutsideTests).length + errors.length
  return { passed: having('passed'), failed, skipped: having('skipped') }
}

export class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], reason: TestRunEndReason): void {
    // A run narrowed by -t skips the rest on purpose.
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')])
    for (const test of skipped) {
      const result = test.result()
      const note = result.state === 'skipped' ? result.note : undefined
      if (note !== undefined) process.stdout.write(`skipped: ${test.fullName}\n         ${note}\n`)
      else if (process.env['CI'] === 'true') {
        process.stdout.write(`skipped without a reason: ${test.fullName}\n`)
        process.exitCode = 1
      }
    }
    const totalsFile = process.env['TENANTRY_TEST_TOTALS']
    if (totalsFile !== undefined) {
      appendFileSync(totalsFile, `${JSON.stringify({ ...count(modules, errors), reason })}\n`)
    }
  }
}
