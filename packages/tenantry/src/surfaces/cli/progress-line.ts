// Shows a run as it goes: a bar on a terminal, written over in place, and a line now and then elsewhere.
// Not the bar of @clack/prompts: it takes the keyboard, and Ctrl-C then ends the process instead of the run.
import type { MigrationProgress } from '../../features/migrations/fleet.ts'
import type { CliIo } from './io.ts'

export interface ProgressLine {
  show(progress: MigrationProgress): void
  /** Takes the bar away; what comes after it starts on a line of its own. */
  clear(): void
}

const BAR_WIDTH = 24
/** Without a terminal: how often a line is written, so that a log of an hour stays readable. */
const LINE_EVERY_MS = 10_000
const PERCENT = 100

export function progressLine(io: Pick<CliIo, 'stderr' | 'isTTY'>, now: () => number = Date.now): ProgressLine {
  if (io.isTTY.stderr) {
    const write = (text: string) => io.stderr.write(`\r\u001b[2K${text}`)
    return { show: (progress) => write(barOf(progress)), clear: () => write('') }
  }
  let next = 0
  let wave = -1
  return {
    show: (progress) => {
      if (now() < next && progress.wave === wave) return
      next = now() + LINE_EVERY_MS
      wave = progress.wave
      io.stderr.write(`${textOf(progress)}\n`)
    },
    clear: () => {},
  }
}

function barOf(progress: MigrationProgress): string {
  const { total, done, failed } = progress
  const share = total === 0 ? 0 : Math.min(1, (done + failed) / total)
  const filled = Math.round(share * BAR_WIDTH)
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${textOf(progress)}`
}

function textOf({ total, done, failed, rate, leftMs, wave }: MigrationProgress): string {
  const share = total === 0 ? 0 : Math.floor(((done + failed) / total) * PERCENT)
  const parts = [
    `${done + failed} of ${total} tenants (${share} %)`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(rate > 0 ? [`${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`] : []),
    ...(leftMs === null ? [] : [`${durationText(leftMs)} left`]),
    ...waveText(wave, done + failed),
  ]
  return parts.join(', ')
}

/** Before anything is done nobody can tell whether there are canaries at all. */
function waveText(wave: number, seen: number): readonly string[] {
  if (wave > 0) return [`wave ${wave}`]
  return seen > 0 ? ['canary'] : []
}

/** `1 h 5 min`, `2 min 3 s`, `12 s`. */
export function durationText(ms: number): string {
  const seconds = Math.ceil(ms / 1_000)
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)]
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`
}
