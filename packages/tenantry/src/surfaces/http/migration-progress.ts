// How far a run is, told from its row alone: how fast it goes shows between two looks at it. Pure.
import type { MigrationProgress, MigrationRun } from '../../features/migrations/fleet.ts'

interface Look {
  readonly run: MigrationRun
  /** Milliseconds of one clock. */
  readonly at: number
  readonly now: number
}

const SECOND_MS = 1_000

/** The progress of a run, by what it was when it was last looked at. */
export function progressOf(run: MigrationRun, last: Look | undefined): MigrationProgress {
  const { runId, state, total, done, failed, wave } = run
  const since = last === undefined ? 0 : done + failed - (last.run.done + last.run.failed)
  const ms = last === undefined ? 0 : last.now - last.at
  const rate = ms > 0 ? Math.max(0, (since / ms) * SECOND_MS) : 0
  const left = total - done - failed
  const leftMs = rate > 0 ? Math.round((left / rate) * SECOND_MS) : null
  return { runId, state, total, done, failed, wave, rate, leftMs }
}
